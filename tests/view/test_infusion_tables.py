# SPDX-License-Identifier: LGPL-3.0-or-later
from pathlib import Path

import pytest

from imagio_sim.outcome.result import DrugResult, DrugSourceResult, KillResult, Result
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


def book(peak: float) -> DrugSourceResult:
    """What one source has brought."""
    return {
        "balance_mg": {"loaded": 37.5},
        "balance_error": 1e-6,
        "plasma_peak_umol_per_l": peak,
        "plasma_peak_s": 90.0,
        "plasma_auc_umol_h_per_l": 0.7,
    }


def drug(**changes: object) -> DrugResult:
    made: DrugResult = {
        "balance_mg": {"loaded": 75.0, "in_particles": 60.1, "free": 1.5, "cleared": 13.4},
        "balance_error": 2e-6,
        "corrected_share": 3e-5,
        "plasma_peak_umol_per_l": 0.25,
        "plasma_peak_s": 600.0,
        "plasma_auc_umol_h_per_l": 1.4,
        "target": STATISTICS,  # type: ignore[typeddict-item]
        "target_peak_umol_per_l": 118.0,
        "target_peak_s": 93600.0,
        "target_exposure_umol_h_per_l": None,
        "share_above_threshold": 0.284,
        "penetration_mm": {"particles": 0.72},
        "sources": {"drug.doxorubicin": book(0.2), "liposomes.drip": book(0.1)},
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
        "lowest": {
            "from_s": 0.0,
            "until_s": 1200000.0,
            "embolised_ml": 290.0,
            "dead_ml": 20.0,
            "perfused_ml": 1190.0,
            "perfused_share": 0.793,
        },
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
        "28.4 %",
        "26 h",
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
    assert all(not table.title.startswith("The target") for table in section.tables)


def test_every_source_of_a_drug_has_its_part_in_the_plasma() -> None:
    (section,) = [one for one in infusion_sections(infused()) if one.title == "Drug"]
    exposure = next(table for table in section.tables if table.title == "Exposure of the patient")
    assert exposure.rows[0] == ("doxorubicin", "0.25 µmol/l", "10 min", "1.4 µmol h/l")
    assert exposure.rows[2] == ("of it by liposomes drip", "0.1 µmol/l", "90 s", "0.7 µmol h/l")
    alone = infused()
    alone["drug"] = {"doxorubicin": drug(sources={"drug.doxorubicin": book(0.2)})}
    (section,) = [one for one in infusion_sections(alone) if one.title == "Drug"]
    assert len(next(table for table in section.tables if table.title == exposure.title).rows) == 1


def test_the_highest_of_the_target_and_when_are_told_for_every_drug() -> None:
    made = infused()
    made["drug"] = {"doxorubicin": drug(), "idarubicin": drug(share_above_threshold=0.1, target_peak_s=5400.0)}
    (section,) = [one for one in infusion_sections(made) if one.title == "Drug"]
    highest = next(table for table in section.tables if table.title == "The target at its highest")
    assert highest.rows == [
        ("doxorubicin", "118 µmol/l", "26 h", "28.4 %"),
        ("idarubicin", "118 µmol/l", "90 min", "10.0 %"),
    ]


def test_the_organ_is_told_at_the_end_and_when_least_of_it_is_perfused() -> None:
    (section,) = [one for one in infusion_sections(infused()) if one.title == "What is left of the organ"]
    (table,) = section.tables
    assert table.columns == ("part", "at the end", "from 0 s to 13.9 d")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["alive and perfused by its artery"] == ("1213.00 ml (80.9 %)", "1190.00 ml (79.3 %)")
    assert rows["mean dose"] == ("12 Gy", "")


def test_what_is_lowest_at_the_end_is_told_once() -> None:
    made = infused()
    assert made["liver_reserve"]["lowest"] is not None
    made["liver_reserve"]["lowest"]["perfused_ml"] = made["liver_reserve"]["perfused_ml"]
    (section,) = [one for one in infusion_sections(made) if one.title == "What is left of the organ"]
    assert section.tables[0].columns == ("part", "volume or share")


def test_blood_flow_that_nothing_has_changed_is_not_told() -> None:
    made = infused()
    assert any(one.title == "Blood flow" for one in infusion_sections(made))
    for stage in made["perfusion_by_stage"]:
        stage["target_per_s"], stage["beside_per_s"] = stage["target_normal_per_s"], stage["beside_normal_per_s"]
    assert all(one.title != "Blood flow" for one in infusion_sections(made))


def test_a_plan_that_warms_and_cools_nothing_has_nothing_of_heat(tmp_path: Path) -> None:
    heated, slow = infused(), infused()
    slow["kill"] = kill(models={"drug": {"model": "drug_exposure", "lethal_survival": 0.1}})
    for one in (heated, slow):
        energy = {"source_by_name_J": {"metabolism": 5.0}, "lost_by_path_J": {"blood": 4.0}}
        one["solver"] = {**one.get("solver", {}), "energy_by_stage": [energy]}
    with_heat, without = (render_report(report(tmp_path, one)) for one in (heated, slow))
    for words in ("peak temperature", "energy balance", "Heat into tissue"):
        assert words in with_heat
        assert words not in without


def test_every_table_has_as_many_columns_as_its_rows_have_cells() -> None:
    tables = [table for section in infusion_sections(infused()) for table in section.tables]
    assert len(tables) == 10
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
