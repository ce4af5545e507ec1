# SPDX-License-Identifier: LGPL-3.0-or-later
"""Solve a case on a number of MPI ranks, in processes of their own: how long it takes and what memory it needs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpi4py import MPI

from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.stage import Stage
from validation.performance.clock import Clock, watch


def solved_on(ranks: int, case: ThermalCase, steps: Sequence[float] = ()) -> dict[str, Any]:
    """Solve a case; the figures are those of rank 0, where waiting for the others is part of a phase.

    Parameters
    ----------
    ranks
        Number of processes.
    case
        A radio-frequency stage.
    steps
        Prescribed lengths of steps [s]; none: the whole stage with error control.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "case.npz")
        save_case(case, file)
        launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks > 1 else []
        ended = subprocess.run(
            [*launcher, sys.executable, "-m", "validation.performance.ranks", str(file), *map(str, steps)],
            env={"OMPI_MCA_mpi_yield_when_idle": "1", **os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    facts: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return facts


def main(case_file: Path, steps: Sequence[float]) -> None:
    """Solve the case in a file on the ranks this was started with, and print the figures as JSON."""
    comm, clock = MPI.COMM_WORLD, Clock()
    begun = time.perf_counter()
    stage = Stage(comm, load_case(case_file))
    comm.barrier()
    set_up = time.perf_counter() - begun
    watch(stage, clock)
    begun = time.perf_counter()
    for duration in steps:
        stage.advance(duration)
    while not steps and not stage.finished:
        stage.advance()
    comm.barrier()
    facts = {
        "ranks": comm.size,
        "nodes": stage.space.node_total,
        "steps": stage.steps,
        "simulated_s": stage.time,
        "set_up_s": set_up,
        "solve_s": time.perf_counter() - begun,
        "memory_GB": comm.allreduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024 / 1e9,
        "phases_s": clock.seconds,
    }
    if comm.rank == 0:
        print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [float(step) for step in sys.argv[2:]])
