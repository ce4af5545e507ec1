# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads: ion exchange, its closed forms, and diffusion out of a sphere."""

import numpy as np
import pytest
import ufl
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.physics.bead import (
    bath_equilibrium_share,
    bath_half_saturation,
    equilibrium_concentration,
    equilibrium_load,
    exchange_flux,
    exchange_rate_of,
    fickian_released_share,
    linear_driving_force_rate,
    release_rate,
)

BEADS = {"capacity": 1.5, "half_saturation": 0.06, "exchange_rate": 4e-5, "transfer_rate": 2e-3}
positive = st.floats(1e-6, 1e3)


def test_equilibrium_is_linear_at_low_load_and_full_at_high_concentration() -> None:
    assert equilibrium_load(1e-6, capacity=2.0, half_saturation=0.1) == pytest.approx(2e-5, rel=1e-4)
    assert equilibrium_load(1e6, capacity=2.0, half_saturation=0.1) == pytest.approx(2.0, rel=1e-6)
    assert equilibrium_load(0.1, capacity=2.0, half_saturation=0.1) == 1.0


@given(concentration=positive, capacity=positive, half_saturation=positive)
def test_the_isotherm_and_its_inverse_agree(concentration: float, capacity: float, half_saturation: float) -> None:
    load = equilibrium_load(concentration, capacity=capacity, half_saturation=half_saturation)
    if load < 0.999 * capacity:
        back = equilibrium_concentration(load, capacity=capacity, half_saturation=half_saturation)
        assert back == pytest.approx(concentration, rel=1e-6)


def test_the_rate_is_that_of_first_order_where_tissue_lets_everything_pass() -> None:
    found = release_rate(1.0, 0.02, **BEADS | {"transfer_rate": 1e12})
    load = equilibrium_load(0.02, capacity=1.5, half_saturation=0.06)
    assert found == pytest.approx(4e-5 * (1.0 - load), rel=1e-9)


def test_the_rate_is_that_of_the_tissue_where_beads_are_fast() -> None:
    found = release_rate(1.0, 0.02, **BEADS | {"exchange_rate": 1e9})
    surface = equilibrium_concentration(1.0, capacity=1.5, half_saturation=0.06)
    assert found == pytest.approx(2e-3 * (surface - 0.02), rel=1e-9)


def test_the_rate_satisfies_both_sides_of_the_surface() -> None:
    for load, concentration in ((1.4, 0.0), (0.7, 0.01), (0.01, 0.5)):
        rate = release_rate(load, concentration, **BEADS)
        surface = concentration + rate / BEADS["transfer_rate"]
        bound = equilibrium_load(surface, capacity=1.5, half_saturation=0.06)
        assert rate == pytest.approx(4e-5 * (load - bound), rel=1e-9)


def test_the_flux_at_a_surface_is_of_first_order() -> None:
    found = exchange_flux(1.0, 0.02, capacity=1.5, half_saturation=0.06, exchange_rate=4e-5)
    assert found == pytest.approx(4e-5 * (1.0 - 1.5 * 0.02 / 0.08))


def test_nothing_is_released_in_equilibrium_nor_without_beads() -> None:
    load = equilibrium_load(0.02, capacity=1.5, half_saturation=0.06)
    assert release_rate(load, 0.02, **BEADS) == pytest.approx(0.0, abs=1e-18)
    assert release_rate(0.0, 0.02, **BEADS | {"capacity": 0.0}) == 0.0


def test_the_rate_is_written_for_symbolic_expressions_too() -> None:
    assert isinstance(release_rate(ufl.as_ufl(1.0), 0.02, **BEADS), ufl.core.expr.Expr)


def test_the_share_given_to_a_bath_and_the_half_saturation_are_inverse() -> None:
    half = bath_half_saturation(released_share=0.21, filling=0.889, bath_ratio=100.0, capacity=77.6)
    share = bath_equilibrium_share(filling=0.889, bath_ratio=100.0, half_saturation=half, capacity=77.6)
    assert share == pytest.approx(0.21, rel=1e-12)


def test_a_larger_bath_takes_more() -> None:
    shares = [
        bath_equilibrium_share(filling=0.9, bath_ratio=ratio, half_saturation=0.06, capacity=77.6)
        for ratio in (10.0, 1e2, 1e4, 1e9)
    ]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, rel=1e-4)


def test_a_drug_that_is_held_less_leaves_faster_by_as_much() -> None:
    same = {"half_saturation": 0.06, "capacity": 77.0}
    assert exchange_rate_of(4e-5, **same, other_half_saturation=0.06, other_capacity=77.0) == pytest.approx(4e-5)
    assert exchange_rate_of(4e-5, **same, other_half_saturation=0.6, other_capacity=77.0) == pytest.approx(4e-4)


def test_the_linear_driving_force_is_right_in_the_mean() -> None:
    time = np.linspace(0.0, 3.0, 20001)
    left = 1.0 - fickian_released_share(time, radius=1.0, diffusivity=1.0)
    rate = linear_driving_force_rate(radius=1.0, diffusivity=1.0)
    assert np.trapezoid(left, time) == pytest.approx(1.0 / rate, rel=1e-3)


def test_the_series_is_monotone_from_nothing_to_everything_and_its_two_forms_meet() -> None:
    time = np.concatenate([[0.0], np.geomspace(1e-8, 10.0, 200)])
    share = fickian_released_share(time, radius=1.0, diffusivity=1.0)
    assert share[0] == 0.0
    assert share[-1] == pytest.approx(1.0)
    assert np.all(np.diff(share) >= 0.0)
    before, after = fickian_released_share(np.array([0.02 - 1e-12, 0.02]), radius=1.0, diffusivity=1.0)
    assert after == pytest.approx(before, abs=1e-9)
