# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels as they really are, which nobody has segmented or measured so: wider or narrower, elsewhere, with other flow.

The planner's scenario has the vessels of a segmentation. Those of a made-up patient differ from it: drawn vessels in
radius, place and flow, labelled ones in how well blood takes heat from their wall, which stands for everything that a
label does not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from imagio_sim.campaign.uncertainty.inputs import Floats, uncertain_constants, with_drawn
from imagio_sim.plan import Scenario, scenario_of, written
from imagio_sim.plan.vessels import DrawnVessel

WALL = "vessel_wall_heat_transfer"
_MM3_PER_S_IN_ML_PER_MIN = 0.06


@dataclass(frozen=True)
class VesselErrors:
    """How far the vessels of a scenario are from the real ones; assumed, and wide, for the truth of a made-up cohort.

    Attributes
    ----------
    radius, flow
        Standard deviations of the logarithm of true over given radius and flow.
    place_mm
        Of the whole vessel along each axis, as standard deviation.
    """

    radius: float = 0.15
    flow: float = 0.4
    place_mm: float = 1.0


def with_other_vessels(
    scenario: Scenario, plan_name: str, errors: VesselErrors, random: np.random.Generator
) -> tuple[Scenario, dict[str, float]]:
    """The scenario with the vessels of one patient, and by how much they differ."""
    data = written(scenario)
    radius, flow = (float(np.exp(random.normal(0.0, one))) for one in (errors.radius, errors.flow))
    shift = random.normal(0.0, errors.place_mm, 3)  # of all together: those that meet still do
    for vessel, given in zip(scenario.patient.vessels, data["patient"].get("vessels", ()), strict=True):
        given |= _drawn(vessel, radius, shift) if isinstance(vessel, DrawnVessel) else {}
        given |= _flow(vessel.flow, vessel.velocity, flow)
    changed = scenario_of(data, base=scenario.base, where=scenario.origin)
    walls = [one for one in uncertain_constants(changed, plan_name, ()) if one.quantity == WALL]
    values = {one.name: one.drawn(float(random.uniform())) for one in walls}
    told = {"radius_ratio": radius, "flow_ratio": flow, "shift_mm": float(np.linalg.norm(shift)), **values}
    return with_drawn(changed, plan_name, values, walls, where="vessels"), told


def _drawn(vessel: DrawnVessel, ratio: float, shift: Floats) -> dict[str, Any]:
    return {
        "points": [[float(value) for value in np.add(point, shift)] for point in vessel.points],
        "radius": [f"{ratio * radius:.6g} mm" for radius in vessel.radii],
    }


def _flow(flow: float | None, velocity: float | None, ratio: float) -> dict[str, str]:
    """A flow or a velocity times the ratio, whichever is given; a file's own flow stays."""
    if flow is not None:
        return {"flow": f"{ratio * flow * _MM3_PER_S_IN_ML_PER_MIN:.6g} ml/min"}
    return {} if velocity is None else {"velocity": f"{ratio * velocity:.6g} mm/s"}
