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

from imagio_sim.errors import SolverFailure
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.ledger import Ledger
from imagio_sim.solve.linear import LinearFailure
from imagio_sim.solve.stage import Stage


def save_checkpoint(stage: Stage, path: Path, *, digest: str) -> None:
    """Write the state of a stage (collective), whole or not at all; ``digest`` names the case it belongs to."""
    fields = {name: stage.space.gathered(values) for name, values in _fields(stage).items()}
    names = list(fields)
    if stage.space.comm.rank != 0:
        return
    text = {
        "digest": digest,
        "fields": names,
        "time": stage.time,
        "duration": stage.duration,
        "steps": stage.steps,
        "rejected": stage.rejected,
        "wall_seconds": stage.wall_seconds,
        "settings": stage.settings,
        "couplings": [dict(coupling.state()) for coupling in stage.couplings],
        "sources": [source.state() for source in stage.sources],
        "ledger": asdict(stage.ledger),
        "history": stage.history,
        "recent_times": [time for time, _ in stage.recent],
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
    fields = {
        "temperature": stage.temperature,
        "peak_temperature": stage.peak_temperature,
        "minimum_temperature": stage.minimum_temperature,
        **stage.death.fields(),
    }
    fields |= {f"recent/{number}": values for number, (_, values) in enumerate(stage.recent)}
    for number, source in enumerate(stage.sources):
        fields |= {f"source/{number}/{name}": values for name, values in source.checkpoint_fields().items()}
    return fields


def load_checkpoint(stage: Stage, path: Path, *, digest: str) -> bool:
    """Take over a saved state (collective); False when there is none, or it belongs to another case.

    Raises
    ------
    SolverFailure
        When a source cannot solve its fields again.
    """
    stored = _read(path) if stage.space.comm.rank == 0 else None
    text = stage.space.comm.bcast(None if stored is None else json.loads(str(stored["text"])), root=0)
    if text is None or text["digest"] != digest:
        return False

    def local(name: str) -> Floats:
        return stage.space.local_nodes(None if stored is None else stored[name])

    stage.time, stage.duration = text["time"], text["duration"]
    stage.steps, stage.rejected, stage.wall_seconds = text["steps"], text["rejected"], text["wall_seconds"]
    stage.settings = tuple((kind, value) for kind, value in text["settings"])
    stage.ledger, stage.history = Ledger(**text["ledger"]), text["history"]
    stage.temperature, stage.peak_temperature = local("temperature"), local("peak_temperature")
    stage.minimum_temperature = local("minimum_temperature")
    stage.death.restore({name: local(name) for name in stage.death.fields()})
    stage.recent = [(time, local(f"recent/{number}")) for number, time in enumerate(text["recent_times"])]
    for number, (source, state) in enumerate(zip(stage.sources, text["sources"], strict=True)):
        prefix = f"source/{number}/"
        own = [name for name in text["fields"] if name.startswith(prefix)]
        try:
            source.take_checkpoint_fields({name.removeprefix(prefix): local(name) for name in own})
        except LinearFailure as failure:
            raise SolverFailure(
                f"the fields of {source.name} at the checkpoint of {stage.time:.3f} s could not be solved: {failure}",
                last_good_time=stage.time,
                suggestions=("another folder (--out), which begins anew", "a finer mesh (--resolution)"),
            ) from failure
        source.restore(state)
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
