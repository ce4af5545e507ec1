# SPDX-License-Identifier: LGPL-3.0-or-later
"""What measured lengths say of parameters, of an offset that all cases share, and of scatter: Bayes' rule on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.agreement.parameters import PERCENTS
from imagio_sim.campaign.uncertainty.inputs import Floats
from imagio_sim.outcome.agreement import weighted_quantile

_SCATTERS_MM = np.geomspace(0.1, 3.0, 5)
_OFFSETS = np.linspace(-3.0, 3.0, 21)
"""Offsets in standard deviations of what is known of them beforehand."""
_LEAST_LIKELIHOOD = 1e-300


@dataclass(frozen=True)
class Estimate:
    """A parameter of one case: percentiles 5, 50 and 95, and how much of the interval beforehand is left (1: all)."""

    low: float
    median: float
    high: float
    width_left: float


@dataclass(frozen=True, eq=False)
class Learnt:
    """How likely every case makes offset and scatters, at every point of the parameters' spread.

    Attributes
    ----------
    predicted, measured
        Lengths (cases, members, 3) and (cases, 3).
    grid
        Offset, radial scatter and scatter of single lengths [mm] (g, 3).
    prior
        Logarithm of what is known of them beforehand (g,).
    likelihood
        Relative to the case's best (cases, members, g); in single precision, for it is by far the largest.
    alone
        Logarithm of the mean over the members, by each case (cases, g).
    """

    predicted: Floats
    measured: Floats
    grid: Floats
    prior: Floats
    likelihood: NDArray[np.float32]
    alone: Floats

    @classmethod
    def from_cases(cls, predicted: Floats, measured: Floats, offset_sd_mm: float, error_mm: float) -> Learnt:
        """From lengths as predicted at the members, and as measured; what the offset and the prediction may be off."""
        offset, radial, single = np.meshgrid(_OFFSETS * offset_sd_mm, _SCATTERS_MM, _SCATTERS_MM, indexing="ij")
        grid = np.column_stack([offset.ravel(), radial.ravel(), single.ravel()])
        prior = -0.5 * (grid[:, 0] / offset_sd_mm) ** 2
        likelihood = np.empty((*predicted.shape[:2], len(grid)), dtype=np.float32)
        alone = np.empty((len(predicted), len(grid)))
        for number, (one, other) in enumerate(zip(measured, predicted, strict=True)):
            logarithm = _log_likelihood(one - other, grid, error_mm)
            relative = np.exp(logarithm - logarithm.max())
            likelihood[number] = relative
            alone[number] = np.log(np.maximum(relative.mean(axis=0), _LEAST_LIKELIHOOD))
        return cls(predicted, measured, grid, prior, likelihood, alone)

    def weights(self, *without: int) -> Floats:
        """Probability of offset and scatters (g,) by all cases but these."""
        from scipy.special import softmax

        return np.asarray(softmax(self.prior + np.delete(self.alone, without, axis=0).sum(axis=0)))

    def of_case(self, number: int, *without: int) -> Floats:
        """Weights (members,) of the points of the spread by the case's own zone and all other cases but these."""
        weights = self.likelihood[number] @ self.weights(number, *without)
        return np.asarray(weights / weights.sum())


def _log_likelihood(difference: Floats, grid: Floats, error_mm: float) -> Floats:
    """Of measured minus predicted lengths (members, 3), up to a constant (members, g).

    The lengths are diameters: a radial offset counts twice in each, and a radial scatter is common to all three.
    """
    count = difference.shape[1]
    offset, common = 2.0 * grid[:, 0], 4.0 * grid[:, 1] ** 2
    single = grid[:, 2] ** 2 + error_mm**2
    total = difference.sum(axis=1)[:, None] - count * offset
    squares = (difference**2).sum(axis=1)[:, None] - 2.0 * offset * difference.sum(axis=1)[:, None] + count * offset**2
    quadratic = (squares - common / (single + count * common) * total**2) / single
    return np.asarray(-0.5 * (quadratic + (count - 1) * np.log(single) + np.log(single + count * common)))


def estimate(values: Floats, weights: Floats) -> Estimate:
    """What weights (members,) make of the values (members,) of a parameter."""
    low, median, high = (weighted_quantile(values, weights, percent / 100.0) for percent in PERCENTS)
    before = np.percentile(values, PERCENTS)
    return Estimate(low, median, high, (high - low) / float(before[2] - before[0]))
