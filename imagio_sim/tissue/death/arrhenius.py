# SPDX-License-Identifier: LGPL-3.0-or-later
"""First-order Arrhenius damage: Omega = integral of A exp(-Ea / R T), survival exp(-Omega)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from imagio_sim.tissue.death.gate import gate, gate_range
from imagio_sim.tissue.death.model import Array, clipped_level
from imagio_sim.tissue.death.rate_integral import RateIntegral

GAS_CONSTANT = 8.314462618
"""Molar gas constant [J/(mol K)], CODATA 2018."""

ZERO_CELSIUS = 273.15
"""0 degC in kelvin."""

COLDEST = 0.0
"""Temperature [degC] below which even the ungated law counts nothing; all rates are below 1e-9 1/s there."""


@dataclass(frozen=True)
class Arrhenius:
    """Arrhenius damage.

    Attributes
    ----------
    name
        Name under which results are reported.
    frequency_factor
        A [1/s].
    activation_energy
        Ea [J/mol].
    threshold
        Damage integral that counts as dead.
    gated
        Whether rates vanish below 42 degC (the ungated law is for verification).
    """

    name: str
    frequency_factor: float
    activation_energy: float
    threshold: float
    gated: bool = True

    @property
    def state_names(self) -> tuple[str, ...]:
        """The damage integral."""
        return ("damage_integral",)

    def rate(self, temperature: Array) -> Array:
        """dOmega/dt [1/s] at a temperature [degC]."""
        exponent = -self.activation_energy / (GAS_CONSTANT * (temperature + ZERO_CELSIUS))
        published = np.exp(np.log(self.frequency_factor) + exponent)
        return np.asarray(published * gate(temperature) if self.gated else published)

    @cached_property
    def _integral(self) -> RateIntegral:
        return RateIntegral(self.rate, lowest=self.resting[1])

    @property
    def spans_magnitudes(self) -> bool:
        """The damage integral does."""
        return True

    @property
    def resting(self) -> tuple[float, float]:
        """Below the gate (without it, where nothing counts)."""
        return -inf, gate_range()[0] if self.gated else COLDEST

    def initial(self, n: int) -> Array:
        """No damage (1, n)."""
        return np.zeros((1, n))

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step, exact for a temperature linear in time."""
        return self._integral.accumulate(state[0], temperature_start, temperature_end, duration)[None]

    def survival(self, state: Array) -> Array:
        """exp(-Omega)."""
        return np.asarray(np.exp(-state[0]))

    def level(self, state: Array) -> Array:
        """ln(Omega / threshold)."""
        return clipped_level(np.log(np.maximum(state[0], np.finfo(float).tiny) / self.threshold))
