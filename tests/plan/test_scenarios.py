# SPDX-License-Identifier: LGPL-3.0-or-later
"""Scenarios as data: every variant survives the way to a file and back, and nothing can change one in place."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from imagio_sim.errors import ImagioError
from imagio_sim.plan import Scenario, changed, json_schema, load_scenario, plan_digest, scenario_of, written, yaml_text

Make = Callable[..., Scenario]

NEEDLE = {"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30]}
SECOND = {"device": "cooled_15g_4cm", "entry": [110, 50, 30], "tip": [5, 50, 30], "name": "second"}
CONSTANT = {"mode": "constant_power", "power": "60 W", "duration": "12 min", "cooling_phase": "1 min"}
STARBURST = {"device": "starburst_xl", "entry": [110, 90, 30], "tip": [5, 90, 30], "deployment": "4 cm"}

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "LPS": {"frame": "LPS"},
    "no image": {"patient.image": ..., "patient.unlabelled": "muscle"},
    "phantom": {"patient.image": ..., "patient.labels": [], "patient.unlabelled": "liver", "patient.outside": "liver"},
    "surfaces": {"patient.labels": [{"file": "liver.vtk", "name": "liver", "largest_component": True}]},
    "structures": {"patient.labels": [{"file": "rt.dcm", "names": {"GTV": "tumour"}, "structures": ["tumour"]}]},
    "insulated cut": {"patient.outside": {"cut": "insulated"}},
    "skin": {"patient.outside": {"cut": "skin"}},
    "label target": {"target": {"label": "tumour"}},
    "ellipsoid": {
        "target": {"ellipsoid": {"centre": [1, 2, 3], "semi_axes": ["1 cm", "2 cm", "30 mm"], "tissue": "hcc"}}
    },
    "pad": {"ground": {"pad": {"centre": [0, 0, 0], "radius": "8 cm"}}},
    "region": {"region": {"shape": "capsule", "margin": "5 cm"}},
    "solver": {
        "solver": {
            "resolution": "fine",
            "time_tolerance": "0.05 K",
            "linear_tolerance": 1e-10,
            "death_model": "isotherm_54",
        }
    },
    "voltage": {"plans.A.program": {"mode": "constant_voltage", "voltage": "40 V", "duration": "12 min"}},
    "current": {"plans.A.program": {"mode": "constant_current", "current": "1200 mA", "duration": "12 min"}},
    "impedance": {
        "plans.A.program": {
            "mode": "impedance_control",
            "duration": "12 min",
            "ramp_rate": "10 W/min",
            "resume_fraction": 0.9,
        }
    },
    "impedance, all": {
        "plans.A.program": {
            "mode": "impedance_control",
            "duration": "12 min",
            "initial_power": "80 W",
            "max_power": "200 W",
            "ramp_rate": "0.3 W/s",
            "roll_off_rise": "20 ohm",
            "baseline_window": "10 s",
            "pause_duration": "15 s",
            "pause_power": "10 W",
            "resume_fraction": 1.0,
            "stop_after_roll_offs": 3,
        }
    },
    "temperature": {
        "plans.A": {
            "applicators": [STARBURST],
            "program": {
                "mode": "temperature_control",
                "target_temperature": "105 degC",
                "max_power": "150 W",
                "duration": "15 min",
            },
        }
    },
    "own programs": {
        "plans.A": {"applicators": [{**NEEDLE, "program": CONSTANT}, {**SECOND, "program": CONSTANT, "start": "30 s"}]}
    },
    "bipolar pair": {
        "plans.A": {"applicators": [{**NEEDLE, "return_electrode": "second"}, SECOND], "program": CONSTANT}
    },
    "stages": {
        "plans.A": {
            "stages": [
                {"name": "first", "applicators": [NEEDLE], "program": CONSTANT, "wait": "30 min"},
                {"wait": "2 weeks"},
                {"applicators": [STARBURST], "program": CONSTANT, "start": "15 days"},
            ]
        }
    },
    "two plans": {"plans.B": {"applicators": [SECOND], "program": CONSTANT}},
    "constraints": {
        "critical_structures": [{"labels": ["colon", "duodenum"], "name": "bowel"}],
        "constraints": [
            {"name": "a", "quantity": "minimal_ablative_margin", "at_least": "-1 mm", "warn": "5 mm"},
            {"name": "b", "quantity": "peak_temperature", "structure": "bowel", "at_most": "45 degC"},
            {
                "name": "c",
                "quantity": "peak_thermal_dose",
                "structure": "bowel",
                "at_most": "9 CEM43",
                "warn": "2 CEM43",
            },
            {"name": "d", "quantity": "collateral_volume", "structure": "bowel", "at_most": "0 ml"},
            {"name": "e", "quantity": "treatment_time", "at_most": "1 h", "warn": "30 min"},
            {"name": "f", "quantity": "margin_fraction_ge_5", "at_least": 0.999},
        ],
    },
    "tissue values": {
        "tissue_values": {
            "liver": {
                "thermal_conductivity": {"value": "0.52 W/(m K)", "source": "s", "spread": "0.05 W/(m K)"},
                "water_content": {"value": 0.7, "source": "s"},
            }
        }
    },
}


@pytest.fixture(params=VARIANTS, ids=list(VARIANTS))
def variant(request: pytest.FixtureRequest, scenario: Make) -> Scenario:
    return scenario(VARIANTS[request.param])


def test_a_scenario_survives_the_way_to_yaml_and_back(variant: Scenario, tmp_path: Path) -> None:
    (tmp_path / "again.yaml").write_text(yaml_text(variant))
    again = load_scenario(tmp_path / "again.yaml")
    assert again.model_dump() == variant.model_dump()
    assert scenario_of(written(variant), base=variant.base, where=variant.origin) == variant


def test_every_variant_satisfies_the_json_schema(variant: Scenario) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert [error.message for error in validator.iter_errors(written(variant))] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_as_a_person_writes_it_satisfies_the_json_schema(
    name: str, bent: Callable[..., dict[str, Any]]
) -> None:
    text = yaml.safe_dump(bent(VARIANTS[name]))
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(yaml.safe_load(text), json_schema())


@pytest.mark.parametrize(
    "changes", [{"patiant": 1}, {"plans.A.program.power": 60}, {"plans.A.program.powr": "1 W"}, {"frame": "X"}]
)
def test_the_json_schema_refuses_what_an_editor_can_see(
    changes: dict[str, Any], bent: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bent(changes), json_schema())


def test_a_scenario_cannot_be_changed_in_place(scenario: Make) -> None:
    made = scenario()
    with pytest.raises(ValidationError, match="frozen"):
        made.frame = "LPS"
    with pytest.raises(ValidationError, match="frozen"):
        made.plans["A"].stages[0].program.power = 1.0  # type: ignore[union-attr]


def test_quantities_arrive_in_the_librarys_units(scenario: Make) -> None:
    made = scenario(VARIANTS["impedance"])
    program = made.plans["A"].stages[0].program
    assert program is not None
    assert program.duration == 720.0
    assert program.ramp_rate == pytest.approx(10.0 / 60.0)  # type: ignore[union-attr]
    assert made.target.sphere.diameter == 30.0  # type: ignore[union-attr]
    assert made.patient.body_temperature == 37.0


def test_one_stage_may_be_written_without_the_list(scenario: Make) -> None:
    plan = {"applicators": [NEEDLE], "program": CONSTANT}
    alone, listed = scenario({"plans.A": plan}), scenario({"plans.A": {"stages": [plan]}})
    assert alone.plans == listed.plans
    # What a run depends on is the same, so the finished one is taken for the other.
    assert plan_digest(alone, "A") == plan_digest(listed, "A")


def test_a_changed_copy_is_checked_and_the_original_stays(scenario: Make) -> None:
    made = scenario()
    other = changed(made, {"plans.A.stages[0].program.power": "50 W", "solver.resolution": "coarse"})
    assert other.plans["A"].stages[0].program.power == 50.0  # type: ignore[union-attr]
    assert made.plans["A"].stages[0].program.power == 60.0  # type: ignore[union-attr]
    assert other.solver.resolution == "coarse"
    assert other.base == made.base
    with pytest.raises(ImagioError, match="at most 200 W"):
        changed(made, {"plans.A.stages[0].program.power": "250 W"})


def test_given_tissue_values_arrive_in_the_tissue_librarys_units(scenario: Make) -> None:
    overrides = scenario(
        {"tissue_values.liver.perfusion_rate": {"value": "0.6 1/min", "spread": "0.06 1/min", "source": "perfusion CT"}}
    ).tissue_overrides()
    value = overrides["liver"]["perfusion_rate"]
    assert value.value == pytest.approx(0.01)
    assert value.sd == pytest.approx(0.001)
    assert (value.unit, value.source, value.evidence) == ("1/s", "perfusion CT", "given")


@pytest.mark.parametrize(
    ("limits", "value", "status"),
    [
        ({"at_least": "0 mm", "warn": "5 mm"}, -0.1, "fail"),
        ({"at_least": "0 mm", "warn": "5 mm"}, 0.0, "warn"),
        ({"at_least": "0 mm", "warn": "5 mm"}, 5.0, "pass"),
        ({"at_most": "9 mm", "warn": "5 mm"}, 5.0, "pass"),
        ({"at_most": "9 mm", "warn": "5 mm"}, 8.0, "warn"),
        ({"at_most": "9 mm", "warn": "5 mm"}, 9.1, "fail"),
        ({"at_most": "9 mm"}, 9.0, "pass"),
        ({"at_least": "9 mm"}, float("nan"), "fail"),
    ],
)
def test_a_constraint_passes_warns_or_fails(limits: dict[str, str], value: float, status: str, scenario: Make) -> None:
    made = scenario({"constraints": [{"name": "a", "quantity": "minimal_ablative_margin", **limits}]})
    assert made.constraints[0].status(value) == status


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["60 W", "cut", "label", "A"]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=4),
    st.dictionaries(st.sampled_from(["mode", "device", "label", "stages", "x"]), st.integers(), max_size=2),
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inside for place in places(value, (*path, key)))]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_file_is_accepted_or_refused_in_words(
    data: st.DataObject, bent: Callable[..., Any], tmp_path: Path
) -> None:
    broken = copy.deepcopy(bent(data.draw(st.sampled_from(list(VARIANTS.values())))))
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from(places(broken)[1:]))
        place = broken
        for key in parents:
            place = place[key]
        place[last] = data.draw(JUNK)
    said = ""
    try:
        scenario_of(broken, base=tmp_path, where="fuzzed.yaml")
    except ImagioError as refusal:
        said = str(refusal)
    assert all(line.startswith("fuzzed.yaml") for line in said.splitlines())
