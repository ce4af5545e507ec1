# SPDX-License-Identifier: LGPL-3.0-or-later
from pathlib import Path

import pytest

from imagio_sim.outcome.result import DrugResult, KillResult, Result
from imagio_sim.view.infusion_tables import infusion_sections
from imagio_sim.view.report import render_report
from tests.outcome.cases import result
from tests.view.test_report import Balance, report

STATISTICS = {"volume_ml": 14.1, "mean": 5.2, "C95": 0.4, "C50": 4.1, "C5": 14.9, "histogram": {"1": 0.9}}


def kill(**changes: object) -> KillResult:
    made: KillResult = {
        "law": "independent action",
        "interactions": [],
        "models": {
            "drug": {"model": "drug_exposure", "lethal_survival": 0.1},
            "heat": {"model": "arrhenius_hepg2", "lethal_survival": 0.368},
        },
        "target": {
            "killed_ml": 13.0,
            "alone_ml": {"drug": 4.0, "heat": 11.0},
            "by_ml": {"drug": 1.5, "heat": 8.5, "drug + heat": 2.5, "combination": 0.5},
            "combination_shares": {"drug": 0.7, "heat": 0.3},
        },
        "target_volume_ml": 14.1,
        "target_mean_survival": {"drug": 0.5, "heat": 0.2, "combined": 0.06},
        "outside": {
            "killed_ml": 20.0,
            "alone_ml": {"drug": 0.0, "heat": 20.0},
            "by_ml": {"heat": 20.0},
            "combination_shares": {},
        },
    }
    made.update(changes)  # type: ignore[typeddict-item]
    return made


def drug(**changes: object) -> DrugResult:
    made: DrugResult = {
        "balance_mg": {"loaded": 75.0, "in_particles": 60.1, "free": 1.5, "cleared": 13.4},
        "balance_error": 2e-6,
        "corrected_share": 3e-5,
        "plasma_peak_umol_per_l": 0.25,
        "plasma_peak_s": 600.0,
        "plasma_auc_umol_h_per_l": 1.4,
        "target": STATISTICS,  # type: ignore[typeddict-item]
        "target_exposure_umol_h_per_l": None,
        "share_above_threshold": 0.284,
        "penetration_mm": {"particles": 0.72},
    }
    made.update(changes)  # type: ignore[typeddict-item]
    return made


def infused() -> Result:
    made = result()
    made["infusions"] = {
        "beads": {
            "kind": "drug_eluting_beads",
            "stage": 1,
            "begin_s": 0.0,
            "injected": {"drug_mg": 75.0, "particles_ml": 2.0},
            "territory_volume_ml": 310.5,
            "target_fed_share": 1.0,
            "in_target_share": 0.36,
            "in_organ_share": 1.0,
            "lung_share": 0.0,
            "elsewhere_share": 0.0,
            "sum_error": 0.0,
        },
        "drip": {
            "kind": "liposomes",
            "stage": 2,
            "begin_s": 1800.0,
            "injected": {"drug_mg": 90.0},
            "territory_volume_ml": None,
            "target_fed_share": None,
            "in_target_share": None,
            "in_organ_share": None,
            "lung_share": None,
            "elsewhere_share": None,
            "sum_error": None,
        },
    }
    made["perfusion_by_stage"] = [
        {
            "target_per_s": 0.0011,
            "target_normal_per_s": 0.01,
            "beside_per_s": 0.0128,
            "beside_normal_per_s": 0.016,
        }
    ]
    made["kill"] = kill()
    made["drug"] = {"doxorubicin": drug()}
    made["liver_reserve"] = {
        "organ": ["liver"],
        "volume_ml": 1500.0,
        "territory_ml": 296.0,
        "untreated_ml": 1200.0,
        "embolised_ml": 266.0,
        "dead_ml": 21.0,
        "perfused_ml": 1213.0,
        "alive_share": 0.986,
        "perfused_share": 0.8087,
        "mean_dose_Gy": 12.0,
    }
    return made


@pytest.mark.parametrize(
    "text",
    [
        "drug eluting beads",
        "75 mg drug, 2 ml particles",
        "310.50 ml",
        "36.0 %",
        "Agents act independently",
        "drug and heat, each enough",
        "the combination only",
        "alone, outside",
        "arrhenius_hepg2",
        "60.1 mg",
        "0.003 %",
        "0.25 µmol/l",
        "10 min",
        "doxorubicin 28.4 %",
        "0.72 mm",
        "1213.00 ml (80.9 %)",
        "12 Gy",
        "0.0011 1/s (11.0 %)",
    ],
)
def test_the_report_tells_what_infusions_did(tmp_path: Path, text: str) -> None:
    page = render_report(report(tmp_path, infused()))
    assert text in page
    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_a_chosen_interaction_is_named() -> None:
    made = infused()
    made["kill"] = kill(interactions=[{"between": ["heat", "drug"], "strength": 3.1}])
    (section,) = [one for one in infusion_sections(made) if one.title == "Who killed what"]
    assert section.text == "Chosen interactions: heat and drug, strength 3.1."


def test_a_plan_of_one_agent_without_infusions_has_none_of_it(tmp_path: Path) -> None:
    made = result()
    made["kill"] = kill(models={"heat": {"model": "arrhenius_hepg2", "lethal_survival": 0.368}})
    assert infusion_sections(made) == []
    assert "Who killed what" not in render_report(report(tmp_path, made))


def test_what_was_not_recorded_is_a_dash() -> None:
    made = infused()
    made["drug"] = {"doxorubicin": drug(plasma_peak_umol_per_l=None, plasma_peak_s=None, target=None)}
    (section,) = [one for one in infusion_sections(made) if one.title == "Drug"]
    exposure = next(table for table in section.tables if table.title == "Exposure of the patient")
    assert exposure.rows[0] == ("doxorubicin", "–", "–", "1.4 µmol h/l")
    assert all(table.title != "The target" for table in section.tables)


def test_every_table_has_as_many_columns_as_its_rows_have_cells() -> None:
    tables = [table for section in infusion_sections(infused()) for table in section.tables]
    assert len(tables) == 9
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
