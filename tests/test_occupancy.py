# SPDX-License-Identifier: LGPL-3.0-or-later
"""One process at a time in a place, and nobody waits for one that is dead."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagio_sim import occupancy
from imagio_sim.occupancy import STALE_AFTER, Occupant, occupant, occupied


class Refused(Exception):
    pass


def refuse(other: Occupant) -> None:
    raise Refused(other.text)


def holder(file: Path) -> subprocess.Popen[str]:
    program = (
        "import sys, time; from pathlib import Path; from imagio_sim.occupancy import occupied\n"
        "with occupied(Path(sys.argv[1]), on_wait=lambda _: None): print('held', flush=True); time.sleep(60)"
    )
    started = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n"
    return started


def test_a_place_is_free_again_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with occupied(file, on_wait=refuse):
        assert occupant(file) is not None
    assert occupant(file) is None
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_is_told_who_is_there(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    first = holder(file)
    try:
        with pytest.raises(Refused, match=f"process {first.pid} on"), occupied(file, on_wait=refuse):
            pass
    finally:
        first.kill()
        first.wait()


def test_the_place_of_a_killed_process_is_free(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    first = holder(file)
    first.send_signal(signal.SIGKILL)
    time.sleep(0.1)  # not waited for: it is a zombie, which works no more

    with occupied(file, on_wait=refuse):
        assert occupant(file) is not None
    first.wait()


def test_a_process_that_got_a_dead_one_s_number_is_not_taken_for_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text(json.dumps({"host": os.uname().nodename, "pid": os.getpid(), "begun": 1.0}))

    assert occupant(file) is None


def test_on_another_machine_a_sign_now_and_then_is_what_counts(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text(json.dumps({"host": "another", "pid": 1, "begun": 1.0}))
    assert occupant(file) is not None

    long_ago = time.time() - STALE_AFTER - 1.0
    os.utime(file, (long_ago, long_ago))

    assert occupant(file) is None


def test_signs_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "BEAT", 0.0)
    file = tmp_path / "lock"
    with occupied(file, on_wait=refuse) as place:
        os.utime(file, (1.0, 1.0))
        place.beat()
        assert file.stat().st_mtime > 1.0


def test_signs_give_themselves_while_something_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "BEAT", 0.01)
    file = tmp_path / "lock"
    with occupied(file, on_wait=refuse) as place, place.beating():
        os.utime(file, (1.0, 1.0))
        end = time.monotonic() + 10.0
        while file.stat().st_mtime == 1.0 and time.monotonic() < end:
            time.sleep(0.01)
        assert file.stat().st_mtime > 1.0


def _enter(file: Path, inside: Path, count: int) -> None:
    occupancy._POLL = 0.01
    for _ in range(count):
        with occupied(file, on_wait=lambda _: None):
            inside.mkdir()  # fails if another is inside
            time.sleep(0.01)
            inside.rmdir()


def test_many_at_once_enter_one_by_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "lock", tmp_path / "inside", 5)
    crowd = [context.Process(target=_enter, args=arguments) for _ in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(30)

    assert [one.exitcode for one in crowd] == [0, 0, 0, 0]
