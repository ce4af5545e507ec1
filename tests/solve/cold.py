# SPDX-License-Identifier: LGPL-3.0-or-later
"""The cube of ``bricks`` with cold plates: tissue that freezes, in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.cryo import CryoPhase, CryoProbe, CryoSpec, Gas
from tests.solve.bricks import CONSTANTS, cube

COLD = Gas(-140.0, 20.0, 1000.0)
WARM = Gas(40.0, 10.0, 1000.0)
FROZEN = {
    "heat_capacity_0": 2.0e6,
    "heat_capacity_1": 3.8e6,
    "heat_capacity_2": CONSTANTS["dried_heat_capacity"],
    "latent_heat_0": 1.6e8,
    "latent_heat_1": 1.66e9,
    "freezing_conductivity_rise": 1.5,
}


def freezable(**changes: Any) -> ThermalCase:
    """The cube of living tissue that may freeze."""
    plain = cube()
    start, width = CONSTANTS["freezing_start"], CONSTANTS["freezing_width"]
    cells = len(plain.domain.cells)
    fields = {**plain.cell_fields, **{name: np.full(cells, value) for name, value in FROZEN.items()}}
    case = replace(
        plain,
        cell_fields=fields,
        transitions=((start - width, start), *plain.transitions),
        deciding_models=("nadir_40",),
    )
    return replace(case, **changes)


def phases(*parts: tuple[str, float]) -> tuple[CryoPhase, ...]:
    """Phases in turn: (action, duration [s])."""
    gases = {"freeze": COLD, "active_thaw": WARM, "passive_thaw": None}
    begin, made = 0.0, []
    for action, duration in parts:
        made.append(CryoPhase(action, begin, begin + duration, gases[action]))
        begin += duration
    return tuple(made)


def frozen_by(*plates: str, course: tuple[CryoPhase, ...], **changes: Any) -> ThermalCase:
    """The cube with probes that are whole faces of it (``left``, ``right``)."""
    probes = tuple(CryoProbe(plate, (plate,), course) for plate in plates)
    return freezable(sources=(CryoSpec(probes),), end_time=course[-1].end, **changes)
