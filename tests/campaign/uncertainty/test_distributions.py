# SPDX-License-Identifier: LGPL-3.0-or-later
"""Quantiles of what is known of a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.uncertainty.distributions import has_spread, quantile, words
from imagio_sim.tissue.value import Value
from imagio_sim.units import QuantityKind

LIMITS = QuantityKind("rate", "1/s", 0.0, 1e3, "1 1/s")
SHARES = np.linspace(0.0005, 0.9995, 1000)


def value(number: float, **known: Any) -> Value:
    fields: dict[str, Any] = {"low": None, "high": None, "sd": None, **known}
    return Value(number, "1/s", source="someone", evidence="read", **fields)


def draws(known: Value) -> np.ndarray:
    return np.array([quantile(known, float(share), LIMITS) for share in SHARES])


def test_a_range_is_even() -> None:
    found = draws(value(3.0, low=2.0, high=6.0))
    assert found.mean() == pytest.approx(4.0, rel=1e-3)
    assert np.allclose(np.diff(found), np.diff(found)[0])


def test_in_a_range_of_magnitudes_the_value_stated_is_the_median_and_both_sides_are_even_in_the_logarithm() -> None:
    found = np.log10(draws(value(1e-2, low=1e-3, high=1e1)))
    assert np.median(found) == pytest.approx(-2.0, abs=0.01)
    below, above = found[SHARES < 0.5], found[SHARES > 0.5]
    assert below.min() == pytest.approx(-3.0, abs=0.01)
    assert np.allclose(np.diff(below), np.diff(below)[0])
    assert np.allclose(np.diff(above), np.diff(above)[0])


@pytest.mark.parametrize(("low", "number", "high"), [(1.0, 1.0, 4.6), (1.0, 4.6, 4.6), (0.1, 0.1, 10.0)])
def test_a_value_at_an_end_of_its_range_is_the_likeliest(low: float, number: float, high: float) -> None:
    found = draws(value(number, low=low, high=high))
    assert found.min() >= low
    assert found.max() <= high
    half = (low * high) ** 0.5 if high > 10.0 * low else 0.5 * (low + high)
    near = (found < half) if number == low else (found > half)
    assert near.mean() == pytest.approx(0.75, abs=0.01)


def test_a_standard_deviation_is_normal_within_the_range_that_is_stated_beside_it() -> None:
    free, cut = draws(value(6.0, sd=3.0)), draws(value(6.0, sd=3.0, low=4.0, high=20.0))
    assert np.median(free) == pytest.approx(6.0, abs=0.2)
    assert free.min() >= 0.0
    assert cut.min() >= 4.0
    assert np.median(cut) > np.median(free)


def test_published_percentiles_are_met() -> None:
    known = value(3.0, low=1.0, high=9.0, percentiles=((5.0, 1.0), (50.0, 4.0), (95.0, 9.0)))
    assert [quantile(known, share, LIMITS) for share in (0.001, 0.05, 0.5, 0.95, 0.999)] == [1.0, 1.0, 4.0, 9.0, 9.0]


@pytest.mark.parametrize(
    ("known", "spread"),
    [({}, False), ({"low": 1.0, "high": 1.0}, False), ({"sd": 0.0}, False), ({"sd": 0.1}, True), ({"low": 0.5}, False)],
)
def test_a_number_without_a_spread_is_not_drawn(known: dict[str, float], spread: bool) -> None:
    assert has_spread(value(1.0, **known)) is spread


def test_the_page_says_which_distribution_was_taken_and_from_whom() -> None:
    assert words(value(1.0, sd=0.2)) == "1 ± 0.2 1/s (normal; someone)"
    assert words(value(1.0, low=0.5, high=2.0)) == "0.5 to 2 1/s (even; someone)"
    assert "on either side of 1" in words(value(1.0, low=0.01, high=2.0))
    assert "most likely 1" in words(value(1.0, low=1.0, high=2.0))


@pytest.mark.parametrize(
    "known",
    [
        value(600.0, low=400.0, high=2000.0),
        value(100.0, low=1.0, high=1e4),
        value(900.0, low=100.0, high=3000.0, percentiles=((5, 100.0), (50, 900.0), (95, 3000.0))),
    ],
    ids=["range", "magnitudes", "percentiles"],
)
def test_what_lies_beyond_what_is_plausible_is_cut_off_and_not_piled_up_at_the_end(known: Value) -> None:
    found = draws(known)
    assert found.max() <= LIMITS.high
    assert np.mean(found > 0.999 * LIMITS.high) < 0.005
    assert found[-1] > 0.99 * LIMITS.high
    assert np.all(np.diff(found) >= 0.0)
