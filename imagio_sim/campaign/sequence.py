# SPDX-License-Identifier: LGPL-3.0-or-later
"""Stages in turn: what one leaves to the next, and how long each is followed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.solving import Solution
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.transfer import MeshTransfer
from imagio_sim.plan.stages import StageTimes
from imagio_sim.solve.state_names import CARRIED, LEVEL, SURVIVAL
from imagio_sim.tissue.death import COLD, HEAT, death_models

Floats = NDArray[np.float64]

STATE = "state/"
"""Prefix of the fields in a solution that go on to the next stage."""


def transferred(source: Domain, target: Domain, solution: Solution, *, body_temperature: float) -> dict[str, Floats]:
    """The carried state of one stage at the nodes of the next one's mesh.

    Nothing new arises on the way: every node takes a mean of its surroundings, tissue where a needle was takes the
    state of the tissue beside it, and what lies beyond the source's region is untreated at ``body_temperature`` [degC].
    Densities that a source hands on keep their amount.
    """
    carried = {name.removeprefix(STATE): values for name, values in solution.fields.items() if name.startswith(STATE)}
    if np.array_equal(source.points_mm, target.points_mm) and np.array_equal(source.cells, target.cells):
        return carried
    transfer = MeshTransfer(source, target)
    deaths = {f"death/{model.name}": model for model in death_models((HEAT, COLD))}
    moved = {}
    for name, values in carried.items():
        model = deaths.get(name)
        if name.startswith(CARRIED):
            moved[name] = transfer.conserved(values)
        elif model is None:
            moved[name] = transfer.interpolated(values, _untreated(name, values, body_temperature))
        else:
            moved[name] = transfer.interpolated(values, model.initial(1), logarithmic=model.spans_magnitudes)
    return moved


def _untreated(name: str, values: Floats, body_temperature: float) -> float:
    """Value of a carried field (count,) where no stage has acted yet."""
    if name.startswith(SURVIVAL):
        return 1.0
    return float(values.min()) if name.startswith(LEVEL) else body_temperature


def followed_for(timeline: Sequence[StageTimes], stage: int) -> float:
    """Time [s] over which a stage is simulated: until the next one begins, or to the end of its wait."""
    times = timeline[stage]
    last = stage + 1 == len(timeline)
    return (times.next_begin if last else timeline[stage + 1].begin) - times.begin


def treatment_time(timeline: Sequence[StageTimes]) -> float:
    """Time [s] until the last program and its cooling phase are over; a wait after that is not treatment."""
    return max((times.end for times in timeline if times.end > times.begin), default=0.0)


def joined_history(solutions: Sequence[Solution], timeline: Sequence[StageTimes]) -> list[dict[str, Any]]:
    """The rows of all stages on the plan's clock, all with the same columns; nan where a stage lacks one."""
    rows = [
        {**row, "time_s": row["time_s"] + times.begin}
        for solution, times in zip(solutions, timeline, strict=True)
        for row in solution.facts["history"]
    ]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name, math.nan) for name in columns} for row in rows]


def finite(facts: Any) -> Any:
    """Plain data as a result holds it: null for what was never measured."""
    if isinstance(facts, Mapping):
        return {name: finite(value) for name, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [finite(value) for value in facts]
    return None if isinstance(facts, float) and not math.isfinite(facts) else facts
