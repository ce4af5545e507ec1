# SPDX-License-Identifier: LGPL-3.0-or-later
"""The study of one plan per modality: its scenarios, and the page that is made of what it finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagio_sim.plan import load_scenario
from validation.uncertainty.record import GROUPS, RESULTS, group_of, table
from validation.uncertainty.study import MODALITIES, SCENARIOS

CASES = sorted(SCENARIOS.glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_scenario_is_of_its_modality_and_has_a_target(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    assert scenario.target is not None
    assert path.stem in {modality for plan in scenario.plans.values() for modality in plan.modalities}


def test_every_modality_is_drawn_and_some_of_them_in_a_real_patient() -> None:
    assert sorted(MODALITIES) == [path.stem for path in CASES]
    in_patient = [path.stem for path in CASES if not load_scenario(path).patient.is_phantom]
    assert {"radiofrequency", "electroporation", "ultrasound"} <= set(in_patient)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("hcc and liver: density", "tissue and laws"),
        ("laws: vaporisation_width", "tissue and laws"),
        ("icerod_17g: freezing.temperature", "device"),
        ("icerod_17g: borders of its sections", "device"),
        ("thermodox: release_rate, all rows", "drug and spheres"),
        ("lethal_field: field", "death model"),
        ("placement of n1, x", "placement"),
    ],
)
def test_every_input_belongs_to_a_kind(name: str, group: str) -> None:
    assert group in GROUPS
    assert group_of(name) == group


def test_the_page_has_a_row_for_every_plan_that_was_drawn() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = [line for line in table(found).splitlines() if line.startswith("| ")][1:]
    assert len(rows) == sum(len(one["plans"]) for one in found.values())
    assert len({row.count("|") for row in rows}) <= 1
