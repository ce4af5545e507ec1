# SPDX-License-Identifier: LGPL-3.0-or-later
"""A small valid scenario, as data, for tests to bend."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.errors import ImagioError, InputError, InputErrors
from imagio_sim.plan import Scenario, scenario_of

SCENARIO: dict[str, Any] = {
    "schema": 1,
    "name": "small",
    "question": "Is the tumour dead, and the gallbladder not?",
    "expected_run_time": "1 min",
    "frame": "RAS",
    "patient": {
        "image": "ct.nii.gz",
        "labels": [{"file": "labels.nii.gz", "names": {1: "liver", 2: "gallbladder"}}],
        "organ_pack": "liver",
        "tissues": {"liver": "liver"},
        "unlabelled": {"by_hu": [{"below": "-300 HU", "tissue": "air"}, {"tissue": "muscle"}]},
        "outside": "muscle",
        "body_temperature": "37 degC",
    },
    "tissue_values": {"liver": {"perfusion_rate": {"value": "0.0064 1/s", "source": "measured in this patient"}}},
    "target": {"sphere": {"centre": [10, 20, 30], "diameter": "3 cm", "tissue": "tumour_liver"}},
    "critical_structures": [{"label": "gallbladder"}],
    "plans": {
        "A": {
            "applicators": [{"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30]}],
            "program": {"mode": "constant_power", "power": "60 W", "duration": "12 min"},
        }
    },
    "constraints": [{"name": "tumour dead", "quantity": "target_coverage", "at_least": "99 %", "warn": "100 %"}],
}


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set (or with ``...`` delete) what stands at ``plans.A.applicators[0].tip``."""
    *parents, last = [int(key) if key.isdigit() else key for key in path.replace("[", ".").replace("]", "").split(".")]
    place: Any = data
    for key in parents:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value


@pytest.fixture
def bent() -> Callable[..., dict[str, Any]]:
    """The small scenario with other values at some paths."""

    def bend(changes: dict[str, Any] | None = None) -> dict[str, Any]:
        data = copy.deepcopy(SCENARIO)
        for path, value in (changes or {}).items():
            put(data, path, value)
        return data

    return bend


@pytest.fixture
def scenario(bent: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., Scenario]:
    """A valid variant of the small scenario."""

    def make(changes: dict[str, Any] | None = None) -> Scenario:
        return scenario_of(bent(changes), base=tmp_path, where="small.yaml")

    return make


@pytest.fixture
def refusals(bent: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., tuple[InputError, ...]]:
    """What is wrong with an invalid variant."""

    def refuse(changes: dict[str, Any]) -> tuple[InputError, ...]:
        with pytest.raises(ImagioError) as refusal:
            scenario_of(bent(changes), base=tmp_path, where="small.yaml")
        assert isinstance(refusal.value, InputErrors)
        return refusal.value.errors

    return refuse
