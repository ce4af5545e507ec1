# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pulse the cube to its end on all ranks and leave the end in a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from imagio_sim.solve.sources.electroporation import ElectroporationSource
from imagio_sim.solve.stage import Stage
from tests.solve.pulsed import pulsed

STEPS = [0.5, 1.5, 3.0, 5.0, 10.0, 10.0] * 3 + [5.0, 5.0]


def main(folder: Path) -> None:
    comm = MPI.COMM_WORLD
    stage = Stage(comm, pulsed(memory=1.0, slope=0.015))
    for step in STEPS:
        stage.advance(step)
    (source,) = stage.sources
    assert isinstance(source, ElectroporationSource)
    fields = {"temperature": stage.temperature, "largest_field": source.largest_field, **stage.levels()}
    gathered = {name: stage.space.gathered(values) for name, values in fields.items()}
    facts = source.facts()
    if comm.rank == 0:
        np.savez(folder / "end.npz", **{name: values for name, values in gathered.items() if values is not None})
        (folder / "end.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
