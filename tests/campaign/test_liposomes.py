# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan with liposomes to what the solver takes, and whole runs in the half plane."""

from __future__ import annotations

from functools import cache
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.campaign.modalities.liposomes import body_kinetics
from imagio_sim.campaign.provenance import constants_used
from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.outcome.result import Result
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.liposomes import load_liposomes
from imagio_sim.plan import Scenario, scenario_of, written
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.liposomes import LiposomeSpec
from tests.campaign.conftest import Observed

NEEDLE = {"device": "cooled_17g_2cm", "entry": [0, 0, 80], "tip": [0, 0, 0]}
PROGRAM = {"mode": "constant_power", "power": "25 W", "duration": "4 min", "cooling_phase": "30 s"}
GIVEN = {"kind": "liposomes", "formulation": "thermodox", "drug_mass": "90 mg", "infusion_time": "5 min"}
ONE: dict[str, Any] = {
    "infusions": [GIVEN],
    "applicators": [{**NEEDLE, "start": "6 min"}],
    "program": PROGRAM,
    "wait": "30 min",
}
PLANS: dict[str, Any] = {
    "alone": {name: part for name, part in ONE.items() if name != "infusions"},
    "with_liposomes": ONE,
    "pegylated": {**ONE, "infusions": [{**GIVEN, "formulation": "pegylated"}]},
    "in_stages": {
        "stages": [
            {"infusions": [GIVEN], "wait": "1 min"},
            {"applicators": [NEEDLE], "program": PROGRAM, "wait": "30 min"},
        ]
    },
    "twice": {**ONE, "infusions": [{**GIVEN, "name": "a"}, {**GIVEN, "name": "b", "drug_mass": "45 mg"}]},
}


HOMOGENEOUS = {"unlabelled": "liver", "outside": "liver"}
LAYERED = {"layers": {"by_height": [{"below": "20 mm", "tissue": "liver"}, {"tissue": "fat"}]}}


def scenario(body_temperature: str = "37 degC", **patient: Any) -> Scenario:
    data = {
        "schema": 1,
        "name": "warm_liver",
        "question": "Where does the drug go?",
        "expected_run_time": "5 s",
        "frame": "LPS",
        "patient": {**(patient or HOMOGENEOUS), "body_temperature": body_temperature},
        "plans": PLANS,
        "solver": {"resolution": "coarse", "geometry": "axisymmetric"},
    }
    return scenario_of(data, base=Path(), where="warm_liver.yaml")


def case_of(plan: str, *, stage: int = 0, **patient: Any) -> ThermalCase:
    read = scenario(**patient)
    geometry = stage_geometry(read, plan, read_anatomy(read), stage=stage, resolution="coarse")
    return thermal_case(read, plan, geometry, stage=stage)


def specs(case: ThermalCase) -> list[LiposomeSpec]:
    return [spec for spec in case.sources if isinstance(spec, LiposomeSpec)]


def test_a_plan_without_infusions_has_no_drug() -> None:
    case = case_of("alone")
    assert not specs(case)
    assert case.deciding_models == ("arrhenius_hepg2",)


def test_the_dose_in_milligrams_is_that_of_the_salt() -> None:
    (spec,) = specs(case_of("with_liposomes"))
    assert spec.amount == pytest.approx(90e-6 / 0.57998)
    assert spec.amount * spec.mass_per_amount == pytest.approx(90.0)
    assert (spec.begin, spec.duration) == (0.0, 300.0)


def test_a_later_stage_knows_when_the_infusion_began() -> None:
    (first,), (second,) = specs(case_of("in_stages")), specs(case_of("in_stages", stage=1))
    assert first.begin == 0.0
    assert second.begin == -360.0
    assert first.infusion == second.infusion


def test_two_infusions_are_two_sources_of_their_own_names() -> None:
    assert [spec.infusion for spec in specs(case_of("twice"))] == ["a", "b"]


def test_liver_has_the_capillary_bed_of_the_library() -> None:
    (spec,) = specs(case_of("with_liposomes"))
    liver = scenario().tissue("liver")
    assert spec.plasma_fraction == pytest.approx(liver.value("plasma_fraction"))
    walls = liver.value("vessel_surface_density") * liver.value("vessel_permeability_ratio")
    assert spec.passable_surface == pytest.approx(walls)


def test_tissue_of_which_nothing_is_known_gets_no_drug_and_is_named() -> None:
    (spec,) = specs(case_of("with_liposomes", **LAYERED))
    assert any("no drug is given to fat" in note for note in spec.notes)
    assert spec.plasma_fraction.min() == 0.0 < spec.plasma_fraction.max()


def test_a_warm_body_empties_the_liposomes_and_a_planner_is_told() -> None:
    (cool,), (feverish,) = (specs(case_of("with_liposomes", body_temperature=t)) for t in ("37 degC", "38.5 degC"))
    assert not cool.notes
    assert any("at body temperature" in note for note in feverish.notes)
    assert feverish.body.leakage > 20.0 * cool.body.leakage


def test_an_animal_without_a_body_mass_is_named() -> None:
    (spec,) = specs(case_of("with_liposomes", **HOMOGENEOUS, species="pig"))
    assert any("not of a pig: give body_mass" in note for note in spec.notes)
    (adult,) = specs(case_of("with_liposomes", **HOMOGENEOUS, species="human_adult"))
    assert not adult.notes


def test_parameters_of_death_models_that_a_scenario_gives_reach_the_case() -> None:
    half = {"half_concentration_doxorubicin": {"value": "2 umol/l", "source": "an assay"}}
    read = scenario_of({**written(scenario()), "death_values": {"drug_exposure": half}}, base=Path(), where="given")
    geometry = stage_geometry(read, "with_liposomes", read_anatomy(read), stage=0, resolution="coarse")
    case = thermal_case(read, "with_liposomes", geometry, stage=0)
    assert case.death_parameters == {"drug_exposure": {"half_concentration_doxorubicin": pytest.approx(2e-3)}}
    used = {(one.owner, one.quantity): one for one in constants_used(read, "with_liposomes", ["liver"])}
    told = used["drug_exposure", "half_concentration_doxorubicin"]
    assert (told.value, told.source, told.origin) == ("0.002 mol/m3", "an assay", "scenario")


def test_volumes_and_clearances_go_with_the_body() -> None:
    formulation, drug = load_liposomes("thermodox"), load_drug("doxorubicin")
    adult, child = (body_kinetics(formulation, drug, size, 37.0) for size in (1.0, 0.5))
    assert adult.encapsulated_volume == formulation.value("distribution_volume")
    assert child.encapsulated_volume == pytest.approx(0.5 * adult.encapsulated_volume)
    assert child.clearance == pytest.approx(0.5 * adult.clearance)
    assert child.leakage + child.encapsulated_uptake == pytest.approx(log(2.0) / formulation.value("half_life"))


@cache
def result(plan: str, folder: Path) -> Result:
    return run_plan(scenario(), plan, RunOptions(folder, "coarse"), Observed().listener)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("liposomes")


def drug(result: Result, stage: int = -1) -> dict[str, Any]:
    (facts,) = (facts for name, facts in result["solver"]["sources"][stage].items() if name.startswith("liposomes."))
    return dict(facts)


@pytest.mark.slow
def test_the_infusion_changes_the_kill_and_nothing_of_the_heat(folder: Path) -> None:
    alone, both = result("alone", folder), result("with_liposomes", folder)
    heat = [one["ablation_zone"]["by_model"]["arrhenius_hepg2"]["volume_ml"] for one in (alone, both)]
    assert heat[1] == pytest.approx(heat[0], rel=0.02)
    assert both["ablation_zone"]["volume_ml"] >= 0.99 * alone["ablation_zone"]["volume_ml"]
    assert drug(both)["balance_error"] < 1e-9


@pytest.mark.slow
def test_liposomes_that_heat_opens_bring_more_drug_than_those_it_does_not(folder: Path) -> None:
    opened, closed = (drug(result(plan, folder))["balance_mg"] for plan in ("with_liposomes", "pegylated"))
    assert opened["region_cells"] > 3.0 * closed["region_cells"]
    assert closed["plasma_encapsulated"] > opened["plasma_encapsulated"]


@pytest.mark.slow
def test_an_infusion_in_a_stage_of_its_own_is_the_same_treatment(folder: Path) -> None:
    one, two = result("with_liposomes", folder), result("in_stages", folder)
    assert drug(two)["balance_error"] < 1e-9
    assert drug(two)["plasma_peak_s"] == pytest.approx(drug(one)["plasma_peak_s"])
    for name, amount in drug(one)["balance_mg"].items():
        assert drug(two)["balance_mg"][name] == pytest.approx(amount, rel=0.02, abs=1e-4), name


def test_the_drug_reaches_the_rim_of_the_zone_only(folder: Path) -> None:
    facts = drug(result("with_liposomes", folder))
    assert facts["balance_mg"]["given"] == pytest.approx(90.0)
    assert facts["balance_mg"]["region_cells"] < 1.0
    assert np.isclose(facts["plasma_peak_s"], 300.0)
