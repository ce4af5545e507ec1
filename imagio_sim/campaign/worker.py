# SPDX-License-Identifier: LGPL-3.0-or-later
"""The program that ``mpirun`` starts: solve the case in a folder and tell how far it is, a line per step."""

from __future__ import annotations

import sys
from pathlib import Path

from mpi4py import MPI

from imagio_sim.campaign.solving import STOP, progress_line, solve_here, write_problem
from imagio_sim.errors import ImagioError


def main() -> int:
    """Solve; the exit code is that of the error, if one ended it."""
    folder, digest, series, time_offset = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
    comm = MPI.COMM_WORLD
    try:
        solve_here(
            comm,
            folder,
            digest=digest,
            series=series,
            time_offset=time_offset,
            report=lambda progress: _tell(progress_line(progress)),
            stop=(folder / STOP).exists,
        )
    except ImagioError as error:
        if comm.rank == 0:
            write_problem(folder, error)
        return error.exit_code
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
