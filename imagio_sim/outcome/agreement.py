# SPDX-License-Identifier: LGPL-3.0-or-later
"""How well a simulated zone agrees with a measured one, in one case and over a cohort.

Differences are always simulated minus measured: positive where the simulation is larger. The overlap coefficient is
that of Dice 1945, Ecology 26:297; limits of agreement are those of Bland and Altman 1986, Lancet 327:307, their
confidence that of Carkeet 2015, Optom Vis Sci 92:e71 (from the noncentral t distribution, right also for few cases).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.zone import extents_mm

Floats = NDArray[np.float64]

SPACING_MM = 0.6
"""Distance of the points on both surfaces and of the columns by which overlap is measured."""
TAIL = 0.95
"""Share of a surface that lies within the 95 % distance."""
LIMITS = 1.959963984540054
"""Standard deviations to either side within which 95 % of normally distributed differences lie."""


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances [mm] of the points of one surface to another, by the area each point stands for."""

    mean_mm: float
    tail_mm: float
    maximum_mm: float


@dataclass(frozen=True)
class Agreement:
    """A simulated zone against a measured one; distances are None where one of them is empty.

    Attributes
    ----------
    dice
        Twice the shared volume over the sum of both, 0 to 1.
    shared_ml, only_simulated_ml, only_measured_ml
        Volumes.
    to_measured, to_simulated
        Distances from the simulated surface to the measured one, and back.
    mean_distance_mm
        Mean over both surfaces.
    tail_distance_mm, maximum_distance_mm
        The larger of both directions: 95 % distance, and distance of Hausdorff.
    signed_distance_mm
        Mean over both surfaces, positive where the simulated zone reaches further.
    simulated_volume_ml, measured_volume_ml
        Of the closed surfaces.
    simulated_axes_mm, measured_axes_mm
        Extents along the applicator, largest across it, and across at right angles to that.
    centroid_offset_mm
        Distance between the centroids.
    """

    dice: float
    shared_ml: float
    only_simulated_ml: float
    only_measured_ml: float
    to_measured: SurfaceDistances | None
    to_simulated: SurfaceDistances | None
    mean_distance_mm: float | None
    tail_distance_mm: float | None
    maximum_distance_mm: float | None
    signed_distance_mm: float | None
    simulated_volume_ml: float
    measured_volume_ml: float
    simulated_axes_mm: tuple[float, float, float]
    measured_axes_mm: tuple[float, float, float]
    centroid_offset_mm: float | None

    @property
    def volume_error_ml(self) -> float:
        """Simulated minus measured."""
        return self.simulated_volume_ml - self.measured_volume_ml

    @property
    def axis_errors_mm(self) -> tuple[float, float, float]:
        """Simulated minus measured extents."""
        along, across, sideways = (a - b for a, b in zip(self.simulated_axes_mm, self.measured_axes_mm, strict=True))
        return along, across, sideways


def agreement(simulated: Surface, measured: Surface, axis: Floats, *, spacing_mm: float = SPACING_MM) -> Agreement:
    """Hold a simulated zone against a measured one.

    Parameters
    ----------
    simulated, measured
        Closed surfaces in one frame; without triangles for an empty zone.
    axis
        Direction of the applicator (3,).
    """
    volumes = _volumes_ml(simulated, measured, spacing_mm)
    shared, first, second = volumes
    there, back = _distances(simulated, measured, spacing_mm), _distances(measured, simulated, spacing_mm)
    both = None if there is None or back is None else _over_both(there, back)
    return Agreement(
        dice=2.0 * shared / (first + second) if first + second > 0.0 else 1.0,
        shared_ml=shared,
        only_simulated_ml=first - shared,
        only_measured_ml=second - shared,
        to_measured=None if there is None else there.summary,
        to_simulated=None if back is None else back.summary,
        mean_distance_mm=None if both is None else both[0],
        tail_distance_mm=_larger(there, back, "tail_mm"),
        maximum_distance_mm=_larger(there, back, "maximum_mm"),
        signed_distance_mm=None if both is None else both[1],
        simulated_volume_ml=_volume_ml(simulated),
        measured_volume_ml=_volume_ml(measured),
        simulated_axes_mm=_extents(simulated, axis),
        measured_axes_mm=_extents(measured, axis),
        centroid_offset_mm=None
        if both is None
        else float(np.linalg.norm(simulated.centroid_mm - measured.centroid_mm)),
    )


@dataclass(frozen=True, eq=False)
class _Distances:
    """Of points of one surface: distance (n,), whether they lie inside the other (n,), and their area (n,)."""

    distance_mm: Floats
    inside: NDArray[np.bool_]
    areas_mm2: Floats

    @property
    def summary(self) -> SurfaceDistances:
        return SurfaceDistances(
            float(np.average(self.distance_mm, weights=self.areas_mm2)),
            weighted_quantile(self.distance_mm, self.areas_mm2, TAIL),
            float(self.distance_mm.max()),
        )


def _distances(first: Surface, second: Surface, spacing_mm: float) -> _Distances | None:
    if not len(first.triangles) or not len(second.triangles):
        return None
    samples = first.samples(spacing_mm)
    return _Distances(second.distance_mm(samples.points_mm), second.contains(samples.points_mm), samples.weights)


def _over_both(there: _Distances, back: _Distances) -> tuple[float, float]:
    """Mean distance and mean signed distance over both surfaces."""
    areas = np.concatenate([there.areas_mm2, back.areas_mm2])
    distance = np.concatenate([there.distance_mm, back.distance_mm])
    # The simulated zone reaches further where its surface lies outside the measured zone, and where the measured
    # zone's surface lies inside it.
    further = np.concatenate([~there.inside, back.inside])
    return (
        float(np.average(distance, weights=areas)),
        float(np.average(np.where(further, distance, -distance), weights=areas)),
    )


def _larger(there: _Distances | None, back: _Distances | None, name: str) -> float | None:
    if there is None or back is None:
        return None
    return float(max(getattr(there.summary, name), getattr(back.summary, name)))


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Smallest of the values (n,) up to which at least a share of the weights (n,) lies."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(reached, share * reached[-1]), len(values) - 1)])


def _volume_ml(surface: Surface) -> float:
    return surface.volume_mm3 / 1000.0 if len(surface.triangles) else 0.0


def _extents(surface: Surface, axis: Floats) -> tuple[float, float, float]:
    return extents_mm(surface.points_mm, axis) if len(surface.triangles) else (0.0, 0.0, 0.0)


def _volumes_ml(first: Surface, second: Surface, spacing_mm: float) -> tuple[float, float, float]:
    """Volume of both together, of the first and of the second [ml], from the same columns."""
    pieces = [surface.chords(spacing_mm) for surface in (first, second) if len(surface.triangles)]
    if len(pieces) < 2:
        return 0.0, _volume_ml(first), _volume_ml(second)
    (columns, ends), (others, other_ends) = pieces
    place = np.repeat(np.concatenate([columns, others]), 2, axis=0)
    height = np.concatenate([ends.ravel(), other_ends.ravel()])
    step = np.tile([1, -1], len(height) // 2)
    is_first = np.arange(len(height)) < ends.size
    order = np.lexsort((height, place[:, 1], place[:, 0]))
    in_first, in_second = (np.cumsum((step * chosen)[order])[:-1] > 0 for chosen in (is_first, ~is_first))
    # Every column ends outside of both, so that the step to the next column counts for nothing.
    length = np.diff(height[order]) * spacing_mm**2 / 1000.0
    return (
        float(length[in_first & in_second].sum()),
        float(length[in_first].sum()),
        float(length[in_second].sum()),
    )


def signed_margins_mm(points_mm: Floats, zone: Surface) -> Floats:
    """Margins (n,) of points of a target's surface: distance to the zone's surface, positive inside, -inf without."""
    if not len(zone.triangles):
        return np.full(len(points_mm), -np.inf)
    distance = zone.distance_mm(points_mm)
    return np.where(zone.contains(points_mm), distance, -distance)


@dataclass(frozen=True)
class MarginAgreement:
    """How well "the margin is below ``threshold_mm``" is predicted; None where there is nothing to divide by.

    Attributes
    ----------
    count
        Points or cases.
    too_small_share
        Share whose measured margin is below the threshold.
    sensitivity, specificity
        Share of the too small margins that are predicted too small, and of the others that are not.
    area_under_curve
        Probability that a margin that is too small is predicted smaller than one that is not (ROC curve).
    """

    threshold_mm: float
    count: int
    too_small_share: float
    sensitivity: float | None
    specificity: float | None
    area_under_curve: float | None


def margin_agreement(
    simulated_mm: Floats, measured_mm: Floats, weights: Floats, *, threshold_mm: float = 5.0
) -> MarginAgreement:
    """Hold predicted margins (n,) against measured ones (n,), each with its weight (n,)."""
    too_small, said = measured_mm < threshold_mm, simulated_mm < threshold_mm

    def share(hit: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
        whole = float(weights[among].sum())
        return float(weights[hit & among].sum()) / whole if whole > 0.0 else None

    return MarginAgreement(
        threshold_mm,
        len(weights),
        float(weights[too_small].sum() / weights.sum()),
        share(said, too_small),
        share(~said, ~too_small),
        _area_under_curve(-simulated_mm, too_small, weights),
    )


def _area_under_curve(score: Floats, positive: NDArray[np.bool_], weights: Floats) -> float | None:
    """Weighted probability that a positive (n,) scores higher than a negative; ties count half."""
    values, level = np.unique(score, return_inverse=True)
    up = np.bincount(level, weights * positive, len(values))
    down = np.bincount(level, weights * ~positive, len(values))
    pairs = float(up.sum() * down.sum())
    below = np.cumsum(down) - down
    return float((up * (below + 0.5 * down)).sum()) / pairs if pairs > 0.0 else None


@dataclass(frozen=True)
class LimitsOfAgreement:
    """Differences (simulated minus measured) of one quantity over a cohort.

    Attributes
    ----------
    count
        Cases.
    bias, sd
        Mean and standard deviation of the differences.
    low, high
        Limits within which 95 % of the differences are expected.
    bias_interval, low_interval, high_interval
        95 % confidence of each.
    slope, slope_significance
        Of the differences over the means of both, and the probability of so steep a line by chance: whether the error
        grows with the size. None for fewer than three cases or where all are of one size.
    """

    count: int
    bias: float
    sd: float
    low: float
    high: float
    bias_interval: tuple[float, float]
    low_interval: tuple[float, float]
    high_interval: tuple[float, float]
    slope: float | None
    slope_significance: float | None


def limits_of_agreement(simulated: Sequence[float], measured: Sequence[float]) -> LimitsOfAgreement | None:
    """Bias and limits of agreement of pairs; None for fewer than two."""
    first, second = np.asarray(simulated, dtype=float), np.asarray(measured, dtype=float)
    count = len(first)
    if count < 2:
        return None
    difference = first - second
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    near, far = _confidence(count)
    slope, chance = _slope((first + second) / 2.0, difference)
    return LimitsOfAgreement(
        count=count,
        bias=bias,
        sd=sd,
        low=bias - LIMITS * sd,
        high=bias + LIMITS * sd,
        bias_interval=_around(bias, sd, count),
        low_interval=(bias - far * sd, bias - near * sd),
        high_interval=(bias + near * sd, bias + far * sd),
        slope=slope,
        slope_significance=chance,
    )


def _around(mean: float, sd: float, count: int) -> tuple[float, float]:
    from scipy.stats import t

    half = float(t.ppf(0.975, count - 1)) * sd / count**0.5
    return mean - half, mean + half


@cache
def _confidence(count: int) -> tuple[float, float]:
    """Standard deviations from the bias to both ends of the 95 % confidence of a limit."""
    from scipy.stats import nct

    near, far = nct.ppf([0.025, 0.975], count - 1, LIMITS * count**0.5) / count**0.5
    return float(near), float(far)


def _slope(mean: Floats, difference: Floats) -> tuple[float | None, float | None]:
    from scipy.stats import linregress

    if len(mean) < 3 or np.ptp(mean) == 0.0:
        return None, None
    found = linregress(mean, difference)
    return float(found.slope), float(found.pvalue)


@dataclass(frozen=True)
class Spread:
    """A figure over the cases that have it."""

    count: int
    mean: float
    sd: float | None
    median: float
    least: float
    most: float


def spread(values: Sequence[float | None]) -> Spread | None:
    """Mean, standard deviation, median and range; None without any value."""
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return None
    sd = float(known.std(ddof=1)) if len(known) > 1 else None
    return Spread(len(known), float(known.mean()), sd, float(np.median(known)), float(known.min()), float(known.max()))
