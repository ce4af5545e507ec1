# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a sample of outcomes says: intervals, probabilities with their own uncertainty, where the spread comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

Floats = NDArray[np.float64]

PERCENTS = (5.0, 50.0, 95.0)
"""Percentiles by which a figure is told."""
CHANCE = 0.05
"""Significance beyond which a contribution may well be chance."""
ENOUGH = 0.2
"""Part of an interval's width that coarse members may be off for their correction to be called enough."""
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


UNCHECKED = ("memory", "assumed")
"""Evidence of spreads that nobody has read in a source."""


@dataclass(frozen=True)
class DrawnInput:
    """Something that is drawn: what is known of it in words, and how that was seen (``evidence``)."""

    spread: str
    evidence: str

    @property
    def is_unchecked(self) -> bool:
        """Whether its spread is from memory or assumed."""
        return self.evidence in UNCHECKED


@dataclass(frozen=True)
class Contribution:
    """What one input has to do with a figure.

    ``share`` is the squared rank correlation of Spearman: about the share of the spread that goes back to this input
    where inputs act monotonically and by themselves. ``sign`` says in which direction. ``significance`` is the
    probability of so large a share by chance, with allowance for the number of inputs that were looked at (Benjamini
    and Hochberg).
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
    from scipy.stats import false_discovery_control, spearmanr

    known = np.isfinite(figure)
    if known.sum() < 3 or np.ptp(figure[known]) == 0.0:
        return []
    tests = [spearmanr(values[known], figure[known]) for values in inputs.values()]
    chances = false_discovery_control([one.pvalue for one in tests])
    found = [
        Contribution(name, float(one.statistic**2), int(np.sign(one.statistic)), float(chance))
        for name, one, chance in zip(inputs, tests, chances, strict=True)
    ]
    return sorted(found, key=lambda one: -one.share)


def unchecked_share(origins: Sequence[Contribution], inputs: Mapping[str, DrawnInput]) -> float:
    """Part of what all inputs contribute to a figure that comes from spreads that are from memory or assumed.

    Contributions that may well be chance are left out on both sides.
    """
    meant = [one for one in origins if one.significance < CHANCE]
    total = sum(one.share for one in meant)
    return sum(one.share for one in meant if inputs[one.name].is_unchecked) / total if total > 0.0 else 0.0


@dataclass(frozen=True)
class CorrectionCheck:
    """Whether members on a coarse mesh, moved as a whole, say the same as the same members on the finer one.

    Attributes
    ----------
    members
        How many were run on both.
    error
        Root of the mean square of what is left between both, in the figure's unit.
    width
        Of the interval from 5 to 95 % of all members.
    """

    members: int
    error: float
    width: float

    @property
    def is_enough(self) -> bool:
        """Whether what is left is small beside what the members tell."""
        return self.error <= ENOUGH * self.width


@dataclass(frozen=True, eq=False)
class PlanUncertainty:
    """What is known of one plan.

    Attributes
    ----------
    members, failed
        How many gave a result, and how many did not.
    figures
        Interval of every figure by its key in :data:`~imagio_sim.outcome.comparison.QUANTITIES`.
    covered, margin_kept
        Probabilities that the target is covered, and that the minimal margin is at least 5 mm; None without a target.
    origins
        What the spread comes from, by the figure.
    inputs
        Everything that was drawn, by name.
    unchecked
        Part of the spread that comes from values from memory or assumed, by the figure.
    correction
        By how much the members were moved, because their mesh is coarser than that of the nominal run, by figure.
    checks
        How well that does, where it was tried, by figure.
    sample
        Every figure over the members (``members``,), nan where one has none, in the order of ``numbers``.
    numbers
        Which draws the members are: the same number is the same draw in every plan.
    seconds
        Time that a member took, on average.
    zone
        Where tissue dies in which share of the members.
    """

    plan: str
    members: int
    failed: int
    figures: Mapping[str, Interval]
    covered: Probability | None
    margin_kept: Probability | None
    origins: Mapping[str, Sequence[Contribution]]
    inputs: Mapping[str, DrawnInput]
    unchecked: Mapping[str, float]
    correction: Mapping[str, float]
    checks: Mapping[str, CorrectionCheck]
    sample: Mapping[str, Sequence[float]]
    numbers: Sequence[int]
    seconds: float
    zone: ProbabilityMap

    def data(self) -> dict[str, Any]:
        """All but the map, as plain data."""
        fields = {name: value for name, value in vars(self).items() if name != "zone"}
        return dict(_plain(fields))

    @classmethod
    def of_data(cls, data: Mapping[str, Any], zone: ProbabilityMap) -> PlanUncertainty:
        """The inverse of :meth:`data`, with the map."""
        told = {name: None if data[name] is None else Probability(**data[name]) for name in ("covered", "margin_kept")}
        read: dict[str, Any] = {
            **data,
            **told,
            "figures": {key: Interval(**one) for key, one in data["figures"].items()},
            "origins": {key: [Contribution(**one) for one in found] for key, found in data["origins"].items()},
            "inputs": {name: DrawnInput(**one) for name, one in data["inputs"].items()},
            "checks": {key: CorrectionCheck(**one) for key, one in data["checks"].items()},
            "sample": {key: [np.nan if one is None else one for one in row] for key, row in data["sample"].items()},
        }
        return cls(**read, zone=zone)


@dataclass(frozen=True)
class PlanDifference:
    """Two plans over the draws that both have: ``figures`` of the first less those of the second.

    ``better`` is the probability that the first is better, by figure; draws in which both are equal count half.
    """

    first: str
    second: str
    members: int
    figures: Mapping[str, Interval]
    better: Mapping[str, Probability]

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return dict(_plain(vars(self)))


def plan_difference(
    first: PlanUncertainty, second: PlanUncertainty, better: Mapping[str, int]
) -> PlanDifference | None:
    """Hold two plans against each other, draw by draw.

    Parameters
    ----------
    better
        1 for figures of which more is better, -1 where less is, by key; others are not judged.

    Returns
    -------
    PlanDifference | None
        None where the plans have no draw in common.
    """
    common = [number for number in first.numbers if number in set(second.numbers)]
    if not common:
        return None
    told: dict[str, Interval] = {}
    judged: dict[str, Probability] = {}
    for key in [key for key in first.sample if key in second.sample]:
        less = _of_draws(first, key, common) - _of_draws(second, key, common)
        nominal = [one.figures[key].nominal if key in one.figures else None for one in (first, second)]
        found = interval(list(less), None if None in nominal else nominal[0] - nominal[1])  # type: ignore[operator]
        if found is not None:
            told[key] = found
        if key in better and np.isfinite(less).any():
            judged[key] = _better(better[key] * less[np.isfinite(less)])
    return PlanDifference(first.plan, second.plan, len(common), told, judged)


def _of_draws(plan: PlanUncertainty, key: str, numbers: Sequence[int]) -> Floats:
    by_number = dict(zip(plan.numbers, plan.sample[key], strict=True))
    return np.array([by_number[number] for number in numbers])


def _better(gain: Floats) -> Probability:
    """Probability of a gain above zero; half of the even draws are counted, rounded down, as won."""
    won, even = int((gain > 0.0).sum()), int((gain == 0.0).sum())
    return probability(number < won + even // 2 for number in range(len(gain)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return _plain(asdict(value)) if hasattr(value, "__dataclass_fields__") else value


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
