# SPDX-License-Identifier: LGPL-3.0-or-later
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.infusions.drug_report import drug_results, drug_warnings, drugs_on_mesh
from tests.outcome.cases import assessment
from tests.outcome.meshes import cube

COUNT = len(cube()[0].points_mm)


def source(**facts: Any) -> dict[str, Any]:
    return {"drug": "doxorubicin", "balance_mg": {"loaded": 75.0, "free": 1.0}, "balance_error": 1e-6, **facts}


def handed_on(**amounts: float) -> dict[str, np.ndarray]:
    """Fields of a source that follows drug in the fluid, whose amounts per volume of tissue are what it hands on."""
    amounts = {"free": 0.0, "bound": 0.0, "cells": 0.0, **amounts}
    return {f"state/carried/drug.doxorubicin/{name}": np.full(COUNT, value) for name, value in amounts.items()}


def shown(**amounts: float) -> dict[str, np.ndarray]:
    """Fields of an infusion whose amounts are shown per volume of tissue."""
    amounts = {"free": 0.0, "bound": 0.0, "cells": 0.0, **amounts}
    return {f"drug_doxorubicin_drip_{name}_mol_per_m3": np.full(COUNT, value) for name, value in amounts.items()}


def test_free_bound_and_intracellular_drug_of_the_tissue_are_added() -> None:
    final = handed_on(free=0.001, bound=0.002, cells=0.003)
    # per volume of fluid, which is not what the tissue holds
    final["drug_doxorubicin_free_mol_per_m3"] = np.full(COUNT, 0.004)
    found = drugs_on_mesh([(0.0, {"drug.doxorubicin": source()})], final)["doxorubicin"]
    assert found.concentration == pytest.approx(6.0)
    assert found.exposure is None


def test_exposure_is_told_in_hours() -> None:
    final = {**handed_on(), "drug_doxorubicin_exposure_mol_s_per_m3": np.full(COUNT, 36.0)}
    assert drugs_on_mesh([(0.0, {"drug.doxorubicin": source()})], final)["doxorubicin"].exposure == pytest.approx(10.0)
    final = {**shown(), "drug_doxorubicin_drip_exposure_mol_s_per_m3": np.full(COUNT, 3.6)}
    assert drugs_on_mesh([(0.0, {"liposomes.drip": source()})], final)["doxorubicin"].exposure == pytest.approx(1.0)


def course(*points: tuple[float, float]) -> dict[str, list[float]]:
    """Of a stage: times [s] and values [mol/m3]."""
    return {"time_s": [time for time, _ in points], "value": [value for _, value in points]}


def test_a_drug_that_two_infusions_bring_is_one_drug_in_one_plasma() -> None:
    """A rise to 2 at 60 s of a stage that began at 100 s, and a fall from 3 at 100 s to nothing at 220 s."""
    beads = source(
        balance_mol={"loaded": 1e-4, "depots": 5e-5},
        mg_per_mol=5.8e5,
        plasma_auc_mol_s_per_m3=3.6,
        plasma_course_mol_per_m3=course((0.0, 0.0), (60.0, 2e-3), (240.0, 2e-3)),
        penetration_depth_mm=0.7,
        corrected_share=2e-5,
    )
    del beads["balance_mg"]
    first = source(plasma_course_mol_per_m3=course((0.0, 0.0), (100.0, 3e-3)))
    drip = source(
        plasma_free_auc_umol_h_per_l=0.5, plasma_course_mol_per_m3=course((0.0, 3e-3), (120.0, 0.0), (240.0, 0.0))
    )
    stages = [
        (0.0, {"liposomes.drip": first}),
        (100.0, {"drug.doxorubicin": beads, "liposomes.drip": drip, "radiofrequency": {"controllers": []}}),
    ]
    drugs = drugs_on_mesh(stages, {**handed_on(free=0.001), **shown(free=0.002)})
    assert drugs["doxorubicin"].concentration == pytest.approx(3.0)
    made = drug_results(drugs, assessment())["doxorubicin"]
    assert made["balance_mg"] == pytest.approx({"loaded": 58.0 + 75.0, "depots": 29.0, "free": 1.0})
    # at 160 s one gives 2 and the other half of its 3
    assert (made["plasma_peak_umol_per_l"], made["plasma_peak_s"]) == pytest.approx((3.5, 160.0))
    assert made["plasma_auc_umol_h_per_l"] == pytest.approx(1.0 + 0.5)
    books = made["sources"]
    assert {name: one["plasma_peak_umol_per_l"] for name, one in books.items()} == pytest.approx(
        {"drug.doxorubicin": 2.0, "liposomes.drip": 3.0}
    )
    assert {name: one["plasma_peak_s"] for name, one in books.items()} == pytest.approx(
        {"drug.doxorubicin": 160.0, "liposomes.drip": 100.0}
    )
    assert books["drug.doxorubicin"]["balance_mg"] == pytest.approx({"loaded": 58.0, "depots": 29.0})
    assert made["penetration_mm"] == {"particles": 0.7}
    assert made["corrected_share"] == 2e-5
    (warning,) = drug_warnings(drugs)
    assert "doxorubicin comes from 2 sources" in warning


def test_one_source_needs_no_warning() -> None:
    drugs = drugs_on_mesh([(0.0, {"liposomes.drip": source()})], shown())
    assert drug_warnings(drugs) == []
    assert drug_results(drugs, assessment())["doxorubicin"]["corrected_share"] is None


def test_the_highest_mean_of_the_target_is_told_with_its_time() -> None:
    facts = source(
        balance_mg={"given": 90.0}, target_course_mol_per_m3=course((0.0, 0.0), (1800.0, 5e-3), (7200.0, 1e-3))
    )
    final = shown(free=1.5e-3)  # of which the course, by whole cells, says 1
    made = drug_results(drugs_on_mesh([(600.0, {"liposomes.drip": facts})], final), assessment())["doxorubicin"]
    assert made["balance_mg"] == {"loaded": 90.0}
    assert (made["target_peak_umol_per_l"], made["target_peak_s"]) == pytest.approx((7.5, 2400.0))


def test_a_peak_long_before_is_not_scaled_by_what_is_left_when_that_is_next_to_nothing() -> None:
    facts = source(target_course_mol_per_m3=course((0.0, 0.0), (1800.0, 5e-3), (7200.0, 1e-6)))
    made = drug_results(drugs_on_mesh([(0.0, {"liposomes.drip": facts})], shown(free=3e-6)), assessment())
    assert made["doxorubicin"]["target_peak_umol_per_l"] == pytest.approx(5.0)


def test_each_drug_has_its_own_share_of_the_target_that_it_kills() -> None:
    """Half a cell in ten survives within 4.5 mm of the middle, all beyond it; and of another drug all everywhere."""
    near = np.linalg.norm(cube()[0].points_mm, axis=1) < 4.5
    final = {**shown(), "drug_doxorubicin_drip_survival": np.where(near, 0.05, 1.0)}
    facts = {"liposomes.drip": source(dead_survival=0.1)}
    share = drug_results(drugs_on_mesh([(0.0, facts)], final), assessment())["doxorubicin"]["share_above_threshold"]
    final["drug_doxorubicin_drip_survival"] = np.ones(COUNT)
    none = drug_results(drugs_on_mesh([(0.0, facts)], final), assessment())["doxorubicin"]["share_above_threshold"]
    assert share is not None
    assert 0.0 < share < 0.4
    assert none == 0.0


def test_the_target_has_its_statistics() -> None:
    domain, _ = cube()
    level = np.clip(0.010 - 0.001 * np.linalg.norm(domain.points_mm, axis=1), 0.0, None)
    drugs = drugs_on_mesh(
        [(0.0, {"liposomes.drip": source()})], {**shown(), "drug_doxorubicin_drip_free_mol_per_m3": level}
    )
    made = drug_results(drugs, assessment())["doxorubicin"]
    assert made["target"] is not None
    assert made["target"]["mean"] == pytest.approx(10.0 - 0.75 * 9.0, rel=0.02)
    assert made["target"]["histogram"]["3"] == pytest.approx((7.0 / 9.0) ** 3, abs=0.02)
    assert made["share_above_threshold"] is None
    assert made["plasma_peak_umol_per_l"] is None


def test_a_plan_without_drugs_has_none() -> None:
    assert drugs_on_mesh([(0.0, {"radiofrequency": {"controllers": []}})], {}) == {}
