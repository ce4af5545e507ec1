# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the parallel tests start, alone or under ``mpirun``: solve the case in a folder and leave its end there.

``python -m tests.solve.march_program FOLDER [SECONDS]``: replays ``steps.json`` if the folder has one, goes on from
``state.npz`` if it has one, writes a checkpoint after every step, and rests SECONDS after it so that there is time to
be killed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from mpi4py import MPI

from imagio_sim.solve.case_file import load_case
from imagio_sim.solve.checkpoint import load_checkpoint
from imagio_sim.solve.march import March
from imagio_sim.solve.stage import Stage

DIGEST = "parallel"


def main(folder: Path, rest: float) -> None:
    stage = Stage(MPI.COMM_WORLD, load_case(folder / "case.npz"))
    load_checkpoint(stage, folder / "state.npz", digest=DIGEST)
    resumed_at, script = stage.steps, folder / "steps.json"
    march = March(
        stage,
        folder / "state.npz",
        digest=DIGEST,
        observe=lambda current: note(folder, current, rest),
        stop=lambda: False,
        checkpoint_seconds=0.0,
    )
    march.run(json.loads(script.read_text())[resumed_at:] if script.exists() else None)
    fields = {"temperature": stage.temperature, "peak_temperature": stage.peak_temperature}
    fields |= {f"level/{name}": level for name, level in stage.levels().items()}
    whole = {name: stage.space.gathered(values) for name, values in fields.items()}
    summary = stage.summary() | {"resumed_at": resumed_at}
    if stage.space.comm.rank == 0:
        np.savez(folder / "end.npz", **whole)
        (folder / "end.json").write_text(json.dumps(summary))


def note(folder: Path, stage: Stage, rest: float) -> None:
    """Tell how far it is, and rest."""
    if stage.space.comm.rank == 0:
        (folder / "steps_taken").write_text(str(stage.steps))
    time.sleep(rest)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
