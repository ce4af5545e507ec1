# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is drawn of a plan: constants with a spread, and the places of applicators."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.campaign.uncertainty.inputs import (
    uncertain_brought,
    uncertain_constants,
    uncertain_deaths,
    uncertain_devices,
    uncertain_places,
    with_drawn,
)
from imagio_sim.campaign.uncertainty.propagation import Asked, common_shares, joint_name
from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, placed_applicators, scenario_of
from tests.campaign.bench import PLAN, bench, bench_case
from tests.plan.conftest import SCENARIO


def patient(frame: str = "RAS") -> Scenario:
    return scenario_of({**copy.deepcopy(SCENARIO), "frame": frame}, base=Path(), where="small.yaml")


DRUG = {
    "kind": "liposomes",
    "formulation": "thermodox",
    "drug_mass": "90 mg",
    "infusion_time": "30 min",
    "body_mass": "70 kg",
}


BEADS = {
    "kind": "drug_eluting_beads",
    "territory": {"sphere": {"centre": [0, 0, 10], "diameter": "3 cm"}},
    "organ": ["liver"],
    "particles": "dc_bead_100_300",
    "drug": "doxorubicin",
    "drug_mass": "50 mg",
    "particle_volume": "2 ml",
    "occlusion": "90 %",
}


def with_liposomes() -> Scenario:
    plan = bench_case()["plans"][PLAN]
    return bench(plans={PLAN: {**plan, "infusions": [DRUG]}})


def by_name(scenario: Scenario, plan: str) -> dict[str, object]:
    return {one.name: one for one in uncertain_constants(scenario, plan, ["liver"])}


def test_only_constants_with_a_spread_that_the_plan_uses_are_drawn() -> None:
    found = by_name(bench(), PLAN)
    assert "liver: perfusion_rate" in found
    assert "liver: sound_speed" not in found
    assert not [name for name in found if "gate" in name]


def test_where_nothing_heats_or_cools_no_constant_of_heat_is_drawn() -> None:
    stage = {"infusions": [BEADS], "wait": "1 day"}
    target = {"sphere": {"centre": [0, 0, 10], "diameter": "1 cm", "tissue": "tumour_liver"}}
    plans = {"still": {"stages": [stage]}, PLAN: bench_case()["plans"][PLAN]}
    scenario = bench(plans=plans, target=target, solver={"resolution": "coarse"})
    still, heated = by_name(scenario, "still"), by_name(scenario, PLAN)
    assert "liver: interstitial_fraction" in still
    assert "liver: thermal_conductivity" in heated
    assert not [name for name in still if name.endswith(("thermal_conductivity", "water_content", "latent_heat"))]


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


def test_figures_of_the_device_are_drawn_but_limits_and_what_the_program_says_are_not() -> None:
    names = {one.quantity for one in uncertain_devices(bench(), PLAN)}
    assert {"cooling.coolant_temperature", "geometry.shaft.sections.tip.end"} <= names
    assert not [name for name in names if name.startswith("generator")]


def test_what_a_program_leaves_to_the_generator_is_drawn() -> None:
    plan = bench_case()["plans"][PLAN]
    program = {"mode": "impedance_control", "duration": "1 min", "ramp_rate": "10 W/min"}
    names = {one.quantity for one in uncertain_devices(bench(plans={PLAN: {**plan, "program": program}}), PLAN)}
    assert "generator.impedance_control.roll_off_rise" in names
    assert "generator.impedance_control.ramp_rate" not in names


def test_a_figure_of_a_device_is_drawn_only_as_far_as_the_device_can_be_made() -> None:
    needle = [{"device": "icerod_17g", "entry": [0, 0, 100], "tip": [0, 0, 0]}]
    program = {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "1 min"}]}
    scenario = bench(plans={PLAN: {"applicators": needle, "program": program}})
    found = {one.quantity: one for one in uncertain_devices(scenario, PLAN)}
    assert found["thawing.temperature"].drawn(1e-9) > 0.0  # the range stated goes down to -10 degC
    assert found["thawing.temperature"].drawn(1.0 - 1e-9) == pytest.approx(39.85)


def test_a_drawn_figure_of_a_device_reaches_its_applicator() -> None:
    (coolant,) = [one for one in uncertain_devices(bench(), PLAN) if one.quantity == "cooling.coolant_temperature"]
    member = with_drawn(bench(), PLAN, {coolant.name: 17.0}, [coolant], where="member_0001")
    ((rod,),) = [one.rods for one in placed_applicators(member, PLAN)]
    assert rod.sections[0].coolant_temperature == 17.0


def test_drugs_and_their_carriers_are_drawn_and_reach_the_pharmacy_of_the_member() -> None:
    assert uncertain_brought(bench(), PLAN) == []
    scenario = with_liposomes()
    inputs = uncertain_brought(scenario, PLAN)
    assert {"doxorubicin", "thermodox"} == {one.owner for one in inputs}
    drawn = {one.name: one.drawn(0.9) for one in inputs}
    member = with_drawn(scenario, PLAN, drawn, inputs, where="member_0001")
    for one in inputs:
        if one.owner == "doxorubicin":
            assert member.pharmacy.drug("doxorubicin").value(one.quantity) == pytest.approx(drawn[one.name])


def test_rows_of_a_table_are_one_input() -> None:
    rows = [one for one in uncertain_brought(with_liposomes(), PLAN) if "release_rate_row" in one.quantity]
    assert len(rows) > 2
    assert {one.key for one in rows} == {"thermodox: release_rate, all rows"}
    assert joint_name(rows) == "thermodox: release_rate, all rows"


def test_one_unknown_bath_stands_behind_the_equilibrium_of_all_beads() -> None:
    stages = [
        {"infusions": [BEADS], "wait": "1 day"},
        {"infusions": [{**BEADS, "particles": "lifepearl_200", "drug": "idarubicin"}], "wait": "1 day"},
    ]
    target = {"sphere": {"centre": [0, 0, 10], "diameter": "1 cm", "tissue": "tumour_liver"}}
    scenario = bench(plans={PLAN: {"stages": stages}}, target=target, solver={"resolution": "coarse"})
    found = uncertain_brought(scenario, PLAN)
    held, partitions = (
        [one for one in found if one.quantity.startswith(kind)] for kind in ("half_saturation", "partition")
    )
    assert {one.owner for one in held} == {one.owner for one in partitions} == {"dc_bead_100_300", "lifepearl_200"}
    assert len({one.key for one in (*held, *partitions)}) == 1
    for share in (0.01, 0.3, 0.99):
        # as one bath by that of the calibration: the same for all, inverse for the partition
        first, *others = [one.drawn(share) / one.value.value for one in held]
        others += [one.value.value / one.drawn(share) for one in partitions]
        assert others == pytest.approx([first] * len(others), rel=0.02)
    assert held[0].drawn(0.01) < 0.05 * held[0].value.value


def test_parameters_of_one_fit_are_one_input() -> None:
    scenario = bench(solver={**bench_case()["solver"], "death_model": "three_state"})
    rates = [
        one for one in uncertain_deaths(scenario, PLAN) if one.owner == "three_state" and one.quantity != "threshold"
    ]
    assert {one.quantity for one in rates} == {"forward_rate", "backward_rate", "temperature_scale"}
    assert joint_name(rates) == "three_state: rates of its fit"
    assert len({one.key for one in rates}) == 1


def test_only_the_death_models_that_decide_are_drawn_and_of_drugs_only_what_is_given() -> None:
    assert {one.owner for one in uncertain_deaths(bench(), PLAN)} == {"arrhenius_hepg2"}
    found = uncertain_deaths(with_liposomes(), PLAN)
    assert {one.owner for one in found} == {"arrhenius_hepg2", "drug_exposure"}
    assert "half_concentration_doxorubicin" in {one.quantity for one in found}
    assert not [one for one in found if one.quantity.endswith("idarubicin")]


def test_a_drawn_parameter_reaches_the_death_model_of_the_member() -> None:
    (threshold,) = uncertain_deaths(bench(), PLAN)
    member = with_drawn(bench(), PLAN, {threshold.name: 2.5}, [threshold], where="member_0001")
    assert member.death_parameters == {"arrhenius_hepg2": {"threshold": 2.5}}


def test_which_treatments_a_death_model_knows_of_is_not_drawn() -> None:
    needles = [
        {"name": name, "device": "electroporation_19g", "deployment": "2 cm", "entry": [x, 0, 100], "tip": [x, 0, 0]}
        for name, x in (("a", -7.5), ("b", 7.5))
    ]
    program = {
        "mode": "pulse_sequence",
        "pairs": [["a", "b"]],
        "voltage": "1500 V",
        "pulses": 70,
        "pulse_width": "90 us",
    }
    target = {"sphere": {"centre": [0, 0, 10], "diameter": "1 cm", "tissue": "tumour_liver"}}
    plans = {PLAN: {"applicators": needles, "program": program | {"heart_rate": "70 1/min"}}}
    scenario = bench(plans=plans, target=target, solver={"resolution": "coarse"})
    assert {one.quantity for one in uncertain_deaths(scenario, PLAN) if one.owner == "lethal_field"} == {"field"}


def test_one_number_of_one_source_is_one_unknown_in_whatever_tissue_it_stands() -> None:
    found = uncertain_constants(bench(), PLAN, ["liver", "hcc", "tumour_liver", "muscle", "fat"])
    together = [[one for one in found if one.key == key] for key in {one.key for one in found}]
    shared = [group for group in together if len(group) > 1]
    assert shared
    for group in shared:
        assert len({(one.quantity, one.value.value, one.value.source) for one in group}) == 1
        assert joint_name(group) == f"{' and '.join(one.owner for one in group)}: {group[0].quantity}"


def test_borders_of_sections_move_together() -> None:
    needle = [{"device": "laser_cooled_9f_3cm", "entry": [0, 0, 120], "tip": [0, 0, 0]}]
    program = {"mode": "constant_power", "power": "20 W", "duration": "1 min"}
    scenario = bench(plans={PLAN: {"applicators": needle, "program": program}})
    borders = [one for one in uncertain_devices(scenario, PLAN) if ".sections." in one.quantity]
    assert len(borders) > 2
    assert len({one.key for one in borders}) == 1
    for share in (0.01, 0.99):
        member = with_drawn(scenario, PLAN, {one.name: one.drawn(share) for one in borders}, borders, where="x")
        ((rod,),) = [one.rods for one in placed_applicators(member, PLAN)]
        edges = sorted((section.start_mm, section.end_mm) for section in rod.sections)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(edges))
