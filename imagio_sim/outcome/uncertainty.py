# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a sample of outcomes says: intervals, probabilities with their own uncertainty, where the spread comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

Floats = NDArray[np.float64]

PERCENTS = (5.0, 50.0, 95.0)
"""Percentiles by which a figure is told."""
_WHOLE = 1e-3
"""A target of which less than this share survives is fully covered: the mesh knows no better."""


@dataclass(frozen=True)
class Interval:
    """A figure over the members: percentiles 5, 50 and 95, and what it is with nominal constants (None: nothing)."""

    low: float
    median: float
    high: float
    nominal: float | None


@dataclass(frozen=True)
class Probability:
    """A share of the members, and the 95 % confidence interval of Wilson that so few of them allow."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Contribution:
    """What one input has to do with a figure.

    ``share`` is the squared rank correlation of Spearman: about the share of the spread that goes back to this input
    where inputs act monotonically and by themselves. ``sign`` says in which direction, ``significance`` is the
    probability of so large a share by chance.
    """

    name: str
    share: float
    sign: int
    significance: float


def interval(values: Sequence[float], nominal: float | None) -> Interval | None:
    """Percentiles of a figure over the members; None where there is no value at all."""
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return None
    low, median, high = (float(value) for value in np.percentile(finite, PERCENTS))
    return Interval(low, median, high, nominal)


def probability(happened: Iterable[bool]) -> Probability:
    """Share of the members in which something happened."""
    from scipy.stats import binomtest

    found = list(happened)
    test = binomtest(sum(found), len(found)).proportion_ci(0.95, method="wilson")
    return Probability(sum(found) / len(found), float(test.low), float(test.high))


def is_covered(coverage: float) -> bool:
    """Whether a target is covered as far as a mesh can tell."""
    return coverage >= 1.0 - _WHOLE


def contributions(inputs: Mapping[str, Floats], figure: Floats) -> list[Contribution]:
    """Which inputs (n,) a figure (n,) follows, the strongest first; members without the figure are left out."""
    from scipy.stats import spearmanr

    known = np.isfinite(figure)
    if known.sum() < 3 or np.ptp(figure[known]) == 0.0:
        return []
    found = []
    for name, values in inputs.items():
        correlation, chance = spearmanr(values[known], figure[known])
        found.append(Contribution(name, float(correlation**2), int(np.sign(correlation)), float(chance)))
    return sorted(found, key=lambda one: -one.share)


@dataclass(frozen=True, eq=False)
class ProbabilityMap:
    """Share of the members (i, j, k) in which a voxel is dead, and where the voxels lie."""

    share: Floats
    grid: Grid


def probability_map(zones: Sequence[tuple[NDArray[np.bool_], Grid]]) -> ProbabilityMap:
    """Overlay of zones on grids that are parts of one lattice along the patient's axes."""
    spacing = zones[0][1].spacing_mm
    firsts = [np.round(grid.affine[:3, 3] / spacing).astype(int) for _, grid in zones]
    low = np.min(firsts, axis=0)
    high = np.max([first + grid.shape for first, (_, grid) in zip(firsts, zones, strict=True)], axis=0)
    count = np.zeros(tuple(high - low))
    for first, (zone, _) in zip(firsts, zones, strict=True):
        part = tuple(slice(a, a + n) for a, n in zip(first - low, zone.shape, strict=True))
        count[part] += zone
    affine = zones[0][1].affine.copy()
    affine[:3, 3] = low * spacing
    shape = (int(count.shape[0]), int(count.shape[1]), int(count.shape[2]))
    return ProbabilityMap(count / len(zones), Grid(shape, affine))
