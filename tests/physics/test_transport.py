# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laws by which tissue exchanges a drug: limits and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.physics.transport import binding, efflux, uptake, vascular_exchange, washout_rate

positive = st.floats(1e-6, 1e3)


def washout(plasma_flow: float, permeability_surface: float) -> float:
    return float(washout_rate(plasma_flow=plasma_flow, permeability_surface=permeability_surface, exp=np.exp))


def test_washout_is_limited_by_the_wall_where_blood_is_fast_and_by_blood_where_the_wall_is_open() -> None:
    assert washout(10.0, 1e-3) == pytest.approx(1e-3, rel=1e-4)
    assert washout(1e-3, 10.0) == pytest.approx(1e-3, rel=1e-4)


@given(positive, positive)
def test_washout_is_never_more_than_flow_or_wall_allow(flow: float, wall: float) -> None:
    assert 0.0 <= washout(flow, wall) <= min(flow, wall) * (1.0 + 1e-5)


def test_blood_gives_and_takes_by_the_difference_of_the_unbound_concentrations() -> None:
    assert vascular_exchange(2.0, washout_rate=0.5, plasma_concentration=2.0) == 0.0
    assert vascular_exchange(2.0, washout_rate=0.5, plasma_concentration=1.0) == -0.5


def test_binding_rests_at_the_ratio_of_its_rates() -> None:
    assert binding(1.0, 50.0 / 17.0, association_rate=50.0, dissociation_rate=17.0) == pytest.approx(0.0)


def test_uptake_saturates_and_is_half_of_the_largest_at_its_half_saturation() -> None:
    assert uptake(0.1, 0.3, largest_uptake=2.0, half_saturation=0.4) == pytest.approx(1.0)
    assert uptake(1e6, 0.0, largest_uptake=2.0, half_saturation=0.4) == pytest.approx(2.0, rel=1e-5)
    assert efflux(0.4, largest_efflux=2.0, half_saturation=0.4) == pytest.approx(1.0)


@given(positive, positive)
def test_cells_rest_where_uptake_equals_efflux(outside: float, half: float) -> None:
    """Then the content relative to its half saturation is the concentration relative to its own."""
    cells = 5.0 * outside / half
    assert uptake(outside, 0.0, largest_uptake=1.0, half_saturation=half) == pytest.approx(
        efflux(cells, largest_efflux=1.0, half_saturation=5.0), rel=1e-9
    )
