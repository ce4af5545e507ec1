# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is drawn of a plan: constants with a spread, and the places of applicators."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.campaign.uncertainty.inputs import uncertain_constants, uncertain_places, with_drawn
from imagio_sim.campaign.uncertainty.propagation import Asked, common_shares
from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, placed_applicators, scenario_of
from tests.campaign.bench import PLAN, bench
from tests.plan.conftest import SCENARIO


def patient(frame: str = "RAS") -> Scenario:
    return scenario_of({**copy.deepcopy(SCENARIO), "frame": frame}, base=Path(), where="small.yaml")


def by_name(scenario: Scenario, plan: str) -> dict[str, object]:
    return {one.name: one for one in uncertain_constants(scenario, plan, ["liver"])}


def test_only_constants_with_a_spread_that_the_plan_uses_are_drawn() -> None:
    found = by_name(bench(), PLAN)
    assert "liver: perfusion_rate" in found
    assert "liver: sound_speed" not in found
    assert not [name for name in found if "gate" in name]


def test_a_standard_deviation_is_normal_and_a_range_even() -> None:
    given = {"value": "0.5 W/(m K)", "spread": "0.05 W/(m K)", "source": "measured"}
    scenario = bench(tissue_values={"liver": {"thermal_conductivity": given}})
    found = {one.name: one for one in uncertain_constants(scenario, PLAN, ["liver"])}
    normal = found["liver: thermal_conductivity"]
    assert normal.drawn(0.5) == pytest.approx(0.5, rel=1e-3)
    assert normal.drawn(0.8413) == pytest.approx(0.55, rel=1e-3)
    even = next(one for one in found.values() if one.value.sd is None)
    assert even.drawn(0.0) == even.value.low
    assert even.drawn(1.0) == even.value.high
    assert even.drawn(0.25) == pytest.approx(0.75 * even.value.low + 0.25 * even.value.high)


def test_no_draw_is_implausible_however_wide_the_spread() -> None:
    for one in uncertain_constants(bench(), PLAN, ["liver", "muscle", "fat"]):
        for share in (1e-9, 1.0 - 1e-9):
            assert one.kind.low <= one.drawn(share) <= one.kind.high


def test_what_is_drawn_is_what_the_plan_then_has_with_its_source() -> None:
    inputs = uncertain_constants(bench(), PLAN, ["liver"])
    drawn = {one.name: one.drawn(0.7) for one in inputs}
    member = with_drawn(bench(), PLAN, drawn, inputs, where="member_0001")
    value = member.tissue("liver").values["perfusion_rate"]
    assert value.value == pytest.approx(drawn["liver: perfusion_rate"])
    assert "member_0001" in value.source
    laws = next(one for one in inputs if not one.owner)
    assert member.law_constants()[laws.quantity].value == pytest.approx(drawn[laws.name])


@pytest.mark.parametrize("frame", ["RAS", "LPS"])
def test_tips_are_off_as_far_as_asked_on_average_and_entries_stay(frame: str) -> None:
    scenario = patient(frame)
    inputs = uncertain_places(scenario, "A", mean_error_mm=2.5)
    shares = common_shares([one.name for one in inputs], Asked(256, 1, 2.5, "coarse"))
    (planned,) = placed_applicators(scenario, "A")
    errors = []
    for number in range(256):
        drawn = {one.name: one.drawn(float(shares[one.name][number])) for one in inputs}
        (moved,) = placed_applicators(with_drawn(scenario, "A", drawn, inputs, where="x"), "A")
        assert moved.entry_mm == pytest.approx(planned.entry_mm)
        errors.append(np.subtract(moved.tip_mm, planned.tip_mm))
    assert np.linalg.norm(errors, axis=1).mean() == pytest.approx(2.5, rel=0.06)
    assert np.abs(np.mean(errors, axis=0)).max() < 0.1


def test_in_a_half_plane_and_without_an_error_nothing_is_displaced() -> None:
    assert uncertain_places(bench(), PLAN, mean_error_mm=2.5) == []
    assert uncertain_places(patient(), "A", mean_error_mm=0.0) == []


def test_the_same_input_has_the_same_numbers_in_every_plan_and_every_time() -> None:
    asked = Asked(32, 5, 2.5, "coarse")
    first, again = common_shares(["b", "a", "b"], asked), common_shares(["a", "b"], asked)
    assert {name: values.tolist() for name, values in first.items()} == {
        name: values.tolist() for name, values in again.items()
    }
    assert common_shares(["a", "b"], Asked(32, 6, 2.5, "coarse"))["a"].tolist() != first["a"].tolist()


def test_inputs_are_hardly_correlated_however_many_there_are() -> None:
    shares = common_shares([f"input {number}" for number in range(40)], Asked(64, 0, 2.5, "coarse"))
    correlation = np.corrcoef(np.array(list(shares.values())))
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 0.45
    assert np.sqrt((correlation**2).mean()) < 0.13


def test_a_plan_of_which_everything_is_known_is_refused() -> None:
    with pytest.raises(InputError, match="nothing uncertain"):
        common_shares([], Asked(8, 0, 0.0, "coarse"))
