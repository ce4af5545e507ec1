# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laws of temperature and damage."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.tissue.arithmetic import NUMPY, smoothstep
from imagio_sim.tissue.blockwise import BLOCK, blocks, blockwise
from imagio_sim.tissue.enthalpy import Enthalpy, Transition
from imagio_sim.tissue.laws import (
    electrical_conductivity,
    flowing_fraction,
    freezing_conductivity,
    frozen_conductivity_share,
    frozen_fraction,
    mean_frozen_fraction,
    moisture,
    perfusion_rate,
    steam_conductivity,
    thermal_conductivity,
)

TEMPERATURES = np.linspace(0.0, 150.0, 3001)


def sigma(temperature: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(
        electrical_conductivity(
            temperature,
            moisture(temperature, vaporisation_start=100.0, vaporisation_width=5.0, xp=NUMPY),
            reference=0.2,
            slope=0.015,
            highest=100.0,
            residual_fraction=1e-3,
            xp=NUMPY,
        )
    )


def test_properties_at_body_temperature_are_the_reference() -> None:
    assert thermal_conductivity(37.0, reference=0.52, slope=0.002, highest=100.0, xp=NUMPY) == pytest.approx(0.52)
    assert sigma(37.0) == pytest.approx(0.2)


def test_thermal_conductivity_stops_rising_at_its_cap() -> None:
    conductivity = thermal_conductivity(TEMPERATURES, reference=0.5, slope=0.002, highest=100.0, xp=NUMPY)
    assert conductivity[TEMPERATURES >= 100.0] == pytest.approx(0.5 + 0.002 * 63.0)
    assert (np.diff(conductivity) >= 0.0).all()


def test_electrical_conductivity_doubles_near_boiling_and_collapses_beyond() -> None:
    assert sigma(100.0) == pytest.approx(0.2 * (1.0 + 0.015 * 63.0))
    assert sigma(102.5) == pytest.approx(sigma(100.0) * (1e-3 + 0.999 * 0.5))
    assert sigma(105.0) == pytest.approx(1e-3 * sigma(100.0))
    assert sigma(140.0) == pytest.approx(1e-3 * sigma(100.0))


def test_moisture_is_what_the_latent_heat_has_left() -> None:
    material = Enthalpy((3.8e6, 0.6e6), (Transition(100.0, 105.0, 1.66e9),))
    taken_up = material.enthalpy(103.0) - material.enthalpy(100.0) - 3.0 * 0.5 * (3.8e6 + 0.6e6)
    left = moisture(103.0, vaporisation_start=100.0, vaporisation_width=5.0, xp=NUMPY)
    assert left == pytest.approx(1.0 - taken_up / 1.66e9)


def steam(coldest: NDArray[np.float64] | float, warmest: NDArray[np.float64] | float) -> NDArray[np.float64]:
    boiling = {"vaporisation_start": 100.0, "vaporisation_width": 5.0}
    return np.asarray(steam_conductivity(coldest, warmest, diffusivity=1e-8, latent_heat=1.66e9, **boiling, xp=NUMPY))


def test_steam_carries_heat_in_boiling_tissue_alone() -> None:
    assert steam(np.array([20.0, 90.0, 105.0]), np.array([60.0, 100.0, 300.0])) == pytest.approx(0.0, abs=1e-12)
    assert steam(101.0, 104.0) == pytest.approx(1e-8 * 1.66e9 / 5.0)
    assert steam(102.0, 102.0) == pytest.approx(1e-8 * 1.66e9 / 5.0)


def test_a_piece_that_boils_in_part_passes_the_steam_of_its_layers() -> None:
    edges = np.linspace(60.0, 140.0, 321)
    layers = steam(edges[:-1], edges[1:]) * np.diff(edges)
    assert steam(60.0, 140.0) * 80.0 == pytest.approx(layers.sum()) == pytest.approx(1e-8 * 1.66e9)


def test_electrical_conductivity_is_continuous_and_positive() -> None:
    conductivity = sigma(TEMPERATURES)
    assert conductivity.min() > 0.0
    assert np.abs(np.diff(conductivity)).max() < 0.2 * 1.945 / 5.0 * 0.05 * 1.001


def test_perfusion_is_untouched_in_living_tissue_and_gone_in_dead() -> None:
    rates = perfusion_rate(0.01, np.array([0.0, 0.7, 0.8, 0.9, 1.0]), shutdown_start=0.7, shutdown_end=0.9, xp=NUMPY)
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.005, 0.0, 0.0], atol=1e-15)


def test_ice_is_what_the_latent_heat_has_made() -> None:
    material = Enthalpy((2.0e6, 3.8e6), (Transition(-8.0, -1.0, 1.6e8),))
    given_off = material.enthalpy(-1.0) - material.enthalpy(-3.0) - 2.0 * 0.5 * (2.0e6 + 3.8e6)
    ice = frozen_fraction(-3.0, freezing_start=-1.0, freezing_width=7.0, xp=NUMPY)
    assert ice == pytest.approx(given_off / 1.6e8)


@pytest.mark.parametrize(("coldest", "warmest"), [(-60.0, 30.0), (-9.0, -1.5), (-4.0, -3.0), (-5.0, -5.0), (2.0, 9.0)])
def test_mean_ice_is_the_mean_over_the_temperatures(coldest: float, warmest: float) -> None:
    spread = np.linspace(coldest, warmest, 20001)
    ice = frozen_fraction(spread, freezing_start=-1.0, freezing_width=7.0, xp=NUMPY)
    mean = mean_frozen_fraction(coldest, warmest, freezing_start=-1.0, freezing_width=7.0, xp=NUMPY)
    assert mean == pytest.approx(np.trapezoid(ice, dx=1.0 / 20000), abs=1e-8)


def test_conductivity_rises_from_the_wet_to_the_frozen_value() -> None:
    np.testing.assert_allclose(
        freezing_conductivity(np.array([0.0, 0.5, 1.0]), unfrozen=0.5, rise=1.5), [0.5, 1.25, 2.0]
    )


def test_blood_stands_still_in_ice_and_flows_in_wet_tissue() -> None:
    flow = flowing_fraction(
        np.array([37.0, -1.0, -1.5, -2.0, -60.0]), freezing_start=-1.0, perfusion_stop=-2.0, xp=NUMPY
    )
    np.testing.assert_allclose(flow, [1.0, 1.0, 0.5, 0.0, 0.0])


def test_smoothstep_has_no_slope_at_its_ends() -> None:
    near = 1e-6
    rise = smoothstep(np.array([42.0 + near, 43.0 - near]), start=42.0, end=43.0, xp=NUMPY)
    assert rise[0] < 1e-11
    assert 1.0 - rise[1] < 1e-11


def test_blockwise_evaluation_gives_the_same_numbers() -> None:
    temperature = np.linspace(20.0, 120.0, 3 * BLOCK + 7)
    out = blockwise(sigma, temperature, out=np.empty_like(temperature))
    np.testing.assert_array_equal(out, sigma(temperature))


def test_blocks_cover_every_index_once() -> None:
    indices = np.arange(2 * BLOCK + 1)
    np.testing.assert_array_equal(np.concatenate(list(blocks(indices))), indices)
    assert list(blocks(indices[:0])) == []


def test_frozen_tissue_keeps_a_share_of_its_electrical_conductivity() -> None:
    ice = np.array([0.0, 0.5, 1.0])
    left = frozen_conductivity_share(ice, residual_fraction=0.01)
    assert left == pytest.approx([1.0, 0.505, 0.01])
