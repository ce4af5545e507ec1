# SPDX-License-Identifier: LGPL-3.0-or-later
"""A path finds what a planner means by it, and an unknown one is answered by the nearest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import changed, load_scenario, written
from imagio_sim.plan.paths import keys_of, place_of, value_at, written_path

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def data_of(name: str) -> dict[str, Any]:
    return written(load_scenario(SCENARIOS / f"{name}.yaml"))


@pytest.fixture(scope="module")
def phantom() -> dict[str, Any]:
    return data_of("phantom_rf_coarse")


@pytest.mark.parametrize(
    ("path", "means"),
    [
        ("plans.one_needle.applicators[0].power", "plans.one_needle.stages[0].program.power"),
        ("plans.one_needle.power", "plans.one_needle.stages[0].program.power"),
        ("plans.one_needle.program.power", "plans.one_needle.stages[0].program.power"),
        ("plans.one_needle.stages[0].program.power", "plans.one_needle.stages[0].program.power"),
        ("plans.one_needle.applicators[0].tip[2]", "plans.one_needle.stages[0].applicators[0].tip[2]"),
        ("patient.body_temperature", "patient.body_temperature"),
        ("region.margin", "region.margin"),  # not given, and allowed
        ("plans.one_needle.applicators[0].deployment", "plans.one_needle.stages[0].applicators[0].deployment"),
    ],
)
def test_a_path_may_leave_out_what_a_file_may_leave_out(phantom: dict[str, Any], path: str, means: str) -> None:
    assert written_path(place_of(phantom, path, "case.yaml")) == means


def test_a_plan_s_name_may_hold_dots() -> None:
    data = data_of("phantom_cryo_axisymmetric")

    place = place_of(data, "plans.endocare_2.4mm.program.phases[0].duration", "cryo.yaml")

    assert value_at(data, place) == "600 s"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("plans.one_needle.program.powr", "did you mean 'plans.one_needle.stages[0].program.power'?"),
        ("plans.one_needle.applicators[0].pover", "did you mean 'plans.one_needle.stages[0].applicators[0].power'?"),
        ("plans.one_nedle.program.power", "did you mean 'plans.one_needle'?"),
        ("plan.one_needle.power", "did you mean 'plans'?"),
        ("plans.one_needle.applicators[3].tip", "expected [0] to [0], got no [3]"),
        ("patient.body_temperature.value", "'value' below a value"),
        ("tissue_values.liver.density.value", "add it to the file"),
        ("plans..power", "names joined by dots"),
        ("", "names joined by dots"),
        ("plans.one_needle.critical_structures[x]", "names joined by dots"),
    ],
)
def test_an_unknown_path_is_refused_with_the_nearest(phantom: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        place_of(phantom, path, "case.yaml")

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_program_that_several_applicators_share_is_not_one_applicator_s() -> None:
    with pytest.raises(InputError, match="4 applicators share"):
        place_of(data_of("liver_electroporation"), "plans.sides_only.applicators[0].voltage_per_distance", "case.yaml")


def test_of_several_stages_one_has_to_be_named() -> None:
    data = data_of("phantom_mw_pull_back")

    with pytest.raises(InputError, match=r"stages\[0\] to stages\[1\]"):
        place_of(data, "plans.pull_back.program.power", "case.yaml")


def test_a_changed_value_is_checked_like_a_file() -> None:
    scenario = load_scenario(SCENARIOS / "phantom_rf_coarse.yaml")

    program = changed(scenario, {"plans.one_needle.applicators[0].power": "50 W"}).plan("one_needle").stages[0].program

    assert program is not None
    assert program.model_dump()["power"] == "50 W"


def test_steps_are_names_and_numbers() -> None:
    assert keys_of("plans.A.applicators[0].tip[2]", "x") == ("plans", "A", "applicators", 0, "tip", 2)
