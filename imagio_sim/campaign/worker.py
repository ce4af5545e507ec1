# SPDX-License-Identifier: LGPL-3.0-or-later
"""The program that ``mpirun`` starts: solve the case in a folder and tell how far it is, a line per step."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import TracebackType

from mpi4py import MPI

from imagio_sim.campaign.parent_process import ParentProcess
from imagio_sim.campaign.solving import STOP, problem_line, progress_line, solve_here
from imagio_sim.errors import ImagioError


def main() -> int:
    """Solve; the exit code is that of the error, if one ended it."""
    folder, digest, series, time_offset = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
    waiting = ParentProcess(int(sys.argv[5]))
    comm = MPI.COMM_WORLD
    _end_all_ranks_on_a_bug(comm)
    try:
        solve_here(
            comm,
            folder,
            digest=digest,
            series=series,
            time_offset=time_offset,
            report=lambda progress: _tell(progress_line(progress)),
            stop=lambda: (folder / STOP).exists() or not waiting.lives,
        )
    except ImagioError as error:
        if comm.rank == 0:
            _tell(problem_line(error))
        return error.exit_code
    return 0


def _end_all_ranks_on_a_bug(comm: MPI.Comm) -> None:
    """Let an exception that nobody expected on one rank end all: the others would wait for it for ever."""
    show = sys.excepthook

    def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        show(kind, error, trace)
        sys.stderr.flush()
        comm.Abort(1)

    sys.excepthook = end


def _tell(line: str) -> None:
    """Print for the waiting process, if it still lives."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
