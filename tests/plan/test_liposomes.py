# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes in a plan: how long they take, what is refused, and what the resolved plan says of them."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, resolved_plan

Make = Callable[..., Scenario]
Refuse = Callable[[dict[str, Any]], tuple[InputError, ...]]

NEEDLE = {"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30], "start": "15 min"}
PROGRAM = {"mode": "constant_power", "power": "60 W", "duration": "12 min"}
HERE = "plans.A.infusions[0]"


def with_ablation(**changes: Any) -> dict[str, Any]:
    """Liposomes, half an hour long, and an ablation that begins at half time; ``...`` leaves a key out."""
    given = {
        "kind": "liposomes",
        "formulation": "thermodox",
        "drug_mass": "90 mg",
        "infusion_time": "30 min",
        **changes,
    }
    infusion = {key: value for key, value in given.items() if value is not ...}
    return {"plans.A": {"infusions": [infusion], "applicators": [NEEDLE], "program": PROGRAM}}


def test_an_infusion_that_lasts_longer_than_the_ablation_makes_the_stage_as_long(scenario: Make) -> None:
    assert scenario(with_ablation()).plan("A").timeline[0].end == 1800.0
    assert scenario(with_ablation(infusion_time="20 min")).plan("A").timeline[0].end == 1620.0


def test_an_infusion_that_lasts_longer_than_the_plan_leaves_is_refused(refusals: Refuse) -> None:
    first = with_ablation(infusion_time="2 h")["plans.A"]
    second = {"start": "40 min", "applicators": [{**NEEDLE, "start": "0 s"}], "program": PROGRAM}
    (error,) = refusals({"plans.A": {"stages": [first, second]}})
    assert "plans.A.stages[1].start" in error.where
    assert "40 min" in str(error) or "2400" in str(error)


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"formulation": "termodox"}, f"{HERE}.formulation", "did you mean 'thermodox'?"),
        ({"formulation": ...}, f"{HERE}.formulation", "formulation"),
        ({"drug_mass": "-90 mg"}, f"{HERE}.drug_mass", "-90 mg"),
        ({"drug_mass": 90}, f"{HERE}.drug_mass", "without a unit"),
        ({"drug_mass": "90 ml"}, f"{HERE}.drug_mass", "which is no drug mass"),
        ({"infusion_time": "0 s"}, f"{HERE}.infusion_time", "0 s"),
        ({"infusion_time": "7 h"}, f"{HERE}.infusion_time", "7 h"),
        ({"body_mass": "700 kg"}, f"{HERE}.body_mass", "700 kg"),
        ({"body_mass": "1.8 m^2"}, f"{HERE}.body_mass", "which is no body mass"),
        ({"territory": {"labels": ["liver"]}}, f"{HERE}.territory", "territory"),
    ],
)
def test_liposomes_that_cannot_be_meant_are_refused(
    refusals: Refuse, changes: dict[str, Any], where: str, says: str
) -> None:
    found = {error.where.removeprefix("small.yaml: "): str(error) for error in refusals(with_ablation(**changes))}
    assert where in found, found
    assert says in found[where]


def test_a_patient_has_one_body_mass(scenario: Make, refusals: Refuse) -> None:
    drip = {"kind": "liposomes", "formulation": "pegylated", "drug_mass": "50 mg", "infusion_time": "30 min"}

    def stages(first: str, second: str) -> dict[str, Any]:
        given = [{**drip, "body_mass": first}, {**drip, "body_mass": second}, drip]
        return {"plans.A": {"stages": [{"infusions": [one], "wait": "1 day"} for one in given]}}

    (error,) = refusals(stages("70 kg", "80 kg"))
    assert "plans.A.stages[1].infusions[0].body_mass" in error.where
    assert "80" in str(error)
    assert scenario(stages("70 kg", "70 kg")).plan("A").weighing


def test_liposomes_that_heat_does_not_open_need_no_heat(scenario: Make, refusals: Refuse) -> None:
    infusion = {"kind": "liposomes", "drug_mass": "90 mg", "infusion_time": "30 min"}
    later = {"plans.A": {"infusions": [{**infusion, "formulation": "pegylated"}], "wait": "3 days"}}
    assert scenario(later).plan("A").agents == ("drug",)
    (error,) = refusals({"plans.A": {"infusions": [{**infusion, "formulation": "thermodox"}], "wait": "3 days"}})
    assert "nothing would release their drug" in str(error)


def test_the_resolved_plan_holds_release_and_drug_with_their_sources(scenario: Make) -> None:
    (infusion,) = resolved_plan(scenario(with_ablation(body_mass="80 kg")), "A")["stages"][0]["infusions"]
    pharmacy = infusion["pharmacy"]
    assert infusion["body_mass"] == "80 kg"
    assert pharmacy["formulation"]["values"]["half_life"]["evidence"] == "memory"
    assert pharmacy["formulation"]["release_rate"]["values"][2]["source"]
    assert pharmacy["drug"]["values"]["plasma_clearance"]["source"]
