# SPDX-License-Identifier: LGPL-3.0-or-later
"""A homogeneous liver with one thin electrode, burnt in one stage or several, that the tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagio_sim.plan import Scenario, scenario_of

PULL_BACK_MM = 20.0
BURN = {"mode": "constant_power", "power": "30 W", "duration": "2 min"}
COOLED_DOWN = {**BURN, "cooling_phase": "10 s"}


def electrode(name: str, tip_mm: float) -> dict[str, Any]:
    """An electrode along x with its tip at the given place."""
    return {"name": name, "device": "cooled_17g_2cm", "entry": [100, 0, 0], "tip": [tip_mm, 0, 0]}


def burn(needle: str, tip_mm: float, program: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A stage with one electrode."""
    return {"applicators": [electrode(needle, tip_mm)], "program": program, **more}


PLANS: dict[str, Any] = {
    "deep": burn("deep", -10.0, COOLED_DOWN),
    "shallow": burn("shallow", -10.0 + PULL_BACK_MM, COOLED_DOWN),
    "pull_back": {
        "stages": [
            burn("deep", -10.0, COOLED_DOWN, name="first"),
            burn("shallow", -10.0 + PULL_BACK_MM, COOLED_DOWN, name="second"),
        ]
    },
    "double": burn("once", 0.0, {**BURN, "duration": "4 min"}),
    "twice": {"stages": [burn("first", 0.0, BURN), burn("second", 0.0, BURN)]},
    "then_wait": {"stages": [burn("once", 0.0, COOLED_DOWN, wait="10 min"), {"name": "rest", "wait": "2 weeks"}]},
    "later": {
        "stages": [burn("first", 0.0, COOLED_DOWN, wait="1 min"), burn("second", 0.0, COOLED_DOWN, start="10 min")]
    },
    "expandable": {
        "applicators": [
            {
                "name": "tines",
                "device": "starburst_xl",
                "entry": [100, 0, 0],
                "tip": [0, 0, 0],
                "deployment": "3 cm",
            }
        ],
        "program": {
            "mode": "temperature_control",
            "target_temperature": "60 degC",
            "initial_power": "40 W",
            "duration": "90 s",
            "cooling_phase": "5 s",
        },
    },
    "bipolar": {
        "applicators": [
            {"name": "pair", "device": "bipolar_15g_2x2cm", "entry": [100, 0, 0], "tip": [-10, 0, 0]},
        ],
        "program": {"mode": "constant_power", "power": "8 W", "duration": "30 s"},
    },
}


def sequences(folder: Path) -> Scenario:
    """The scenario with all plans."""
    data = {
        "schema": 1,
        "name": "sequences",
        "question": "Do several burns make one zone?",
        "expected_run_time": "1 min",
        "frame": "LPS",
        "patient": {"labels": [], "unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"},
        "target": {"sphere": {"centre": [10, 0, 0], "diameter": "2 cm", "tissue": "tumour_liver"}},
        "plans": PLANS,
        "region": {"margin": "25 mm"},
        "solver": {"resolution": "coarse"},
    }
    return scenario_of(data, base=folder, where="sequences.yaml")
