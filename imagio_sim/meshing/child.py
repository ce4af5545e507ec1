# SPDX-License-Identifier: LGPL-3.0-or-later
"""Running gmsh in a child process, so that its failures never take a simulation with them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import imagio_sim

# An upper bound for a mesher that does not end by itself; the largest meshes take a few minutes.
_TIME_LIMIT_S = 900.0
_LINES_SHOWN = 3
# Environment variables by which a child of an MPI rank would take part in the parent's job.
_MPI_PREFIXES = ("OMPI_COMM_", "OMPI_UNIVERSE", "PMIX_", "PMI_", "HYDI_", "MPI_LOCAL")


@dataclass(frozen=True)
class Attempt:
    """How a run of the child process ended, and what it said."""

    return_code: int
    log: str


def run_worker(recipe_file: Path, output_file: Path, algorithm: str, *, module: str = "worker") -> Attempt:
    """Run gmsh in a child process; whatever ends the parent's wait, an interrupt too, ends the child.

    ``module`` is the one of this package that the child runs.
    """
    command = [sys.executable, "-m", f"imagio_sim.meshing.{module}", str(recipe_file), str(output_file), algorithm]
    child = subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        log, _ = child.communicate(timeout=_TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        return Attempt(-1, f"no result after {_TIME_LIMIT_S:.0f} s")
    finally:
        child.kill()
        child.wait()
    return Attempt(child.returncode, log)


def _environment() -> dict[str, str]:
    """The parent's environment without its MPI job, in which this very package can be imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_MPI_PREFIXES)}
    here = str(Path(imagio_sim.__file__).parent.parent)
    kept["PYTHONPATH"] = os.pathsep.join([here, *filter(None, [kept.get("PYTHONPATH")])])
    return kept


def last_lines(log: str) -> str:
    """The end of what gmsh said, errors before all else, in one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line]
    return " | ".join((errors or lines)[-_LINES_SHOWN:]) or "it said nothing"
