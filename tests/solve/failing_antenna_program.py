# SPDX-License-Identifier: LGPL-3.0-or-later
"""A stage on all ranks whose antenna, solved by the first of them, cannot be: every rank writes how it ended.

``python -m tests.solve.failing_antenna_program FOLDER``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mpi4py import MPI
from petsc4py import PETSc

from imagio_sim.errors import SolverFailure
from imagio_sim.solve import microwave_field
from imagio_sim.solve.stage import Stage
from tests.solve.slot_antennas import antenna, microwave_case, region


def fail(*_: object) -> None:
    """Do as MUMPS does when its memory is too small."""
    raise PETSc.Error(76)


def main(folder: Path) -> None:
    stage = Stage(MPI.COMM_WORLD, microwave_case(region(0.0, axisymmetric=True), antenna()))
    if stage.space.comm.rank == 0:
        microwave_field._BlockSystem.solve = fail  # type: ignore[assignment, method-assign]
    try:
        stage.advance()
    except SolverFailure as failure:
        (folder / f"rank_{stage.space.comm.rank}").write_text(failure.reason)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
