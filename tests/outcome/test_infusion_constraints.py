# SPDX-License-Identifier: LGPL-3.0-or-later
"""Constraints on drug, dose and the reserve of the organ, against results that have them and that do not."""

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from imagio_sim.outcome.comparison import comparison_rows
from imagio_sim.outcome.constraints import QUANTITIES, evaluate_constraints
from imagio_sim.outcome.result import ConstraintResult, Result
from imagio_sim.plan.constraints import Constraint
from tests.outcome.cases import result
from tests.view.test_infusion_tables import drug, infused


def limit(quantity: str, **limits: str) -> Any:
    """A constraint as a scenario has it."""
    return TypeAdapter(Constraint).validate_python({"name": "a", "quantity": quantity, **limits})


def judged(limits: Any, made: Result) -> ConstraintResult:
    (found,) = evaluate_constraints([limits], made)
    return found


def irradiated() -> Result:
    made = infused()
    statistics = {"kernel": {"mean_Gy": 210.0}}
    made["dose"] = {  # type: ignore[typeddict-item]
        "structures": {"target": statistics, "normal_liver": {"kernel": {"mean_Gy": 47.0}}},
        "lungs": {"mean_Gy": 12.0},
    }
    return made


@pytest.mark.parametrize(
    ("limits", "value", "status"),
    [
        (limit("target_mean_dose", at_least="205 Gy"), 210.0, "pass"),
        (limit("target_mean_dose", at_least="205 Gy", warn="250 Gy"), 210.0, "warn"),
        (limit("normal_liver_mean_dose", at_most="40 Gy"), 47.0, "fail"),
        (limit("lung_mean_dose", at_most="30 Gy"), 12.0, "pass"),
        (limit("plasma_peak", at_most="200 nmol/l"), 0.25, "fail"),
        (limit("target_share_above_drug_threshold", at_least="25 %"), 0.284, "pass"),
        (limit("liver_reserve_fraction", at_least="85 %"), 0.8087, "fail"),
        (limit("liver_reserve_volume", at_least="1.2 l"), 1213.0, "pass"),
    ],
)
def test_a_result_with_infusions_is_held_against_its_limits(limits: Any, value: float, status: str) -> None:
    found = judged(limits, irradiated())
    assert found["value"] == pytest.approx(value)
    assert found["status"] == status


@pytest.mark.parametrize(
    ("limits", "value", "status"),
    [
        (limit("target_mean_dose", at_least="205 Gy"), 0.0, "fail"),
        (limit("lung_mean_dose", at_most="30 Gy"), 0.0, "pass"),
        (limit("plasma_peak", at_most="200 nmol/l"), 0.0, "pass"),
        (limit("target_share_above_drug_threshold", at_least="25 %"), 0.0, "fail"),
        (limit("liver_reserve_volume", at_least="600 ml"), None, "fail"),
    ],
)
def test_a_plan_without_infusions_has_no_drug_and_no_dose(limits: Any, value: float | None, status: str) -> None:
    found = judged(limits, result())
    assert (found["value"], found["status"]) == (value, status)


def test_a_peak_that_was_not_recorded_fails() -> None:
    made = infused()
    made["drug"] = {"doxorubicin": drug(plasma_peak_umol_per_l=None)}
    found = judged(limit("plasma_peak", at_most="1 umol/l"), made)
    assert (found["value"], found["status"]) == (None, "fail")


def test_every_quantity_of_the_plan_can_be_read_from_a_result() -> None:
    limits = get_args(get_args(Constraint)[0])
    named = {name for one in limits for name in get_args(one.model_fields["quantity"].annotation)}
    assert named == set(QUANTITIES)


def test_plans_are_compared_by_what_infusions_brought() -> None:
    rows = {row.quantity: row.values for row in comparison_rows([irradiated(), result()])}
    assert rows["killed by heat alone"] == ("31.0", "–")
    assert rows["target's blood flow in the last stage"] == ("11", "–")
    assert rows["target's mean radiation dose"] == ("210", "–")
    assert rows["target exposed enough to die of drug"] == ("28.4", "–")
    assert rows["organ alive and perfused, without target"] == ("80.9", "–")


def test_a_scenario_without_infusions_is_compared_as_ever() -> None:
    quantities = {row.quantity for row in comparison_rows([result(), result()])}
    assert not quantities & {"killed by heat alone", "organ alive and perfused, without target"}
