# SPDX-License-Identifier: LGPL-3.0-or-later
"""Solve a prepared case that lies in a folder: in this process, or on several MPI ranks as a child.

The folder holds ``case.npz`` (what to solve), ``state.npz`` (the checkpoint) and, at the end, ``final.npz`` and
``final.json``. A file ``stop`` in it asks a running solution to end at a checkpoint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import ImagioError, Interrupted, SolverFailure, StorageFailure

Floats = NDArray[np.float64]

CASE, STATE, FINAL_FIELDS, FINAL_FACTS, STOP = "case.npz", "state.npz", "final.npz", "final.json", "stop"
OUTPUT_COUNT = 40
"""Fields are written this often over a stage, and at its end."""


@dataclass(frozen=True)
class Progress:
    """Where a solution is: simulated time and end [s], hottest point [degC], generator power [W]."""

    time: float
    end: float
    maximum_temperature: float
    power: float


@dataclass(frozen=True, eq=False)
class Solution:
    """The end of a stage: nodal ``fields`` in input numbering, ``facts`` (energy, solver statistics, history)."""

    fields: Mapping[str, Floats]
    facts: Mapping[str, Any]


def solve_case(
    folder: Path,
    *,
    digest: str,
    series: Path,
    time_offset: float,
    ranks: int,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Solution:
    """Solve the case in ``folder`` from its checkpoint, or from the start.

    Parameters
    ----------
    digest
        Names the case; a checkpoint with another one is ignored.
    series
        The ``.xdmf`` series the fields are appended to, at stage time plus ``time_offset`` [s].
    ranks
        MPI ranks; one is solved in this process.
    report, stop
        Called after every step; ``stop`` asks for an end at a checkpoint.
    """
    (folder / STOP).unlink(missing_ok=True)
    if ranks == 1:
        from mpi4py import MPI

        solve_here(
            MPI.COMM_SELF, folder, digest=digest, series=series, time_offset=time_offset, report=report, stop=stop
        )
    else:
        _solve_on_ranks(folder, digest, series, time_offset, ranks, report, stop)
    with np.load(folder / FINAL_FIELDS) as archive:
        fields = {name: archive[name] for name in archive.files}
    return Solution(fields, json.loads((folder / FINAL_FACTS).read_text(encoding="utf-8")))


def solve_here(
    comm: Any,
    folder: Path,
    *,
    digest: str,
    series: Path,
    time_offset: float,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> None:
    """Solve on every rank of ``comm``; results are written by rank 0."""
    from imagio_sim.campaign.recording import Recorder
    from imagio_sim.solve.case_file import load_case
    from imagio_sim.solve.checkpoint import load_checkpoint
    from imagio_sim.solve.march import March, guarded
    from imagio_sim.solve.stage import Stage

    stage = Stage(comm, load_case(folder / CASE))
    load_checkpoint(stage, folder / STATE, digest=digest)
    recorder = guarded(
        comm, lambda: Recorder(stage, series, time_offset=time_offset, count=OUTPUT_COUNT), folder=series.parent
    )

    def observe(current: Stage) -> None:
        recorder.after_step(current)
        if comm.rank == 0:
            row = current.history[-1] if current.history else {}
            power = row.get("deposited_power_W", 0.0) + row.get("far_field_power_W", 0.0)
            hottest = row.get("maximum_temperature_degC", current.case.body_temperature)
            report(Progress(current.time, current.case.end_time, hottest, power))

    march = March(stage, folder / STATE, digest=digest, observe=observe, stop=stop)
    march.run()
    march.save()
    guarded(comm, lambda: recorder.write_final(stage, folder / FINAL_FIELDS, folder / FINAL_FACTS), folder=folder)


def _solve_on_ranks(
    folder: Path,
    digest: str,
    series: Path,
    time_offset: float,
    ranks: int,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> None:
    command = [
        *("mpirun", "-n", str(ranks), "--oversubscribe", sys.executable, "-m", "imagio_sim.campaign.worker"),
        *(str(folder), digest, str(series), repr(time_offset), str(os.getpid())),
    ]
    # A rank that waits lets the others work: two ranks on one core take 10 s for what takes them 106 s without.
    environment = {"OMPI_MCA_mpi_yield_when_idle": "1", **os.environ, "OMP_NUM_THREADS": "1"}
    problem: dict[str, Any] | None = None
    reached = 0.0
    # A session of its own: Ctrl-C must reach the ranks as a wish to stop at a checkpoint, not as a kill.
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, start_new_session=True
        ) as child,
    ):
        assert child.stdout is not None
        try:
            for line in child.stdout:
                told = json.loads(line) if line.startswith("{") else {}
                if "kind" in told:
                    problem = told
                elif told:
                    progress = Progress(**told)
                    reached = progress.time
                    report(progress)
                if stop():
                    (folder / STOP).touch()
            child.wait()
        finally:
            child.terminate()  # of no effect on one that has ended; a second Ctrl-C leaves no ranks behind
        log.seek(0)
        last_words = log.read()[-4000:]
    if problem is not None:
        raise _error_of(problem)
    if child.returncode:
        said = " ".join(last_words.split())[-400:] or "nothing"
        raise SolverFailure(
            f"the MPI ranks ended with code {child.returncode} without a result, having said: {said}",
            last_good_time=reached,
            suggestions=("fewer ranks (-n), which need less memory", "a coarser mesh (--resolution)"),
        )


def problem_line(error: ImagioError) -> str:
    """Why a solution ended early, as one line for the waiting process."""
    facts: dict[str, Any] = {"kind": type(error).__name__}
    if isinstance(error, SolverFailure):
        facts |= {
            "reason": error.reason,
            "last_good_time": error.last_good_time,
            "suggestions": list(error.suggestions),
        }
    elif isinstance(error, StorageFailure):
        facts |= {"path": error.path, "reason": error.reason}
    else:
        facts["message"] = str(error)
    return json.dumps(facts)


def _error_of(problem: Mapping[str, Any]) -> ImagioError:
    """The error that :func:`problem_line` told."""
    facts = {name: value for name, value in problem.items() if name != "kind"}
    if problem["kind"] == "SolverFailure":
        first, second = facts.pop("suggestions")
        return SolverFailure(**facts, suggestions=(first, second))
    return StorageFailure(**facts) if problem["kind"] == "StorageFailure" else Interrupted(facts["message"])


def progress_line(progress: Progress) -> str:
    """One line for the waiting process."""
    return json.dumps(asdict(progress))
