# SPDX-License-Identifier: LGPL-3.0-or-later
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.infusions.drug_report import drug_results, drug_warnings, drugs_on_mesh
from tests.outcome.cases import assessment
from tests.outcome.meshes import cube
from tests.view.test_infusion_tables import kill

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
    found = drugs_on_mesh({"drug.doxorubicin": source()}, final)["doxorubicin"]
    assert found.concentration == pytest.approx(6.0)
    assert found.exposure is None


def test_exposure_is_told_in_hours() -> None:
    final = {**handed_on(), "drug_doxorubicin_exposure_mol_s_per_m3": np.full(COUNT, 36.0)}
    assert drugs_on_mesh({"drug.doxorubicin": source()}, final)["doxorubicin"].exposure == pytest.approx(10.0)
    final = {**shown(), "drug_doxorubicin_drip_exposure_mol_s_per_m3": np.full(COUNT, 3.6)}
    assert drugs_on_mesh({"liposomes.drip": source()}, final)["doxorubicin"].exposure == pytest.approx(1.0)


def test_a_drug_that_two_infusions_bring_is_one_drug() -> None:
    beads = source(
        balance_mol={"loaded": 1e-4, "beads": 5e-5},
        mg_per_mol=5.8e5,
        plasma_peak_mol_per_m3=2e-4,
        plasma_peak_s=60.0,
        plasma_auc_mol_s_per_m3=3.6,
        penetration_depth_mm=0.7,
        corrected_share=2e-5,
    )
    del beads["balance_mg"]
    drip = source(plasma_free_peak_umol_per_l=3.0, plasma_peak_umol_per_l=30.0, plasma_peak_s=900.0)
    facts = {"drug.doxorubicin": beads, "liposomes.drip": drip, "radiofrequency": {"controllers": []}}
    drugs = drugs_on_mesh(facts, {**handed_on(free=0.001), **shown(free=0.002)})
    assert drugs["doxorubicin"].concentration == pytest.approx(3.0)
    made = drug_results(drugs, assessment(), kill())["doxorubicin"]
    assert made["balance_mg"] == pytest.approx({"loaded": 58.0 + 75.0, "beads": 29.0, "free": 1.0})
    assert (made["plasma_peak_umol_per_l"], made["plasma_peak_s"]) == (3.0, 900.0)
    assert made["plasma_auc_umol_h_per_l"] == pytest.approx(1.0)
    assert made["penetration_mm"] == {"particles": 0.7}
    assert made["corrected_share"] == 2e-5
    (warning,) = drug_warnings(drugs)
    assert "doxorubicin comes from 2 sources" in warning
    assert "up to 3.2 umol/l" in warning


def test_the_peak_of_one_source_needs_no_warning() -> None:
    facts = {"liposomes.drip": source(plasma_free_peak_umol_per_l=3.0, plasma_peak_s=900.0)}
    drugs = drugs_on_mesh(facts, shown())
    assert drug_warnings(drugs) == []
    assert drug_results(drugs, assessment(), kill())["doxorubicin"]["corrected_share"] is None


def test_the_target_has_its_statistics_and_the_share_that_the_drug_kills_alone() -> None:
    domain, _ = cube()
    level = np.clip(0.010 - 0.001 * np.linalg.norm(domain.points_mm, axis=1), 0.0, None)
    drugs = drugs_on_mesh({"liposomes.drip": source()}, {**shown(), "drug_doxorubicin_drip_free_mol_per_m3": level})
    made = drug_results(drugs, assessment(), kill())["doxorubicin"]
    assert made["target"] is not None
    assert made["target"]["mean"] == pytest.approx(10.0 - 0.75 * 9.0, rel=0.02)
    assert made["target"]["histogram"]["3"] == pytest.approx((7.0 / 9.0) ** 3, abs=0.02)
    assert made["share_above_threshold"] == pytest.approx(4.0 / 14.1)
    assert made["plasma_peak_umol_per_l"] is None


def test_a_plan_without_drugs_has_none() -> None:
    assert drugs_on_mesh({"radiofrequency": {"controllers": []}}, {}) == {}
