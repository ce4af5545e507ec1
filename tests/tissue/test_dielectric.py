# SPDX-License-Identifier: LGPL-3.0-or-later
"""Permittivity and conductivity at microwave frequencies."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.dielectric import (
    BANDS,
    Dielectric,
    LinearCourse,
    SigmoidCourse,
    StaticCourse,
    band_of,
    dielectric,
    load_model,
    model_names,
)
from imagio_sim.tissue.library import Tissue, load_tissue
from imagio_sim.tissue.value import Value, load_sources

WET = np.array(1.0)


def liver(band: str = "2450_mhz", model: str | None = None, **values: float) -> Dielectric:
    given: Mapping[str, Value] = {
        name: Value(value, {"r": "1", "e": "S/m"}[name[0]], None, None, None, "a test", "given")
        for name, value in values.items()
    }
    return dielectric(load_tissue("liver", given), band, load_model(band, model, highest=100.0), where="antenna")


def published(temperature: float) -> tuple[float, float, float]:
    """Temperature [degC], permittivity and conductivity [S/m] by the formulas as they are printed."""
    permittivity = 48.391 * (1.0 - 1.0 / (1.0 + np.exp(6.286 - 0.0764 * temperature))) + 1.0
    return temperature, permittivity, 2.173 * (1.0 - 1.0 / (1.0 + np.exp(5.951 - 0.0697 * temperature)))


# With their own values at 37 degC the formulas themselves come out.
OWN = dict(
    zip(("relative_permittivity_2450_mhz", "electrical_conductivity_2450_mhz"), published(37.0)[1:], strict=True)
)
PUBLISHED = [published(temperature) for temperature in (20.0, 60.0, 100.0, 120.0)]


@pytest.mark.parametrize(
    ("temperature", "permittivity", "conductivity"),
    PUBLISHED,
)
def test_the_sigmoids_are_those_published(temperature: float, permittivity: float, conductivity: float) -> None:
    found = replace(liver(**OWN), dry_permittivity=1.0).at(np.array(temperature), WET)
    assert found[0] == pytest.approx(permittivity, rel=2e-3)
    assert found[1] == pytest.approx(conductivity, rel=2e-3)


@pytest.mark.parametrize("band", BANDS)
def test_every_model_gives_the_librarys_value_at_body_temperature(band: str) -> None:
    tissue = load_tissue("liver")
    for model in model_names(band):
        relative, conductivity = liver(band, model).at(np.array(37.0), WET)
        assert relative == pytest.approx(tissue.value(f"relative_permittivity_{band}"))
        assert conductivity == pytest.approx(tissue.value(f"electrical_conductivity_{band}"))


@pytest.mark.parametrize("model", ["ji_brace", "lopresto"])
def test_tissue_that_dries_up_loses_permittivity_and_conductivity_all_the_way(model: str) -> None:
    temperatures = np.linspace(20.0, 150.0, 60)
    relative, conductivity = liver(model=model).at(temperatures, np.ones_like(temperatures))
    assert np.all(np.diff(relative) <= 0.0)
    assert np.all(np.diff(conductivity) < 0.0)
    assert relative.min() == pytest.approx(4.0)


def test_chin_and_sherars_conductivity_rises_by_their_coefficient_until_water_boils() -> None:
    wet = liver("915_mhz")
    rise = wet.at(np.array(47.0), WET)[1] / wet.at(np.array(37.0), WET)[1]
    assert rise == pytest.approx(1.0 + 10.0 * 0.0182)
    assert wet.at(np.array(120.0), WET)[1] == pytest.approx(wet.at(np.array(100.0), WET)[1])
    assert wet.at(np.array(104.0), np.array(0.2))[1] == pytest.approx(0.2 * wet.at(np.array(104.0), WET)[1])


def test_the_static_model_does_not_change() -> None:
    static = liver(model="static")
    assert static.at(np.array(37.0), WET) == static.at(np.array(130.0), WET)


def test_a_value_the_user_gives_scales_the_course() -> None:
    usual, twice = liver(), liver(electrical_conductivity_2450_mhz=2.0 * 1.69)
    for temperature in (37.0, 80.0, 110.0):
        at = np.array(temperature)
        assert twice.at(at, WET)[1] == pytest.approx(2.0 * usual.at(at, WET)[1])


def test_a_frequency_without_data_is_refused() -> None:
    with pytest.raises(InputError, match=r"915 MHz or 2450 MHz.*433 MHz"):
        band_of(433e6, where="device x")
    assert band_of(2.455e9, where="device x") == "2450_mhz"


def test_a_tissue_without_data_at_the_frequency_is_refused_by_name() -> None:
    whole = load_tissue("liver")
    bare = Tissue("gel", MappingProxyType({name: value for name, value in whole.values.items() if "915" not in name}))
    with pytest.raises(InputError, match=r"antenna 1: .*'gel'.*relative_permittivity_915_mhz"):
        dielectric(bare, "915_mhz", load_model("915_mhz", highest=100.0), where="antenna 1")


def test_a_model_exists_only_at_the_frequency_it_was_measured_at() -> None:
    assert "ji_brace" in model_names("2450_mhz")
    assert "ji_brace" not in model_names("915_mhz")
    with pytest.raises(KeyError, match="ji_brace"):
        load_model("915_mhz", "ji_brace", highest=100.0)


@pytest.mark.parametrize("band", BANDS)
def test_every_number_of_every_model_has_a_source_and_a_spread(band: str) -> None:
    for name in model_names(band):
        for value in load_model(band, name, highest=100.0).values.values():
            assert value.source in load_sources()
            assert value.has_spread


def test_what_has_less_permittivity_than_dry_tissue_keeps_it() -> None:
    air = dielectric(load_tissue("air"), "2450_mhz", load_model("2450_mhz", highest=100.0), where="antenna")
    assert air.at(np.array(120.0), WET)[0] == pytest.approx(air.permittivity)


def test_the_linear_model_keeps_its_water() -> None:
    boiled = (np.array(104.0), np.array(0.2))
    assert liver(model="linear").at(*boiled)[1] == pytest.approx(liver(model="linear").at(np.array(104.0), WET)[1])
    assert liver(model="drying").at(*boiled)[1] == pytest.approx(0.2 * liver(model="linear").at(*boiled)[1])


def test_half_is_lost_where_a_sigmoid_is_in_its_middle_and_a_slope_begins_to_dry() -> None:
    model = load_model("2450_mhz", highest=100.0)
    course = model.conductivity
    assert isinstance(course, SigmoidCourse)
    middle = course.value(course.half_lost, NUMPY)
    assert middle == pytest.approx(course.floor + 0.5 * course.span)
    assert LinearCourse(0.02, 100.0, dries=True).half_lost == 100.0
    assert LinearCourse(0.02, 100.0, dries=False).half_lost == StaticCourse().half_lost == math.inf
