# SPDX-License-Identifier: LGPL-3.0-or-later
"""Figures of devices that a scenario gives: where they reach, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imagio_sim.errors import InputErrors
from imagio_sim.plan import Scenario, geometry_digest, plan_digest, resolved_plan, scenario_of, written
from imagio_sim.plan.placement import placed_applicators
from imagio_sim.plan.reading import changed
from tests.campaign.bench import PLAN, bench_case

DEVICE = "cooled_17g_3cm"
COOLANT, TIP = "cooling.coolant_temperature", "geometry.shaft.sections.tip.end"


def with_values(**figures: Any) -> Scenario:
    return scenario_of(bench_case(device_values={DEVICE: figures}), base=Path(), where="x.yaml")


def given(value: str, **more: str) -> dict[str, str]:
    return {"value": value, "source": "measured here", **more}


def test_a_given_figure_reaches_the_applicators_and_the_resolved_plan() -> None:
    scenario = with_values(**{TIP: given("25 mm"), COOLANT: given("15 degC", spread="2 K")})
    ((rod,),) = [one.rods for one in placed_applicators(scenario, PLAN)]
    (section,) = rod.sections
    assert (section.end_mm, section.coolant_temperature) == (25.0, 15.0)
    data = resolved_plan(scenario, PLAN)["devices"][DEVICE]["cooling"]["coolant_temperature"]
    assert (data["value"], data["spread"], data["evidence"]) == ("15 degC", "2 K", "given")
    assert data["source"] == "measured here"


def test_a_cooler_pump_keeps_the_mesh_and_a_shorter_tip_does_not() -> None:
    nominal, cooler, shorter = (
        with_values(),
        with_values(**{COOLANT: given("5 degC")}),
        with_values(**{TIP: given("2 cm")}),
    )
    digests = [geometry_digest(one, PLAN) for one in (nominal, cooler, shorter)]
    assert digests[0] == digests[1] != digests[2]
    assert len({plan_digest(one, PLAN) for one in (nominal, cooler, shorter)}) == 3


def test_a_scenario_with_given_figures_is_read_back_as_it_was_written() -> None:
    scenario = with_values(**{COOLANT: given("15 degC")})
    assert scenario_of(written(scenario), base=Path(), where="x.yaml") == scenario


def test_a_given_figure_can_be_varied_by_its_path_although_its_name_has_dots() -> None:
    scenario = with_values(**{COOLANT: given("15 degC")})
    warmer = changed(scenario, {f"device_values.{DEVICE}.{COOLANT}.value": "18 degC"})
    assert warmer.device_values[DEVICE][COOLANT].value == "18 degC"


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"cooling.coolant_temperatur": given("15 degC")}, "did you mean 'cooling.coolant_temperature'?"),
        ({COOLANT: given("15 W")}, "which is no temperature"),
        ({COOLANT: given("15")}, "without a unit"),
        ({COOLANT: given("15 degC", spread="2 mm")}, f"{COOLANT}.spread"),
        ({COOLANT: {"value": "15 degC"}}, f"{COOLANT}.source: expected a value, got nothing"),
    ],
)
def test_a_figure_that_is_none_is_refused_with_its_path(figures: Any, says: str) -> None:
    with pytest.raises(InputErrors) as caught:
        with_values(**figures)
    (line,) = str(caught.value).splitlines()
    assert f"x.yaml: device_values.{DEVICE}" in line
    assert says in line


def test_an_unknown_device_is_answered_with_the_nearest() -> None:
    data = bench_case(device_values={"cooled_17g_3mm": {COOLANT: given("15 degC")}})
    with pytest.raises(InputErrors, match="did you mean 'cooled_17g_3cm'"):
        scenario_of(data, base=Path(), where="x.yaml")


def test_a_device_that_cannot_be_made_is_refused_in_one_line() -> None:
    data = bench_case(device_values={"icerod_17g": {"freezing.temperature": given("20 degC")}})
    with pytest.raises(InputErrors, match="the freezing gas is not colder") as caught:
        scenario_of(data, base=Path(), where="x.yaml")
    assert len(str(caught.value).splitlines()) == 1
