# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models that a scenario asks for: they exist, and something in its plans follows them."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario

DEVICE, PROGRAM, SOLVER = "plans.A.applicators[0].device", "plans.A.program", "solver"
POWER = {"mode": "constant_power", "power": "30 W", "duration": "10 min"}
FREEZE = {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "10 min"}]}


def microwaves(device: str, model: str) -> dict[str, Any]:
    return {DEVICE: device, PROGRAM: POWER, SOLVER: {"dielectric_model": model}}


def frozen(model: str) -> dict[str, Any]:
    return {DEVICE: "icerod_17g", PROGRAM: FREEZE, SOLVER: {"death_model": model}}


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (microwaves("mw_single_slot", "cubic"), "solver.dielectric_model", "'cubic' at 2450 MHz"),
        (microwaves("mw_dual_slot_915", "ji_brace"), "solver.dielectric_model", "'ji_brace' at 915 MHz"),
        ({SOLVER: {"dielectric_model": "linear"}}, "solver.dielectric_model", "without microwaves"),
        ({SOLVER: {"death_model": "cem44"}}, "solver.death_model", "got 'cem44'; leave it out for arrhenius_hepg2"),
        ({SOLVER: {"death_model": "nadir_40"}}, "solver.death_model", "'nadir_40', a model of death by cold"),
        (frozen("arrhenius_hepg2"), "solver.death_model", "leave it out for nadir_40 (cold)"),
    ],
)
def test_a_model_that_is_unknown_or_decides_nothing_is_refused(
    changes: dict[str, Any], where: str, says: str, refusals: Callable[..., tuple[InputError, ...]]
) -> None:
    (error,) = refusals(changes)
    assert str(error).startswith(f"small.yaml: {where}: expected ")
    assert says in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        microwaves("mw_single_slot", "ji_brace"),
        microwaves("mw_dual_slot_915", "linear"),
        {SOLVER: {"death_model": "isotherm_54"}},
        frozen("nadir_40"),
    ],
)
def test_a_model_that_some_plan_follows_is_taken(changes: dict[str, Any], scenario: Callable[..., Scenario]) -> None:
    assert scenario(changes).solver.model_dump(exclude_none=True).items() >= changes[SOLVER].items()


def test_what_kills_follows_from_the_devices_of_a_plan(scenario: Callable[..., Scenario]) -> None:
    assert scenario().plan("A").agents == ("heat",)
    assert scenario({DEVICE: "icerod_17g", PROGRAM: FREEZE}).plan("A").agents == ("cold",)
    waiting = {"plans.A.stages": [{"wait": "1 min"}], "plans.A.applicators": ..., PROGRAM: ...}
    assert scenario(waiting).plan("A").agents == ("heat",)
