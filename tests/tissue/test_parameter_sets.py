# SPDX-License-Identifier: LGPL-3.0-or-later
"""Species and conditions as sets of sourced values."""

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue import Value, load_constants, load_sources, load_tissue, tissue_names
from imagio_sim.tissue.constants import library_constants
from imagio_sim.tissue.death import heat_death_models
from imagio_sim.tissue.parameter_sets import (
    ParameterSet,
    _read_set,
    contradictions,
    parameter_set,
    parameter_set_names,
)

SPECIES = [parameter_set("species", name) for name in parameter_set_names("species")]
CONDITIONS = [parameter_set("condition", name) for name in parameter_set_names("condition")]
NOTHING: Any = MappingProxyType({})


def number(value: float, unit: str, **more: Any) -> Value:
    return Value(value, unit, more.get("low"), more.get("high"), more.get("sd"), "itis", more.get("evidence", "read"))


def made(name: str, **parts: Any) -> ParameterSet:
    empty = {"every_tissue": NOTHING, "tissues": NOTHING, "factors": NOTHING, "constants": NOTHING}
    rest = {"substitutes": NOTHING, "body_temperature": None, "excludes": frozenset()}
    return ParameterSet(name=name, kind="condition", description="made for a test", **{**empty, **rest, **parts})


def test_the_promised_species_and_conditions_are_there() -> None:
    assert set(parameter_set_names("species")) == {"human_adult", "human_child", "pig", "dog", "rabbit", "rat"}
    promised = {"cirrhosis", "steatosis", "lung_ventilated", "lung_collapsed", "ex_vivo", "in_vivo"}
    assert set(parameter_set_names("condition")) == promised


@pytest.mark.parametrize("one", [*SPECIES, *CONDITIONS], ids=lambda one: one.name)
def test_every_set_speaks_of_tissues_and_constants_that_exist(one: ParameterSet) -> None:
    assert {*one.tissues, *one.factors, *one.substitutes, *one.substitutes.values()} <= set(tissue_names())
    assert set(one.constants) <= set(library_constants())
    assert one.excludes <= set(parameter_set_names("condition"))


@pytest.mark.parametrize("one", [*SPECIES, *CONDITIONS], ids=lambda one: one.name)
def test_every_number_of_a_set_has_a_source_and_a_spread(one: ParameterSet) -> None:
    groups = [one.every_tissue, one.constants, *one.tissues.values(), *one.factors.values()]
    for value in [value for group in groups for value in group.values()]:
        assert value.source in load_sources()
        assert value.has_spread


@pytest.mark.parametrize("one", SPECIES, ids=lambda one: one.name)
def test_untreated_tissue_of_every_species_stays_alive(one: ParameterSet) -> None:
    assert one.body_temperature is not None
    temperature, fortnight = np.array([one.body_temperature.value]), 14 * 86400.0
    for model in heat_death_models():
        state = model.advance(model.initial(1), temperature, temperature, fortnight)
        assert model.survival(state)[0] == 1.0, model.name


def test_a_pigs_liver_takes_its_perfusion_from_the_set_and_the_rest_from_the_library() -> None:
    liver = load_tissue("liver", sets=[parameter_set("species", "pig")])
    assert liver.value("perfusion_rate") == pytest.approx(160.88 / 100.0 / 60.0, rel=0.01)
    assert liver.values["perfusion_rate"].origin == "species pig"
    assert liver.values["density"] == load_tissue("liver").values["density"]
    assert liver.values["density"].origin == ""


def test_conditions_come_after_the_species_and_the_scenario_after_both() -> None:
    pig, cirrhosis = parameter_set("species", "pig"), parameter_set("condition", "cirrhosis")
    liver = load_tissue("liver", sets=[cirrhosis, pig]).values["perfusion_rate"]
    assert liver.value == pytest.approx(0.62 * 0.0268)
    assert liver.origin == "condition cirrhosis"
    given = number(0.008, "1/s", sd=0.001)
    assert load_tissue("liver", {"perfusion_rate": given}, [pig, cirrhosis]).values["perfusion_rate"] is given


def test_a_factor_keeps_both_spreads_and_the_weaker_evidence() -> None:
    halved = made("halved", factors={"liver": {"density": number(0.5, "1", low=0.4, high=0.6, evidence="memory")}})
    density = load_tissue("liver", sets=[halved]).values["density"]
    whole = load_tissue("liver").values["density"]
    assert (density.low, density.high) == (0.4 * whole.low, 0.6 * whole.high)
    assert density.evidence == "memory"
    assert f"0.5 times {whole.value:g}" in density.note


def test_a_factor_on_a_value_with_a_standard_deviation_spans_two_of_them() -> None:
    doubled = made("doubled", factors={"liver": {"density": number(2.0, "1", low=2.0, high=2.0)}})
    changed = doubled.changed("liver", {"density": number(1000.0, "kg/m3", sd=10.0)})["density"]
    assert (changed.low, changed.high) == (1960.0, 2040.0)
    assert changed.evidence == "derived"


def test_the_order_in_which_conditions_are_named_does_not_matter() -> None:
    halved = made("halved", factors={"liver": {"perfusion_rate": number(0.5, "1", low=0.5, high=0.5)}})
    fixed = made("fixed", tissues={"liver": {"perfusion_rate": number(0.01, "1/s", low=0.01, high=0.01)}})
    one = load_tissue("liver", sets=[halved, fixed]).value("perfusion_rate")
    assert one == load_tissue("liver", sets=[fixed, halved]).value("perfusion_rate") == pytest.approx(0.005)


def test_nothing_is_perfused_or_metabolises_ex_vivo() -> None:
    ex_vivo = parameter_set("condition", "ex_vivo")
    for name in tissue_names():
        tissue = load_tissue(name, sets=[parameter_set("species", "pig"), ex_vivo])
        assert tissue.value("perfusion_rate") == tissue.value("metabolic_heat") == 0.0
    assert load_constants(sets=[ex_vivo])["vessel_wall_heat_transfer"].value == 0.0
    assert load_constants(sets=[ex_vivo])["vessel_wall_heat_transfer"].origin == "condition ex_vivo"
    assert load_constants(sets=[ex_vivo])["lumen_conduction_fraction"].value == 1.0


def test_fat_makes_a_liver_conduct_less_and_boil_less() -> None:
    fatty = load_tissue("liver", sets=[parameter_set("condition", "steatosis")])
    for name in ("thermal_conductivity", "electrical_conductivity", "water_content", "density"):
        assert fatty.value(name) < load_tissue("liver").value(name)
    assert fatty.values["perfusion_rate"].evidence == "memory"


def test_a_scenarios_constant_stands_in_for_all_others() -> None:
    cool = number(18.0, "degC", sd=1.0)
    assert load_constants({"room_temperature": cool})["room_temperature"] is cool
    assert library_constants()["room_temperature"].value != 18.0


@pytest.mark.parametrize(
    ("kind", "name", "says"), [("species", "pgi", "'pig'"), ("condition", "cirhosis", "'cirrhosis'")]
)
def test_an_unknown_set_names_the_nearest(kind: Any, name: str, says: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {says}"):
        parameter_set(kind, name)


def test_conditions_that_contradict_each_other_are_found() -> None:
    pairs = [
        ("in_vivo", "ex_vivo"),
        ("ex_vivo", "in_vivo"),
        ("lung_collapsed", "lung_ventilated"),
        ("cirrhosis", "cirrhosis"),
    ]
    for first, second in pairs:
        found = list(contradictions([parameter_set("condition", first), parameter_set("condition", second)]))
        assert [number for number, _ in found] == [1], (first, second)
    assert not list(contradictions([parameter_set("condition", "cirrhosis"), parameter_set("condition", "steatosis")]))


def test_two_conditions_that_set_the_same_value_contradict_each_other() -> None:
    value = {"liver": {"perfusion_rate": number(0.01, "1/s", low=0.01, high=0.01)}}
    found = list(contradictions([made("one", tissues=value), made("other", tissues=value)]))
    assert found == [(1, "liver.perfusion_rate set by both 'one' and 'other'")]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"factors": {"liver": {"density": number(2.0, "kg/m3")}}}, "a factor of 0 or more, unit 1"),
        ({"factors": {"liver": {"density": number(-1.0, "1")}}}, "a factor of 0 or more, unit 1"),
        ({"factors": {"liver": {"densty": number(1.0, "1")}}}, "did you mean 'density'"),
        (
            {
                "tissues": {
                    "liver": {"density": number(5.0, "kg/m3", low=4.0)},
                    "fat": {"density": number(5e4, "kg/m3")},
                }
            },
            "0.5 to 3000 kg/m3",
        ),
        ({"every_tissue": {"perfusion_rate": number(3.0, "1/s")}}, "0 to 0.2 1/s"),
    ],
)
def test_a_set_with_an_impossible_change_is_refused(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        made("wrong", **parts)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"description": "x", "tissue": {}}, "unknown keys"),
        ({"tissues": {}}, "no description"),
        (
            {
                "description": "x",
                "every_tissue": {"density": {"value": 1, "unit": "kg/m3", "source": "itis", "evidence": "read"}},
            },
            "spread known: False",
        ),
    ],
)
def test_an_incomplete_data_file_is_refused(record: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        _read_set("condition", "x", record, "conditions/x.yaml")
