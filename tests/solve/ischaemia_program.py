# SPDX-License-Identifier: LGPL-3.0-or-later
"""Solves two days of a cube with closed arterioles; argument: where its books and survivals go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mpi4py import MPI

from imagio_sim.solve.stage import Stage
from tests.solve.test_ischaemia_in_stage import closed_cube


def main() -> None:
    """Write what every number of ranks has to agree on."""
    stage = Stage(MPI.COMM_WORLD, closed_cube())
    while not stage.finished:
        stage.advance()
    (source,) = stage.sources
    survival = stage.survivals_by_agent()["ischaemia"][: stage.space.owned]
    found = {
        "facts": source.facts(),
        "sum": stage.space.total(float(survival.sum())),
        "least": stage.space.minimum(survival),
    }
    if MPI.COMM_WORLD.rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
