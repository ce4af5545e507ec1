# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from imagio_sim.campaign.modalities import BUILDERS
from imagio_sim.outcome.result import Result
from imagio_sim.view.source_facts import FactTable, heat_table, number, plain_words, quantity, source_tables
from tests.outcome.cases import result

FACTS: dict[str, dict[str, Any]] = {
    "radiofrequency": {
        "controllers": [
            {
                "name": "upper",
                "pulses": 12,
                "pausing": 1,
                "phase_start": 708.2,
                "held_power": 120.0,
                "baseline": 43.65,
                "impedance": 58.53,
                "time": 720.0,
            }
        ]
    },
    "microwave": {
        "interference_J": 0.0,
        "antenna": {
            "generator_J": 36000.0,
            "tissue_J": 26082.0,
            "beyond_region_J": 56.0,
            "antenna_J": 541.0,
            "reflected_J": 1697.0,
            "cable_J": 7624.0,
            "reflection": 0.274,
            "field_solves": 80,
            "transfer_mismatch": 0.004,
            "azimuthal_variation": 0.2105,
        },
    },
    "cryo": {"medial": {"coldest_wall_degC": -124.6, "largest_heat_taken_W": 28.4}},
    "electroporation": {
        "pairs": [
            {
                "name": "n1-n2",
                "voltage_V": 2698.9,
                "pulse_width_s": 9e-5,
                "pulses_planned": 90,
                "pulses_given": 43.0,
                "first_current_A": 21.36,
                "largest_current_A": 51.5,
                "energy_J": 524.5,
                "stopped_by_generator": True,
            }
        ],
        "generator_limit_A": 50.0,
        "repetition_rate_Hz": 1.1667,
        "largest_field_V_per_m": 1337698.0,
        "conductivity_memory": 1.0,
        "several_pairs": "the pair that does most harm decides",
        "deciding_model": "lethal_field",
    },
    "laser": {
        "emitted_J": {"fibre": 1800.0},
        "absorbed_J": 1700.0,
        "lost_J": {"boundary": 90.0},
        "balance_error": 10 / 1800,
        "absorbed_beyond_validity_J": 18.0,
    },
    "ultrasound.array": {
        "radiated_J": 7560.0,
        "absorbed_J": 4009.0,
        "skin_peak_temperature_degC": 45.5,
        "bone_peak_temperature_degC": 37.2,
        "acoustic_voxels": 5960000,
        "pressure_limit_MPa": {"soft_tissue_sarcoma": 12.483},
        "foci": [
            {
                "position_mm": [-40.6, 88.5, 457.5],
                "highest_power_W": 90.0,
                "focal_pressure_MPa": 5.772,
                "shift_mm": 1.62,
                "share": {
                    "reflected": 0.056,
                    "transmitted": 0.248,
                    "absorbed": {"fat": 0.033, "muscle": 0.226},
                    "lost": {"bone": 0.012, "gas": 0.001},
                },
            }
        ],
    },
}


def run_with(*stages: dict[str, Any]) -> Result:
    made = result()
    made["solver"] = {"sources": list(stages)}
    return made


def table_with(tables: list[FactTable], title: str) -> dict[str, str]:
    """The only row of a table by column, or its rows of two by name."""
    (table,) = (one for one in tables if one.title == title)
    if table.columns == ("quantity", "value"):
        return {row[0]: row[1] for row in table.rows}
    return dict(zip(table.columns, table.rows[0], strict=True))


@pytest.mark.parametrize("modality", sorted(BUILDERS))
def test_the_sources_of_every_modality_have_a_table(modality: str) -> None:
    (name,) = (name for name in FACTS if name.startswith(modality))
    assert source_tables(run_with({name: FACTS[name]}))


@pytest.mark.parametrize(
    ("source", "title", "column", "text"),
    [
        ("radiofrequency", "Radiofrequency generators", "impedance roll-offs", "12"),
        ("radiofrequency", "Radiofrequency generators", "impedance baseline", "43.6 Ω"),
        ("microwave", "Microwave power book", "deposited in tissue", "26082 J (72.5 %)"),
        ("microwave", "Microwave power book", "reflected", "1697 J (4.7 %)"),
        ("microwave", "Microwave power book", "lost in the cable", "7624 J (21.2 %)"),
        ("microwave", "Microwave power book", "beyond the region", "56 J (0.2 %)"),
        ("microwave", "Microwave fields", "variation of permittivity from side to side", "21.1 %"),
        ("cryo", "Cryoprobes", "coldest wall", "−124.6 °C"),
        ("electroporation", "Electrode pairs", "largest current", "51.5 A"),
        ("electroporation", "Electrode pairs", "limit of the generator", "50.0 A"),
        ("electroporation", "Electrode pairs", "pulse width", "90 µs"),
        ("electroporation", "Electrode pairs", "stopped by the generator", "yes"),
        ("electroporation", "Electric field of the pulses", "largest field anywhere", "13377 V/cm"),
        ("ultrasound.array", "Ultrasound of array", "skin, highest temperature", "45.5 °C"),
        ("ultrasound.array", "Ultrasound of array", "bone, highest temperature", "37.2 °C"),
        ("ultrasound.array", "Foci of array", "position (LPS)", "−40.6, 88.5, 457.5 mm"),
        ("ultrasound.array", "Foci of array", "focal pressure", "5.77 MPa"),
        ("ultrasound.array", "Foci of array", "absorbed", "25.9 %"),
        ("ultrasound.array", "Foci of array", "reflected", "5.6 %"),
        ("ultrasound.array", "Foci of array", "to bone", "1.2 %"),
    ],
)
def test_a_source_says_in_words_and_units(source: str, title: str, column: str, text: str) -> None:
    assert table_with(source_tables(run_with({source: FACTS[source]})), title)[column] == text


def test_the_limit_of_focal_pressure_stands_beside_the_foci() -> None:
    said = table_with(source_tables(run_with({"ultrasound.array": FACTS["ultrasound.array"]})), "Ultrasound of array")
    assert said["highest pressure at which linear acoustics holds in soft tissue sarcoma"] == "12.48 MPa"


def test_laser_light_is_accounted_for() -> None:
    (table,) = source_tables(run_with({"laser": FACTS["laser"]}))
    assert ("emitted by fibre", "1800 J", "100.0 %") in table.rows
    assert ("absorbed in tissue", "1700 J", "94.4 %") in table.rows
    assert ("lost to tissue beyond the region", "90 J", "5.0 %") in table.rows


def test_the_tables_of_several_stages_tell_which() -> None:
    tables = source_tables(run_with({"cryo": FACTS["cryo"]}, {"cryo": FACTS["cryo"]}))
    assert [table.title for table in tables] == ["Cryoprobes, stage 1", "Cryoprobes, stage 2"]


def test_generators_of_constant_power_have_nothing_to_tell() -> None:
    assert source_tables(run_with({"radiofrequency": {"controllers": [{"name": "applicator_1"}]}})) == []
    assert source_tables(result()) == []


def test_heat_that_tissue_loses_is_negative_and_ways_without_heat_are_left_out() -> None:
    made = result()
    made["solver"] = {
        "energy_by_stage": [
            {
                "source_by_name_J": {"metabolism": 0.0, "cryo": 0.0},
                "lost_by_path_J": {"perfusion": -77209.0, "cryoprobe/upper": 32077.0, "vessel/vena_cava": 0.2},
            }
        ]
    }
    table = heat_table(made)
    assert table is not None
    assert table.rows == [("perfusion", "77209 J"), ("cryoprobe upper", "−32077 J"), ("vessel vena cava", "0 J")]
    assert heat_table(result()) is None


def test_units_follow_the_ending_of_a_key() -> None:
    assert quantity("wall_s", 481.9079) == "481.9 s"
    assert quantity("field_V_per_m", 50600.0) == "506 V/cm"
    assert quantity("power_W", None) == "–"
    assert quantity("steps", 481) == "481"
    assert plain_words("heat_solves") == "heat solves"
    assert plain_words("wall_s") == "wall"


def test_zero_has_no_sign() -> None:
    assert [number(value, 0) for value in (-0.2, 0.0, -1.0)] == ["0", "0", "−1"]
