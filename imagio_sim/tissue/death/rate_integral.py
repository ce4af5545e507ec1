# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exact integration of a rate that depends on temperature alone, over a linear change of temperature.

With F the antiderivative of the rate over temperature, a step of length t from T0 to T1 adds
t (F(T1) - F(T0)) / (T1 - T0). F is tabulated once, with the rate as its slope (cubic Hermite).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imagio_sim.tissue.blockwise import blocks
from imagio_sim.tissue.death.model import Array

HIGHEST = 150.0
"""Temperature [degC] above which a rate stays at its value there; everything is dead long before."""

SPACING = 0.05
"""Distance [K] of the table's knots; divides 1 K, so that kinks of rates at whole degrees fall on knots."""

STILL = 1e-4
"""Change of temperature [K] below which the rate midway stands for the mean."""


class RateIntegral:
    """Mean rate over a linear change of temperature.

    Parameters
    ----------
    rate
        Rate [1/s] as a function of temperature [degC]; smooth between whole degrees.
    lowest
        Temperature [degC], a whole number, below which the rate is zero.
    """

    def __init__(self, rate: Callable[[Array], Array], *, lowest: float) -> None:
        self.lowest = lowest
        count = round((HIGHEST - lowest) / SPACING)
        knots = lowest + SPACING * np.arange(count + 1)
        integral = np.concatenate([[0.0], np.cumsum(_cell_integrals(rate, knots))])
        slope = rate(knots) * SPACING
        self._integral, self._slope = integral, slope
        rise = np.diff(integral)
        self._square = 3.0 * rise - 2.0 * slope[:-1] - slope[1:]
        self._cube = slope[:-1] + slope[1:] - 2.0 * rise
        self._rate = rate

    def mean_rate(self, start: Array, end: Array) -> Array:
        """Mean rate [1/s] (n,) while temperature [degC] goes linearly from ``start`` to ``end``."""
        change = end - start
        still = np.abs(change) < STILL
        change[still] = 1.0
        mean = self._antiderivative(end)
        mean -= self._antiderivative(start)
        mean /= change
        if still.any():
            mean[still] = self._rate_at(0.5 * (start[still] + end[still]))
        return mean

    def accumulate(self, total: Array, start: Array, end: Array, duration: float) -> Array:
        """``total`` (n,) plus the rate's integral over a step of ``duration`` [s]; cheap where it is cold."""
        warm = np.flatnonzero(np.maximum(start, end) > self.lowest)
        result = total.copy()
        for block in blocks(warm):
            result[block] += duration * self.mean_rate(start[block], end[block])
        return result

    def _antiderivative(self, temperature: Array) -> Array:
        """Integral of the rate over temperature [K/s], from ``lowest`` to ``temperature`` [degC]."""
        position = np.clip(temperature, self.lowest, HIGHEST)
        position -= self.lowest
        position *= 1.0 / SPACING
        cell = position.astype(np.intp)
        np.minimum(cell, self._cube.size - 1, out=cell)
        position -= cell
        result = self._cube.take(cell)
        for coefficient in (self._square, self._slope, self._integral):
            result *= position
            result += coefficient.take(cell)
        beyond = np.maximum(temperature - HIGHEST, 0.0)
        beyond *= self._slope[-1] / SPACING
        result += beyond
        return result

    def _rate_at(self, temperature: Array) -> Array:
        """Rate [1/s] at temperatures [degC]."""
        rate = self._rate(np.clip(temperature, self.lowest, HIGHEST))
        return np.asarray(np.where(temperature < self.lowest, 0.0, rate))


def _cell_integrals(rate: Callable[[Array], Array], knots: Array) -> Array:
    """Integral of the rate over every cell of the table [K/s], by five-point Gauss quadrature."""
    points, weights = np.polynomial.legendre.leggauss(5)
    middle = 0.5 * (knots[1:] + knots[:-1])
    values = rate(middle[:, None] + 0.5 * SPACING * points)
    return np.asarray(0.5 * SPACING * (values @ weights))
