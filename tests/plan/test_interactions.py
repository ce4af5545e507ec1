# SPDX-License-Identifier: LGPL-3.0-or-later
"""Interactions of agents and constraints on what infusions bring: they mean something in a plan of the scenario."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.campaign.provenance import constants_used
from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario
from imagio_sim.plan.interactions import interactions_among
from imagio_sim.tissue.death.combination import Interaction

FREEZE = {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "10 min"}]}
BURN = {"mode": "constant_power", "power": "60 W", "duration": "12 min"}
NEEDLE = {"entry": [110, 20, 30], "tip": [5, 20, 30]}
THEN_COLD = {
    "plans.A": {
        "stages": [
            {"applicators": [{"device": "cooled_17g_3cm", **NEEDLE}], "program": BURN},
            {"applicators": [{"device": "icerod_17g", **NEEDLE}], "program": FREEZE},
        ]
    }
}


def interacting(*interactions: dict[str, Any], **plans: Any) -> dict[str, Any]:
    return {**THEN_COLD, "solver": {"interactions": list(interactions)}, **plans}


def pair(one: str, other: str, strength: Any = 1.5, **more: Any) -> dict[str, Any]:
    return {"between": [one, other], "strength": strength, "source": "a measurement of ours", **more}


def limit(quantity: str, **limits: Any) -> dict[str, Any]:
    return {"constraints": [{"name": "a", "quantity": quantity, **limits}]}


def test_an_interaction_of_two_agents_of_a_plan_is_taken(scenario: Callable[..., Scenario]) -> None:
    (one,) = scenario(interacting(pair("heat", "cold"))).solver.interactions
    assert one.between == ("heat", "cold")
    assert one.strength == 1.5


def test_a_chosen_strength_is_among_the_constants_of_plans_that_it_acts_in(scenario: Callable[..., Scenario]) -> None:
    chosen = pair("heat", "cold")
    made = scenario(interacting(chosen, **{"plans.B": {"stages": [THEN_COLD["plans.A"]["stages"][0]]}}))
    found = {
        plan: [one for one in constants_used(made, plan, ["liver"]) if "interaction" in one.quantity] for plan in "AB"
    }
    (constant,) = found["A"]
    assert (constant.owner, constant.value, constant.origin) == ("heat and cold", "1.5 1", "scenario")
    assert constant.source == chosen["source"]
    assert found["B"] == []


def test_interactions_are_taken_of_pairs_that_act(scenario: Callable[..., Scenario]) -> None:
    chosen = scenario(interacting(pair("heat", "cold"))).solver.interactions
    assert interactions_among(chosen, ("cold", "heat")) == (Interaction(("heat", "cold"), 1.5),)
    assert interactions_among(chosen, ("heat",)) == ()


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (interacting(pair("heat", "colt")), "solver.interactions[0].between[1]", "did you mean 'cold'?"),
        (interacting(pair("heat", "heat")), "solver.interactions[0].between", "heat twice"),
        (interacting(pair("heat", "cold"), pair("cold", "heat")), "solver.interactions[1].between", "second time"),
        (interacting(pair("heat", "electroporation")), "solver.interactions[0].between", "no plan brings together"),
        (interacting(pair("heat", "cold", -3)), "solver.interactions[0].strength", "from -2 to 20"),
        (interacting(pair("heat", "cold", "2 W")), "solver.interactions[0].strength", "strength of an interaction"),
        (interacting(pair("heat", "cold", source=...)), "solver.interactions[0].source", ""),
        (limit("target_mean_dose", at_least="205 Gy"), "constraints[0]", "no plan kills by radiation"),
        (limit("lung_mean_dose", at_most="30 Gy"), "constraints[0]", "no plan kills by radiation"),
        (limit("plasma_peak", at_most="1 umol/l"), "constraints[0]", "give a drug in one of the plans"),
        (limit("target_share_above_drug_threshold", at_least="90 %"), "constraints[0]", "no plan kills by drug"),
        (limit("liver_reserve_fraction", at_least="40 %"), "constraints[0]", "no infusion names an organ"),
        (limit("liver_reserve_volume", at_least="600 ml"), "constraints[0]", "no infusion names an organ"),
        (limit("target_mean_dose", at_least="205 W"), "constraints[0].at_least", "no absorbed dose"),
        (limit("target_mean_dose", at_least=205), "constraints[0].at_least", "without a unit"),
        (limit("plasma_peak", at_most="1 mg/l"), "constraints[0].at_most", "no concentration"),
        (limit("liver_reserve_volume", at_least="-1 ml"), "constraints[0].at_least", "volume from 0 ml"),
    ],
)
def test_what_means_nothing_is_refused(
    changes: dict[str, Any], where: str, says: str, refusals: Callable[..., tuple[InputError, ...]]
) -> None:
    if changes.get("solver", {}).get("interactions", [{}])[0].get("source") is ...:
        del changes["solver"]["interactions"][0]["source"]
    error = next(error for error in refusals(changes) if str(error).startswith(f"small.yaml: {where}: "))
    assert says in str(error)
