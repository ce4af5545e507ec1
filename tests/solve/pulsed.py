# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cube of tissue with three needle-like electrodes on its faces, pulsed in pairs, in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from imagio_sim.meshing.phantoms import box
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.electroporation import ElectroporationSpec, PulseElectrode, PulsePair, PulseTrain
from tests.solve.bricks import cube

LIVER = (0.08, 0.32, 35e3, 70e3)
NAMES = (
    "intact_conductivity",
    "electroporated_conductivity",
    "electroporation_onset_field",
    "electroporation_saturation_field",
)
PAIRS = (("a", "b"), ("b", "c"), ("a", "c"))
SIDE_MM = 20.0


def pulsed(
    order: tuple[int, ...] = (0, 1, 2),
    *,
    voltage: float = 1200.0,
    memory: float = 0.0,
    slope: float = 0.0,
    **changes: Any,
) -> ThermalCase:
    """Pairs in an order, 60 pulses of 90 us each at 2 Hz; ``slope`` [1/K] is that of the conductivity."""
    case = cube()
    domain = box(10, SIDE_MM)
    surfaces = {name: _patch(domain.surfaces[side], domain.points_mm, axis) for name, side, axis in _PATCHES}
    ends = np.concatenate([domain.surfaces["z_min"], domain.surfaces["z_max"]])
    cells = len(domain.cells)
    middle = (SIDE_MM / 2.0, SIDE_MM / 2.0, SIDE_MM / 2.0)
    pairs = tuple(PulsePair("-".join(PAIRS[one]), *PAIRS[one], middle, voltage, 90e-6, 60) for one in order)
    fields = {name: np.full(cells, values[0]) for name, values in case.cell_fields.items()}
    fields["electrical_conductivity_slope"] = np.full(cells, slope)
    spec = ElectroporationSpec(
        electrodes=tuple(PulseElectrode(name, (name,)) for name in "abc"),
        pairs=pairs,
        trains=tuple(PulseTrain(number, 30.0 * number, 30.0 * (number + 1)) for number in range(len(pairs))),
        repetition_rate=2.0,
        largest_current=50.0,
        conductivity_memory=memory,
        cell_fields={name: np.full(cells, value) for name, value in zip(NAMES, LIVER, strict=True)},
    )
    spec = replace(spec, **{name: changes.pop(name) for name in ("largest_current", "pairs") if name in changes})
    return replace(
        case,
        domain=replace(domain, surfaces={**surfaces, "boundary": ends}),
        cell_fields=fields,
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        deciding_models=("lethal_field", "arrhenius_hepg2"),
        end_time=30.0 * len(pairs) + 10.0,
        sources=(spec,),
        **changes,
    )


_PATCHES = (("a", "x_min", 1), ("b", "x_max", 1), ("c", "y_max", 0))


def _patch(facets: np.ndarray, points: np.ndarray, axis: int) -> np.ndarray:
    """The middle strip of a face: facets within 3 mm of its middle line."""
    middle = points[facets].mean(axis=1)[:, axis]
    return facets[np.abs(middle - SIDE_MM / 2.0) < 3.0]
