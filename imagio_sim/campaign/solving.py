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
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import ImagioError, Interrupted, SolverFailure, StorageFailure

Floats = NDArray[np.float64]

CASE, STATE, FINAL_FIELDS, FINAL_FACTS, STOP, PROBLEM = (
    "case.npz",
    "state.npz",
    "final.npz",
    "final.json",
    "stop",
    "problem.json",
)
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
    (folder / PROBLEM).unlink(missing_ok=True)
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
    from imagio_sim.solve.case import ThermalCase
    from imagio_sim.solve.checkpoint import load_checkpoint
    from imagio_sim.solve.march import March
    from imagio_sim.solve.stage import Stage

    stage = Stage(comm, ThermalCase.load(folder / CASE))
    load_checkpoint(stage, folder / STATE, digest=digest)
    recorder = Recorder(stage, series, time_offset=time_offset, count=OUTPUT_COUNT)

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
    recorder.write_final(stage, folder / FINAL_FIELDS, folder / FINAL_FACTS)


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
        *(str(folder), digest, str(series), repr(time_offset)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # A session of its own: Ctrl-C must reach the ranks as a wish to stop at a checkpoint, not as a kill.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stdout:
            if line.startswith("{"):
                report(Progress(**json.loads(line)))
            if stop():
                (folder / STOP).touch()
        log = child.stderr.read()
    if child.returncode:
        raise _problem(folder, log)


def _problem(folder: Path, log: str) -> Exception:
    """What a failed child wrote down, or its last words."""
    try:
        written = json.loads((folder / PROBLEM).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return RuntimeError(f"the MPI solution ended without a result:\n{log[-4000:]}")
    kind = written.pop("kind")
    if kind == "SolverFailure":
        suggestions = written.pop("suggestions")
        return SolverFailure(**written, suggestions=(suggestions[0], suggestions[1]))
    return StorageFailure(**written) if kind == "StorageFailure" else Interrupted(written["message"])


def write_problem(folder: Path, error: ImagioError) -> None:
    """Note down why a solution ended early, for the process that waits for it."""
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
    (folder / PROBLEM).write_text(json.dumps(facts), encoding="utf-8")


def progress_line(progress: Progress) -> str:
    """One line for the waiting process."""
    return json.dumps(asdict(progress))
