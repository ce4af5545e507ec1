# SPDX-License-Identifier: LGPL-3.0-or-later
"""From what is known of a number (a standard deviation, percentiles, a range) to its value at a share of the draws."""

from __future__ import annotations

import math

import numpy as np

from imagio_sim.tissue.value import Value
from imagio_sim.units import QuantityKind

WIDE = 10.0
"""A range whose ends differ by more than this factor is one of magnitudes: even draws would lie near its upper end."""


def has_spread(value: Value) -> bool:
    """Whether a number can be another than the one stated."""
    if value.sd is not None:
        return value.sd > 0.0
    return value.low is not None and value.high is not None and value.high > value.low


def quantile(value: Value, share: float, limits: QuantityKind) -> float:
    """The value at a share in (0, 1) of the distribution.

    Published percentiles are joined by straight lines and end with the outermost. A standard deviation stands for a
    normal distribution, cut off at the range that is stated beside it, or else at ``limits``. In a range every value is
    as likely; where the value stated is one of its ends, the likelihood falls evenly from there to the other end. In a
    range of magnitudes half of the draws lie below the value stated and half above, and all of this is said of
    logarithms. What would lie beyond ``limits`` is cut off, and the rest as likely among itself as stated.
    """
    if value.sd is not None and not value.percentiles:
        return _cut_normal(value, share, limits)
    low, high = _share_at(value, limits.low), _share_at(value, limits.high)
    found = _stated(value, low + share * (high - low))
    return min(max(found, limits.low), limits.high)  # rounding


def _share_at(value: Value, limit: float) -> float:
    """Share of the distribution as stated that lies below a limit."""
    from scipy.optimize import brentq

    if _stated(value, 0.0) >= limit:
        return 0.0
    if _stated(value, 1.0) <= limit:
        return 1.0
    return float(brentq(lambda share: _stated(value, share) - limit, 0.0, 1.0))


def _stated(value: Value, share: float) -> float:
    """The value at a share of percentiles or a range, wherever it lies."""
    if value.percentiles:
        percents, values = zip(*sorted(value.percentiles), strict=True)
        return float(np.interp(100.0 * share, percents, values))
    assert value.low is not None
    assert value.high is not None
    if _is_wide(value):
        low, middle, high = (math.log(number) for number in (value.low, value.value, value.high))
        is_inside = low < middle < high
        return math.exp(
            np.interp(share, (0.0, 0.5, 1.0), (low, middle, high)) if is_inside else _falling(low, middle, high, share)
        )
    return _falling(value.low, value.value, value.high, share)


def _falling(low: float, middle: float, high: float, share: float) -> float:
    """Even between two ends, or falling from the one of them that is the value stated."""
    if low < middle < high:
        return low + share * (high - low)
    way = 1.0 - math.sqrt(1.0 - share) if middle == low else math.sqrt(share)
    return low + way * (high - low)


def words(value: Value) -> str:
    """The distribution and its source."""
    unit = f" {value.unit}" if value.unit != "1" else ""
    if value.percentiles:
        told = ", ".join(f"{percent:g} %: {number:g}" for percent, number in sorted(value.percentiles))
        return f"{told}{unit} (percentiles; {value.source})"
    if value.sd is not None:
        return f"{value.value:g} ± {value.sd:g}{unit} (normal; {value.source})"
    at_an_end = value.value in (value.low, value.high)
    shape = f"most likely {value.value:g}" if at_an_end else "even"
    if _is_wide(value):
        shape += " in its logarithm" if at_an_end else f" in its logarithm on either side of {value.value:g}"
    return f"{value.low:g} to {value.high:g}{unit} ({shape}; {value.source})"


def _is_wide(value: Value) -> bool:
    return value.low is not None and value.high is not None and 0.0 < WIDE * value.low < value.high


def _cut_normal(value: Value, share: float, limits: QuantityKind) -> float:
    from scipy.stats import truncnorm

    assert value.sd is not None
    low = limits.low if value.low is None else max(value.low, limits.low)
    high = limits.high if value.high is None else min(value.high, limits.high)
    ends = [(end - value.value) / value.sd for end in (low, high)]
    return float(truncnorm.ppf(share, *ends, loc=value.value, scale=value.sd))
