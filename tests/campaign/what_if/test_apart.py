# SPDX-License-Identifier: LGPL-3.0-or-later
"""Members side by side: the same numbers as in turn, and what kills one takes nothing else with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from imagio_sim.campaign.run import Listener, RunOptions
from imagio_sim.campaign.what_if.apart import affordable_workers
from imagio_sim.campaign.what_if.sweep import Member, members_of, sweep
from imagio_sim.campaign.what_if.variation import parse_vary
from imagio_sim.errors import Interrupted
from imagio_sim.meshing.cache import FOLDER_VARIABLE
from imagio_sim.outcome.result import FILE_NAME, Result, read_result
from tests.campaign.bench import PLAN, POWER, bench

ROOT = Path(__file__).parents[3]
DURATION = f"plans.{PLAN}.program.duration"


@pytest.fixture(scope="module", autouse=True)
def meshes(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Meshes of these tests; set before the server of processes starts, which hands its environment on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


def slow_members(vary: str) -> tuple[Member, ...]:
    """Members with steps so small that hours take seconds."""
    solver = {"resolution": "coarse", "geometry": "axisymmetric", "time_tolerance": "0.01 K"}
    return members_of(bench(solver=solver), (), [parse_vary(vary)])


def listener(stop: Callable[[], bool] = lambda: False) -> Listener:
    return Listener(lambda _: None, lambda _: None, stop)


def options(out: Path) -> RunOptions:
    return RunOptions(out, "coarse", pictures=False)


def without_times(result: Result | None) -> dict[str, object]:
    """A result without how long it took to get it."""
    assert result is not None
    data = dict(json.loads(json.dumps(result)))
    for part in (data["solver"], *data["solver"]["by_stage"]):
        del part["wall_s"]
    return {name: value for name, value in data.items() if name != "timing"}


def begun(folder: Path) -> bool:
    return (folder / PLAN / FILE_NAME).exists()


def runs_of_this_test() -> list[psutil.Process]:
    """Processes that the server has made; gmsh has ended where a folder has been begun."""
    me = psutil.Process()
    return [one for one in me.children(recursive=True) if one.ppid() != me.pid]


def test_side_by_side_gives_the_same_numbers_as_in_turn(tmp_path: Path) -> None:
    wanted = members_of(bench(), (), [parse_vary(f"{POWER}=20W:40W:10W")])
    in_turn = list(sweep(wanted, options(tmp_path / "in_turn"), listener()))
    counts: list[int] = []
    together = list(sweep(wanted, options(tmp_path / "together"), listener(), workers=2, settled=counts.append))

    assert [one.member for one in together] == list(wanted)
    assert [without_times(one.result) for one in together] == [without_times(one.result) for one in in_turn]
    assert sorted(counts)[-1] == 3


def test_killed_members_say_so_and_the_others_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.campaign.what_if.killed_sweep", str(tmp_path)]
    # without what MPI has put into the environment of the tests that ran before
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI", "PMIX", "PRTE"))}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    first, second, third = json.loads(ended.stdout.splitlines()[-1])

    assert "its process was killed (SIGKILL)" in first
    assert "its process was killed (SIGKILL)" in second
    assert third == ""
    statuses = sorted(status(folder) for folder in tmp_path.iterdir())
    assert statuses == ["complete", "interrupted", "interrupted"]


def status(folder: Path) -> str:
    return read_result(folder / PLAN / FILE_NAME)["status"]


def test_a_wish_to_stop_ends_all_at_a_checkpoint_and_starts_no_more(tmp_path: Path) -> None:
    wanted = slow_members(f"{DURATION}=24h,23h,22h")
    first, second, third = (tmp_path / one.variant.name for one in wanted)

    with pytest.raises(Interrupted):
        list(sweep(wanted, options(tmp_path), listener(lambda: begun(first) and begun(second)), workers=2))

    assert (status(first), status(second)) == ("interrupted", "interrupted")
    assert (first / PLAN / "checkpoint").is_dir()
    assert not third.exists()
    assert runs_of_this_test() == []


def test_there_are_no_more_processes_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))

    assert [affordable_workers(3, 1), affordable_workers(20, 1), affordable_workers(20, 2)] == [3, 8, 4]
    assert affordable_workers(2, 16) == 1
