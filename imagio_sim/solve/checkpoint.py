# SPDX-License-Identifier: LGPL-3.0-or-later
"""Everything a stage needs to go on as if it had never stopped, in input numbering, for any number of ranks."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.ledger import Ledger
from imagio_sim.solve.stage import Stage


def save_checkpoint(stage: Stage, path: Path, *, digest: str) -> None:
    """Write the state of a stage (collective), whole or not at all; ``digest`` names the case it belongs to."""
    fields = {name: stage.space.gathered(values) for name, values in _fields(stage).items()}
    if stage.space.comm.rank != 0:
        return
    text = {
        "digest": digest,
        "time": stage.time,
        "duration": stage.duration,
        "steps": stage.steps,
        "rejected": stage.rejected,
        "withheld": stage.withheld,
        "settings": stage.settings,
        "couplings": [dict(coupling.state()) for coupling in stage.couplings],
        "controllers": [controller.state() for controller in stage.controllers],
        "ledger": asdict(stage.ledger),
        "history": stage.history,
        "recent_times": [time for time, _ in stage.recent],
        "electric_times": [[time for time, _ in history] for history in stage.electric.histories],
    }
    arrays: dict[str, Any] = dict(fields)
    draft = path.with_suffix(".partial")
    try:
        with draft.open("wb") as file:
            np.savez(file, text=np.array(json.dumps(text)), **arrays)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)  # on a full disk, half a file only takes room


def _fields(stage: Stage) -> dict[str, Floats]:
    fields = {"temperature": stage.temperature, "peak_temperature": stage.peak_temperature, **stage.death.fields()}
    fields |= {f"recent/{number}": values for number, (_, values) in enumerate(stage.recent)}
    for conductor, history in enumerate(stage.electric.histories):
        fields |= {f"electric/{conductor}/{number}": values for number, (_, values) in enumerate(history)}
    return fields


def load_checkpoint(stage: Stage, path: Path, *, digest: str) -> bool:
    """Take over a saved state (collective); False when there is none, or it belongs to another case."""
    stored = _read(path) if stage.space.comm.rank == 0 else None
    text = stage.space.comm.bcast(None if stored is None else json.loads(str(stored["text"])), root=0)
    if text is None or text["digest"] != digest:
        return False

    def local(name: str) -> Floats:
        return stage.space.local_nodes(None if stored is None else stored[name])

    stage.time, stage.duration = text["time"], text["duration"]
    stage.steps, stage.rejected, stage.withheld = text["steps"], text["rejected"], text["withheld"]
    stage.settings = tuple((kind, value) for kind, value in text["settings"])
    stage.ledger, stage.history = Ledger(**text["ledger"]), text["history"]
    stage.temperature, stage.peak_temperature = local("temperature"), local("peak_temperature")
    stage.death.restore({name: local(name) for name in stage.death.fields()})
    stage.recent = [(time, local(f"recent/{number}")) for number, time in enumerate(text["recent_times"])]
    stage.electric.histories = [
        [(time, local(f"electric/{conductor}/{number}")) for number, time in enumerate(times)]
        for conductor, times in enumerate(text["electric_times"])
    ]
    for controller, state in zip(stage.controllers, text["controllers"], strict=True):
        controller.restore(state)
    for coupling, state in zip(stage.couplings, text["couplings"], strict=True):
        coupling.restore(state)
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """What the file holds; None where it is missing or damaged, so that the run starts over."""
    try:
        with path.open("rb") as file, np.load(file) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
