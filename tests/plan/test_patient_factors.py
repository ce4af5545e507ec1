# SPDX-License-Identifier: LGPL-3.0-or-later
"""Species, conditions, fluids, perfusion and constants in a scenario: what they give, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, geometry_digest, plan_digest
from imagio_sim.plan.files import named_files
from imagio_sim.plan.reading import scenario_of, written
from imagio_sim.tissue.constants import library_constants

Make = Callable[..., Scenario]
Refuse = Callable[[dict[str, Any]], tuple[InputError, ...]]

NO_TEMPERATURE: dict[str, Any] = {"patient.body_temperature": ...}
NO_VALUES: dict[str, Any] = {"tissue_values": {}}
PIG = {**NO_TEMPERATURE, **NO_VALUES, "patient.species": "pig"}
SHELL = {"name": "separation", "tissue": "dextrose", "shell": {"around": "liver", "thickness": "8 mm"}}
SPHERE = {"name": "pool", "tissue": "saline", "sphere": {"centre": [0, 0, 0], "diameter": "2 cm"}}
PERFUSION = {"image": "flow.nii.gz", "unit": "mL/(min 100 mL)"}


def test_a_species_brings_its_body_temperature_unless_one_is_given(scenario: Make) -> None:
    assert scenario(PIG).patient.body_temperature == 39.0
    assert scenario(PIG).patient.body_temperature_value.origin == "species pig"
    cooled = scenario({**PIG, "patient.body_temperature": "37.5 degC"}).patient
    assert cooled.body_temperature == 37.5
    assert cooled.body_temperature_value.origin == "scenario"


def test_values_come_from_library_species_condition_and_scenario_in_this_order(scenario: Make) -> None:
    def origin(changes: dict[str, Any]) -> str:
        return scenario(changes).tissue("liver").values["perfusion_rate"].origin

    assert origin(NO_VALUES) == ""
    assert origin(PIG) == "species pig"
    assert origin({**PIG, "patient.conditions": ["cirrhosis"]}) == "condition cirrhosis"
    given = {"liver": {"perfusion_rate": {"value": "0.01 1/s", "source": "perfusion CT"}}}
    assert origin({**PIG, "patient.conditions": ["cirrhosis"], "tissue_values": given}) == "scenario"


def test_a_scenario_with_patient_factors_round_trips(scenario: Make) -> None:
    made = scenario(
        {
            **PIG,
            "patient.conditions": ["cirrhosis"],
            "patient.fluids": [SHELL, SPHERE],
            "patient.perfusion": {**PERFUSION, "tissues": ["liver"]},
            "constants": {"room_temperature": {"value": "18 degC", "spread": "1 K", "source": "thermometer"}},
        }
    )
    assert scenario_of(written(made), base=made.base, where=made.origin) == made


def test_constants_may_be_given_with_their_source(scenario: Make) -> None:
    given = {"room_temperature": {"value": "18 degC", "spread": "1 K", "source": "thermometer"}}
    constant = scenario({"constants": given}).law_constants()["room_temperature"]
    assert (constant.value, constant.sd, constant.source, constant.origin) == (18.0, 1.0, "thermometer", "scenario")
    assert scenario().law_constants() == library_constants()


def test_no_blood_flows_ex_vivo(scenario: Make) -> None:
    excised = scenario({**NO_VALUES, "patient.conditions": ["ex_vivo"], "patient.body_temperature": "20 degC"})
    assert not excised.patient.blood_flows
    assert excised.tissue("liver").value("perfusion_rate") == 0.0
    assert excised.law_constants()["vessel_wall_heat_transfer"].value == 0.0
    assert scenario().patient.blood_flows


def test_heat_alone_does_not_ask_for_another_mesh(scenario: Make) -> None:
    plain = scenario(NO_VALUES)
    for changes in (
        PIG,
        {**NO_VALUES, "patient.conditions": ["cirrhosis"]},
        {**NO_VALUES, "patient.perfusion": PERFUSION},
    ):
        other = scenario(changes)
        assert geometry_digest(other, "A") == geometry_digest(plain, "A")
        assert plan_digest(other, "A") != plan_digest(plain, "A")
    for changes in ({"patient.conditions": ["lung_collapsed"]}, {"patient.fluids": [SPHERE]}):
        assert geometry_digest(scenario({**NO_VALUES, **changes}), "A") != geometry_digest(plain, "A")


def test_the_files_of_perfusion_and_fluids_are_named(scenario: Make) -> None:
    drawn = {"name": "drawn", "tissue": "saline", "labels": {"file": "fluid.nii.gz"}}
    made = scenario({**NO_VALUES, "patient.perfusion": PERFUSION, "patient.fluids": [SHELL, drawn]})
    files = dict(named_files(made))
    assert files["patient.perfusion.image"] == "flow.nii.gz"
    assert files["patient.fluids[1].labels.file"] == "fluid.nii.gz"


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (NO_TEMPERATURE, "patient.body_temperature", "or a species that has one"),
        (
            {**PIG, "patient.conditions": ["ex_vivo"]},
            "patient.body_temperature",
            "temperature of the excised organ at the start",
        ),
        ({"patient.species": "pgi"}, "patient.species", "did you mean 'pig'?"),
        ({"patient.conditions": ["cirhosis"]}, "patient.conditions[0]", "did you mean 'cirrhosis'?"),
        ({"patient.conditions": ["in_vivo", "ex_vivo"]}, "patient.conditions[1]", "'ex_vivo' beside 'in_vivo'"),
        ({"patient.conditions": ["cirrhosis", "cirrhosis"]}, "patient.conditions[1]", "'cirrhosis' twice"),
        (
            {"patient.conditions": ["lung_collapsed", "lung_ventilated"]},
            "patient.conditions[1]",
            "'lung_ventilated' beside 'lung_collapsed'",
        ),
        # perfusion
        ({"patient.perfusion": {**PERFUSION, "unit": "L/h"}}, "patient.perfusion.unit", "mL/(min 100 mL)"),
        ({"patient.perfusion": {"image": "flow.nii.gz"}}, "patient.perfusion.unit", "add unit"),
        ({"patient.perfusion": {**PERFUSION, "tissues": ["lever"]}}, "patient.perfusion.tissues[0]", "'liver'"),
        (
            {**NO_VALUES, "patient.perfusion": PERFUSION, "patient.conditions": ["ex_vivo"]},
            "patient.perfusion",
            "no perfusion where no blood flows",
        ),
        ({"patient.perfusion": PERFUSION}, "tissue_values.liver.perfusion_rate", "beside patient.perfusion"),
        # fluids
        ({"patient.fluids": [{**SPHERE, "tissue": "liver"}]}, "patient.fluids[0].tissue", "saline"),
        ({"patient.fluids": [{**SPHERE, "tissue": "salin"}]}, "patient.fluids[0].tissue", "did you mean 'saline'?"),
        ({"patient.fluids": [{"name": "a", "tissue": "saline"}]}, "patient.fluids[0]", "no shape"),
        ({"patient.fluids": [{**SPHERE, **SHELL}]}, "patient.fluids[0]", "sphere and shell"),
        ({"patient.fluids": [SPHERE, SPHERE]}, "patient.fluids[1].name", "'pool' again"),
        (
            {"patient.fluids": [{**SHELL, "shell": {"around": "liver", "thickness": "8 mm", "radius": "3 cm"}}]},
            "patient.fluids[0].shell",
            "one of centre and radius",
        ),
        (
            {"patient.fluids": [{**SHELL, "shell": {"around": "liver", "thickness": "20 cm"}}]},
            "patient.fluids[0].shell.thickness",
            "50 mm",
        ),
        # constants
        (
            {"constants": {"room_temprature": {"value": "18 degC", "source": "a"}}},
            "constants.room_temprature",
            "did you mean 'room_temperature'?",
        ),
        (
            {"constants": {"heat_death_gate_start": {"value": "30 degC", "source": "a"}}},
            "constants.heat_death_gate_start",
            "that may be given",
        ),
        ({"constants": {"room_temperature": {"value": "18 degC"}}}, "constants.room_temperature.source", "add source"),
        (
            {"constants": {"room_temperature": {"value": "18 W", "source": "a"}}},
            "constants.room_temperature.value",
            "no room_temperature",
        ),
        (
            {"constants": {"vessel_wall_heat_transfer": {"value": "-1 W/(m2 K)", "source": "a"}}},
            "constants.vessel_wall_heat_transfer.value",
            "-1 W/(m2 K)",
        ),
        (
            {"constants": {"room_temperature": {"value": "18 degC", "spread": "-1 K", "source": "a"}}},
            "constants.room_temperature.spread",
            "-1 K",
        ),
    ],
)
def test_a_patient_that_cannot_be_is_refused(changes: dict[str, Any], where: str, says: str, refusals: Refuse) -> None:
    errors = refusals(changes)
    assert f"small.yaml: {where}" in [error.where for error in errors]
    assert says in " ".join(map(str, errors))
