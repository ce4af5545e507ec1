# SPDX-License-Identifier: LGPL-3.0-or-later
"""One short treatment of homogeneous liver by every modality, from scenario to case as the program makes it.

Needles that are bodies of revolution are solved in the half plane; pulses between two needles and a focused beam need
three dimensions.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.case import ThermalCase

FLAT = {"resolution": "coarse", "geometry": "axisymmetric"}
SOLID = {"resolution": "coarse"}
LIVER = {"unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"}
BENEATH_WATER = {
    "layers": {"by_height": [{"below": "0 mm", "tissue": "liver"}, {"tissue": "air"}]},
    "body_temperature": "37 degC",
}


def on_axis(device: str, **program: Any) -> dict[str, Any]:
    """One needle along z with its tip at the origin."""
    return {"applicators": [{"device": device, "entry": [0, 0, 80], "tip": [0, 0, 0]}], "program": program}


def constant(power: str) -> dict[str, str]:
    """Half a minute of power."""
    return {"mode": "constant_power", "power": power, "duration": "30 s", "cooling_phase": "10 s"}


def beside(name: str, x: float) -> dict[str, Any]:
    """A needle of a pair along z."""
    return {
        "name": name,
        "device": "electroporation_19g",
        "deployment": "1 cm",
        "entry": [x, 0, 60],
        "tip": [x, 0, -5],
    }


PLANS: dict[str, dict[str, Any]] = {
    "radiofrequency": {"plan": on_axis("cooled_17g_2cm", **constant("25 W"))},
    "microwave": {"plan": on_axis("mw_single_slot", **constant("30 W"))},
    "cryo": {
        "plan": on_axis(
            "icerod_17g",
            mode="freeze_thaw",
            phases=[
                {"action": "freeze", "duration": "60 s"},
                {"action": "passive_thaw", "duration": "20 s"},
                {"action": "active_thaw", "duration": "20 s"},
            ],
        )
    },
    "laser": {"plan": on_axis("laser_diffuser_2cm", **constant("12 W"))},
    "electroporation": {
        "plan": {
            "applicators": [beside("left", -6.0), beside("right", 6.0)],
            "program": {
                "mode": "pulse_sequence",
                "pairs": [["left", "right"]],
                "voltage_per_distance": "1500 V/cm",
                "pulses": 60,
                "pulse_width": "90 us",
                "repetition_rate": "2 Hz",
                "cooling_phase": "10 s",
            },
        },
        "target": {"sphere": {"centre": [0, 0, 0], "diameter": "8 mm", "tissue": "tumour_liver"}},
        "region": {"margin": "20 mm"},
        "solver": SOLID,
    },
    "ultrasound": {
        "plan": {
            "applicators": [{"device": "hifu_bowl_2mhz_44mm", "entry": [0, 0, 24], "tip": [0, 0, -20]}],
            "program": {
                "mode": "sonications",
                "cooling_phase": "5 s",
                "sonications": [
                    {"power": "15 W", "duration": "5 s", "pause": "3 s"},
                    {"power": "10 W", "duration": "5 s"},
                ],
            },
        },
        "patient": BENEATH_WATER,
        "solver": SOLID,
    },
}
"""A plan by modality, and what its scenario has beside it."""


def scenario(modality: str) -> Scenario:
    """The treatment as a scenario."""
    beside_it = dict(PLANS[modality])
    data = {
        "schema": 1,
        "name": modality,
        "question": "What does a short treatment do to liver?",
        "expected_run_time": "5 s",
        "frame": "LPS",
        "patient": LIVER,
        "plans": {"only": beside_it.pop("plan")},
        "solver": FLAT,
    }
    return scenario_of(data | beside_it, base=Path(), where=f"{modality}.yaml")


@cache
def case_of(modality: str) -> ThermalCase:
    """The treatment as the solver takes it."""
    read = scenario(modality)
    geometry = stage_geometry(read, "only", read_anatomy(read), stage=0, resolution="coarse")
    return thermal_case(read, "only", geometry, stage=0)
