# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the report says of doses."""

from imagio_sim.outcome.result import DoseResult, MakeControlResult, PlanningResult
from imagio_sim.view.dose_tables import dose_section
from imagio_sim.view.source_facts import FactTable

PLANNED: PlanningResult = {
    "perfused_mass_kg": 0.5,
    "tumour_mass_kg": 0.05,
    "tumour_to_normal": 3.0,
    "lung_shunt": 0.08,
    "MIRD_mean_dose_Gy": 91.0,
    "partition_tumour_dose_Gy": 230.0,
    "partition_liver_dose_Gy": 76.0,
    "partition_lung_dose_Gy": 4.0,
    "MIRD_GBq_per_100_Gy": 1.1,
    "partition_GBq_per_100_Gy_of_tumour": 0.44,
    "partition_GBq_per_100_Gy_of_liver": 1.3,
}
AIMED: PlanningResult = {
    **PLANNED,
    "aim_Gy": 205.0,
    "MIRD_GBq_for_aim": 2.255,
    "partition_GBq_for_aim_of_tumour": 0.902,
}


GLASS: MakeControlResult = {"mean_dose_Gy": 260.0, "half_dose_Gy": 250.0, "slope": 1.0, "probability": 0.12}
RESIN: MakeControlResult = {"mean_dose_Gy": 30.0, "half_dose_Gy": 60.0, "slope": 1.0, "probability": 0.06}


def dose(**planning: PlanningResult) -> DoseResult:
    figures = dict.fromkeys(("mean_Gy", "D95_Gy", "D70_Gy", "D50_Gy", "D5_Gy", "mean_BED_Gy", "EUD_Gy"), 100.0)
    ranges = {"EUBED_range_Gy": [180.0, 220.0], "EUD_range_Gy": [90.0, 110.0]}
    method = {**figures, "EUBED_Gy": 200.0, "V_share": {}, **ranges}
    return {
        "structures": {"target": {"volume_ml": 10.0, "mass_g": 10.6, "kernel": method, "local": method}},  # type: ignore[typeddict-item]
        "lungs": {"activity_GBq": 0.1, "mass_kg": 1.0, "mean_Gy": 5.0, "mean_range_Gy": [4.0, 10.0]},
        "tumour_control": {
            "mean_dose_Gy": 260.0,
            "half_dose_Gy": 250.0,
            "slope": 1.0,
            "probability": 0.12,
            "range": [0.02, 0.4],
            "probability_at_mean_dose": 0.54,
            "by_make": {"therasphere": GLASS},
        },
        "activity": {},
        "planning": planning,
    }


def table(made: DoseResult, title: str) -> FactTable:
    (found,) = [one for one in dose_section(made).tables if one.title == title]
    return found


def test_control_by_voxels_and_by_the_mean_dose_are_told_apart() -> None:
    text = dose_section(dose(one=PLANNED)).text
    assert "12.0 % by the dose of each of its voxels (2.0 % to 40.0 % by the spread of the data)" in text
    assert "a uniform dose of its mean, 260 Gy, would control it with 54.0 %" in text


def test_the_equivalent_uniform_dose_and_its_biologically_effective_one_are_told_apart() -> None:
    found = table(dose(one=PLANNED), "Dose by structure")
    assert found.columns[-2:] == ("EUBED", "EUD")
    assert found.rows[0][-2:] == ("200 Gy", "100 Gy")


def test_makes_are_told_apart_where_there_are_several() -> None:
    mixed = dose(one=PLANNED)
    assert mixed["tumour_control"] is not None
    mixed["tumour_control"]["by_make"] = {"therasphere": GLASS, "sir_spheres": RESIN}
    found = table(mixed, "By make of microspheres")
    assert [row[0] for row in found.rows] == ["therasphere", "sir spheres"]
    assert "added up in units" in dose_section(mixed).text
    assert not any(one.title == "By make of microspheres" for one in dose_section(dose(one=PLANNED)).tables)


def test_the_activities_for_an_aim_are_shown_where_a_plan_has_one() -> None:
    found = table(dose(one=AIMED, other=PLANNED), "As planners compute it")
    assert found.columns[-3:] == ("aim", "for the aim, MIRD", "for the aim in the tumour")
    assert [row[-3:] for row in found.rows] == [("205 Gy", "2.25 GBq", "0.902 GBq"), ("–", "–", "–")]
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert "aim" not in table(dose(one=PLANNED), "As planners compute it").columns
