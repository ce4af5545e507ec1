# SPDX-License-Identifier: LGPL-3.0-or-later
"""Enthalpy with changes of phase."""

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.enthalpy import Enthalpy, Transition, tissue_enthalpy
from imagio_sim.tissue.library import load_tissue, tissue_names

TEMPERATURES = np.linspace(-60.0, 140.0, 4001)
BOILING = Transition(95.0, 100.0, 0.735 * 1000.0 * 2.26e6)
FREEZING = Transition(-8.0, -1.0, 1079.0 * 148e3)
LIVER = Enthalpy((3.8e6, 0.6e6), (BOILING,))
FREEZING_LIVER = Enthalpy((2.0e6, 3.8e6, 0.6e6), (FREEZING, BOILING))


@pytest.mark.parametrize("material", [Enthalpy((3.8e6,), ()), LIVER, FREEZING_LIVER])
def test_enthalpy_is_zero_at_body_temperature(material: Enthalpy) -> None:
    assert material.enthalpy(37.0) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("material", [Enthalpy((3.8e6,), ()), LIVER, FREEZING_LIVER])
def test_enthalpy_rises_strictly(material: Enthalpy) -> None:
    assert (np.diff(material.enthalpy(TEMPERATURES)) > 0.0).all()


@pytest.mark.parametrize("material", [Enthalpy((3.8e6,), ()), LIVER, FREEZING_LIVER])
def test_temperature_is_the_inverse_of_enthalpy(material: Enthalpy) -> None:
    np.testing.assert_allclose(material.temperature(material.enthalpy(TEMPERATURES)), TEMPERATURES, atol=1e-9)


@pytest.mark.parametrize("material", [LIVER, FREEZING_LIVER])
def test_apparent_heat_capacity_is_the_derivative_of_enthalpy(material: Enthalpy) -> None:
    middles = TEMPERATURES[:-1] + 0.025
    slopes = np.diff(material.enthalpy(TEMPERATURES)) / np.diff(TEMPERATURES)
    np.testing.assert_allclose(material.heat_capacity_apparent(middles), slopes, rtol=1e-6)


def test_boiling_takes_up_the_latent_and_the_mean_sensible_heat() -> None:
    taken = LIVER.enthalpy(100.0) - LIVER.enthalpy(95.0)
    assert taken == pytest.approx(BOILING.latent_heat + 5.0 * 0.5 * (3.8e6 + 0.6e6))


def test_thawing_takes_up_the_latent_and_the_mean_sensible_heat() -> None:
    taken = FREEZING_LIVER.enthalpy(-1.0) - FREEZING_LIVER.enthalpy(-8.0)
    assert taken == pytest.approx(FREEZING.latent_heat + 7.0 * 0.5 * (2.0e6 + 3.8e6))


def test_every_node_may_have_its_own_material() -> None:
    mixed = Enthalpy((np.array([3.8e6, 2.0e6]), 0.6e6), (Transition(95.0, 100.0, np.array([1.6e9, 0.3e9])),))
    alone = Enthalpy((2.0e6, 0.6e6), (Transition(95.0, 100.0, 0.3e9),))
    temperatures = np.array([98.0, 98.0])
    assert mixed.enthalpy(temperatures)[1] == pytest.approx(alone.enthalpy(98.0))
    np.testing.assert_allclose(mixed.temperature(mixed.enthalpy(temperatures)), temperatures)


def of_constants(heat_capacity: float, water_content: float, *, freezing: bool) -> Enthalpy:
    return tissue_enthalpy(
        heat_capacity=heat_capacity, water_content=water_content, constants=load_constants(), freezing=freezing
    )


@pytest.mark.parametrize("freezing", [False, True])
def test_vaporising_tissue_uses_the_sourced_constants(freezing: bool) -> None:
    material = of_constants(3.8e6, 0.735, freezing=freezing)
    latent_heat = 0.735 * 1000.0 * 2.26e6
    boiling = 0.5 * (3.8e6 + 0.6e6) * 5.0 + latent_heat
    assert material.enthalpy(105.0) - material.enthalpy(100.0) == pytest.approx(boiling)
    assert material.heat_capacity_apparent(110.0) == pytest.approx(0.6e6)


def test_freezing_liver_gives_off_the_latent_heat_that_was_measured() -> None:
    density, heat_capacity = 1079.0, 1079.0 * 3540.0
    material = of_constants(heat_capacity, 0.735, freezing=True)
    frozen = material.heat_capacity_apparent(-20.0)
    sensible = 7.0 * 0.5 * (frozen + heat_capacity)
    latent_heat = (material.enthalpy(-1.0) - material.enthalpy(-8.0) - sensible) / density
    assert latent_heat == pytest.approx(148.9e3, rel=0.01)


def test_ice_stores_less_heat_than_water_in_every_tissue_of_the_library() -> None:
    for name in tissue_names():
        tissue = load_tissue(name)
        wet = tissue.value("volumetric_heat_capacity")
        frozen = of_constants(wet, tissue.value("water_content"), freezing=True).heat_capacity_apparent(-50.0)
        assert 0.3 * wet < frozen <= wet, name


def test_tissue_that_may_not_freeze_stays_wet_at_any_low_temperature() -> None:
    material = of_constants(3.8e6, 0.735, freezing=False)
    assert material.enthalpy(-60.0) == pytest.approx(-97.0 * 3.8e6)


def test_drying_never_adds_heat_capacity() -> None:
    air = of_constants(1.2e3, 0.0, freezing=False)
    np.testing.assert_allclose(air.heat_capacity_apparent(TEMPERATURES), 1.2e3)


@pytest.mark.parametrize(
    ("capacities", "transitions"),
    [
        ((3.8e6,), (BOILING,)),
        ((3.8e6, 0.6e6), (Transition(100.0, 95.0, 1e9),)),
        ((2e6, 3.8e6, 0.6e6), (BOILING, FREEZING)),
    ],
)
def test_transitions_that_do_not_fit_are_refused(
    capacities: tuple[float, ...], transitions: tuple[Transition, ...]
) -> None:
    with pytest.raises(InputError, match="rising order and without overlap"):
        Enthalpy(capacities, transitions)
