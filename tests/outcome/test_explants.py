# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tumour control against explants: validation/experiments/RE01_explants."""

import numpy as np
import pytest

from imagio_sim.pharmacy.microspheres import load_microspheres
from validation.experiments.RE01_explants.study import (
    ABOVE,
    COMPLETE_ABOVE,
    COMPLETE_BELOW,
    QUARTILES_GY,
    binomial_error,
    binomial_interval,
    expected,
    explant_doses,
)

SPHERES = load_microspheres("therasphere").values


def test_the_doses_have_the_published_quartiles() -> None:
    assert np.quantile(explant_doses(), [0.25, 0.75]) == pytest.approx(QUARTILES_GY, rel=0.05)


@pytest.mark.parametrize("tumour_factor", [1.5, 2.0])
def test_control_in_explants_is_within_the_tolerance(tumour_factor: float) -> None:
    found = expected(SPHERES["half_control_dose"].value, SPHERES["control_slope"].value, tumour_factor)
    assert found.above >= 0.75
    assert found.above == pytest.approx(COMPLETE_ABOVE, abs=0.15)
    assert found.below == pytest.approx(COMPLETE_BELOW, abs=0.15)


def test_the_spread_of_the_half_dose_holds_the_measured_shares() -> None:
    low, high = (
        expected(end, SPHERES["control_slope"].value, 1.0)
        for end in (SPHERES["half_control_dose"].low, SPHERES["half_control_dose"].high)
        if end is not None
    )
    assert high.above < COMPLETE_ABOVE < low.above
    assert high.all < 30.0 / 45.0 < low.all


def test_what_a_count_allows_has_two_sides() -> None:
    """24 of 28: the exact interval (tables of Clopper and Pearson) is wider on the side of fewer."""
    low, high = binomial_interval(*ABOVE)
    assert (low, high) == pytest.approx((0.673, 0.960), abs=1e-3)
    assert COMPLETE_ABOVE - low > 1.5 * (high - COMPLETE_ABOVE)
    assert binomial_error(*ABOVE) == pytest.approx(0.0661, abs=1e-4)
