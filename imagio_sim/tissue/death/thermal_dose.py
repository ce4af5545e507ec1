# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cumulative equivalent minutes at 43 degC (CEM43)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from imagio_sim.tissue.death.gate import gate, gate_range
from imagio_sim.tissue.death.model import Array, clipped_level
from imagio_sim.tissue.death.rate_integral import RateIntegral

REFERENCE = 43.0
"""Temperature [degC] at which a minute counts as a minute."""


@dataclass(frozen=True)
class ThermalDose:
    """Thermal dose by one convention.

    Attributes
    ----------
    name
        Name under which results are reported.
    factor_above, factor_below
        R in R^(43 - T), from 43 degC up and below.
    lowest
        Temperature [degC] below which nothing counts.
    highest
        Temperature [degC] above which a minute counts no more than there.
    threshold
        Dose [min] that counts as dead.
    gated
        Whether rates vanish below 42 degC (the ungated law is for verification).
    """

    name: str
    factor_above: float
    factor_below: float
    lowest: float
    highest: float
    threshold: float
    gated: bool = True

    @property
    def state_names(self) -> tuple[str, ...]:
        """The dose."""
        return ("thermal_dose_min",)

    def rate(self, temperature: Array) -> Array:
        """Dose rate [min/s] at a temperature [degC]."""
        capped = np.minimum(temperature, self.highest)
        factor = np.where(capped < REFERENCE, self.factor_below, self.factor_above)
        published = np.where(temperature < self.lowest, 0.0, factor ** (REFERENCE - capped) / 60.0)
        return np.asarray(published * gate(temperature) if self.gated else published)

    @cached_property
    def _integral(self) -> RateIntegral:
        return RateIntegral(self.rate, lowest=self.resting[1])

    @property
    def spans_magnitudes(self) -> bool:
        """The dose does."""
        return True

    @property
    def resting(self) -> tuple[float, float]:
        """Below the gate (without it, where nothing counts)."""
        return -inf, gate_range()[0] if self.gated else self.lowest

    def initial(self, n: int) -> Array:
        """No dose (1, n)."""
        return np.zeros((1, n))

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step, exact for a temperature linear in time."""
        return self._integral.accumulate(state[0], temperature_start, temperature_end, duration)[None]

    def survival(self, state: Array) -> Array:
        """exp(-dose / threshold): the threshold plays the part of Omega = 1."""
        return np.asarray(np.exp(-state[0] / self.threshold))

    def level(self, state: Array) -> Array:
        """ln(dose / threshold)."""
        return clipped_level(np.log(np.maximum(state[0], np.finfo(float).tiny) / self.threshold))
