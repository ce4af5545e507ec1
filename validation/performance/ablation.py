# SPDX-License-Identifier: LGPL-3.0-or-later
"""Solve one 12 min ablation on the ranks this was started with and print its times as JSON (see ``benchmark.py``)."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from mpi4py import MPI

from imagio_sim.solve.case_file import load_case
from imagio_sim.solve.stage import Stage
from validation.performance.clock import Clock, watch


def main(case_file: Path) -> None:
    """Solve the case in a file; phases are those of rank 0, where waiting for the others is part of them."""
    comm, clock = MPI.COMM_WORLD, Clock()
    begun = time.perf_counter()
    stage = Stage(comm, load_case(case_file))
    comm.barrier()
    set_up = time.perf_counter() - begun
    watch(stage, clock)
    begun = time.perf_counter()
    while not stage.finished:
        stage.advance()
    comm.barrier()
    facts = {
        "nodes": stage.space.node_total,
        "steps": stage.steps,
        "simulated_s": stage.time,
        "set_up_s": set_up,
        "solve_s": time.perf_counter() - begun,
        "phases_s": clock.seconds,
    }
    if comm.rank == 0:
        print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
