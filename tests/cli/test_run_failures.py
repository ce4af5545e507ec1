# SPDX-License-Identifier: LGPL-3.0-or-later
"""How ``imagio run`` gives up: exit code 3, a folder that says ``failed``, and a checkpoint in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import PLAN, ROOT, SCENARIO, call
from tests.cli.on_small_disk import NO_DISK

STATE = Path("checkpoint", "stage_0", "state.npz")


@pytest.fixture
def petsc_option() -> Iterator[Callable[[str, int], None]]:
    """Set an option as a user would with ``PETSC_OPTIONS``, for one test."""
    PETSc = pytest.importorskip("petsc4py.PETSc")
    options, given = PETSc.Options(), []

    def give(name: str, value: int) -> None:
        options.setValue(name, value)
        given.append(name)

    yield give
    for name in given:
        options.delValue(name)


def result_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def time_of(checkpoint: Path) -> float:
    """Simulated time [s] that a checkpoint holds."""
    with np.load(checkpoint) as stored:
        return float(json.loads(str(stored["text"]))["time"])


# The first step solves no electric field, so that there is a good time to go back to.
LATE = {f"plans.{PLAN}.applicators[0].start": "10 s"}


def test_a_solution_that_diverges_says_why_how_far_it_came_and_what_may_help(
    tmp_path: Path, written: Callable[..., Path], petsc_option: Callable[[str, int], None]
) -> None:
    petsc_option("electric_ksp_max_it", 1)
    petsc_option("electric_spare_ksp_max_it", 1)
    ended = call("run", written(LATE), folder=tmp_path)
    folder = tmp_path / "runs" / "phantom_rf_coarse" / PLAN
    message = ended.err.splitlines()[-1]
    assert ended.code == 3
    assert message == (
        "the solver diverged at 10.000 s: the iteration limit was reached; last good time 10.0 s; "
        "try: a finer mesh (--resolution), or a lower power or voltage in the program"
    )
    result = result_in(folder)
    assert (result["status"], result["failure"]) == ("failed", message)
    assert time_of(folder / STATE) == pytest.approx(10.0), "the checkpoint holds the last good state"
    assert (folder / "log.txt").read_text().endswith(f"{PLAN}: failed: {message}\n")


@pytest.mark.mpi
def test_a_solution_that_diverges_on_two_ranks_says_the_same(
    tmp_path: Path, written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PETSC_OPTIONS", "-electric_ksp_max_it 1 -electric_spare_ksp_max_it 1")
    ended = call("run", written(LATE), "-n", 2, folder=tmp_path)
    folder = tmp_path / "runs" / "phantom_rf_coarse" / PLAN
    assert ended.code == 3
    assert "the iteration limit was reached; last good time 10.0 s; try: " in ended.err.splitlines()[-1]
    assert result_in(folder)["status"] == "failed"
    assert (folder / STATE).is_file()


def on_small_disk(size: str, folder: Path, *arguments: object) -> dict[str, Any]:
    """Run with ``--out`` on a small disk; what is reported of its end."""
    disk = folder / "disk"
    disk.mkdir()
    command = [sys.executable, "-m", "tests.cli.on_small_disk", size, disk, "run", SCENARIO, "--out", disk / "results"]
    ended = subprocess.run(
        [*map(str, command), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    if ended.returncode == NO_DISK:
        pytest.skip(ended.stderr.strip())
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def test_a_small_disk_is_refused_before_the_run(tmp_path: Path) -> None:
    report = on_small_disk("16m", tmp_path)
    assert report["code"] == 2
    assert report["files"] == []
    assert "expected at least 64 MiB for this run, got 16 MiB free" in report["err"].splitlines()[-1]


@pytest.mark.parametrize(
    ("size", "ranks"), [("!8m", 1), ("!24m", 1), pytest.param("!24m", 2, marks=pytest.mark.mpi), ("!30m", 1)]
)
def test_a_disk_that_fills_up_during_the_run_is_a_failure_that_can_go_on(size: str, ranks: int, tmp_path: Path) -> None:
    report = on_small_disk(size, tmp_path, "-n", ranks)
    message = report["err"].splitlines()[-1]
    assert report["code"] == 3
    assert "could not be written (No space left on device); free some space and run the same command again" in message
    (result,) = report["results"].values()
    assert (result["status"], result["failure"]) == ("failed", message)
    assert not [name for name in report["files"] if name.endswith(".partial")]
    if size != "!8m":  # there not even the first one had room
        assert f"results/{PLAN}/{STATE}" in report["files"]
