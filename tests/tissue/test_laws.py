# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laws of temperature and damage."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.tissue.arithmetic import NUMPY, smoothstep
from imagio_sim.tissue.blockwise import BLOCK, blocks, blockwise
from imagio_sim.tissue.enthalpy import Enthalpy, Transition
from imagio_sim.tissue.laws import electrical_conductivity, moisture, perfusion_rate, thermal_conductivity

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


def test_electrical_conductivity_is_continuous_and_positive() -> None:
    conductivity = sigma(TEMPERATURES)
    assert conductivity.min() > 0.0
    assert np.abs(np.diff(conductivity)).max() < 0.2 * 1.945 / 5.0 * 0.05 * 1.001


def test_perfusion_is_untouched_in_living_tissue_and_gone_in_dead() -> None:
    rates = perfusion_rate(0.01, np.array([0.0, 0.7, 0.8, 0.9, 1.0]), shutdown_start=0.7, shutdown_end=0.9, xp=NUMPY)
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.005, 0.0, 0.0], atol=1e-15)


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
