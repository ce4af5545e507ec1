# SPDX-License-Identifier: LGPL-3.0-or-later
"""Three states of a heated cell: alive, vulnerable and dead (O'Neill et al. 2011).

With A alive, D dead and V = 1 - A - D vulnerable: dA/dt = -k (1 - A) A + b V and dD/dt = k (1 - A) V, where
k = f exp(T / T_k) (T in degC) and b is constant. The gate multiplies both k and b, which is the same as letting time
run at the gate's pace: the law is integrated over that time, by a classical Runge-Kutta scheme in steps of its
own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from imagio_sim.tissue.blockwise import blocks
from imagio_sim.tissue.death.gate import gate_range, open_time
from imagio_sim.tissue.death.model import Array, clipped_level
from imagio_sim.tissue.death.rate_integral import HIGHEST

STEP = 0.25
"""Largest product of rate and substep; the scheme's error is then below 1e-5."""


@dataclass(frozen=True)
class ThreeState:
    """Three-state cell death.

    Attributes
    ----------
    name
        Name under which results are reported.
    forward_rate, backward_rate
        f and b [1/s].
    temperature_scale
        T_k [degC].
    initially_alive
        A of untreated tissue, 0.99: what is missing is vulnerable, not dead, and counts as surviving.
    threshold
        Dead fraction that counts as dead.
    gated
        Whether rates vanish below 42 degC (the ungated law is for verification).
    """

    name: str
    forward_rate: float
    backward_rate: float
    temperature_scale: float
    initially_alive: float
    threshold: float
    gated: bool = True

    @property
    def state_names(self) -> tuple[str, ...]:
        """Alive and dead fractions."""
        return ("alive", "dead")

    @property
    def spans_magnitudes(self) -> bool:
        """Fractions do not."""
        return False

    @property
    def resting(self) -> tuple[float, float]:
        """Below the gate (without it, nowhere)."""
        return -inf, gate_range()[0] if self.gated else -inf

    def initial(self, n: int) -> Array:
        """Untreated tissue (2, n)."""
        return np.vstack([np.full(n, self.initially_alive), np.zeros(n)])

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step in which temperature is linear in time; substeps where the rates need them."""
        result = state.copy()
        warm = np.flatnonzero(np.maximum(temperature_start, temperature_end) > self.resting[1])
        for block in blocks(warm):
            ramp = self._ramp(temperature_start[block], temperature_end[block], duration)
            result[:, block] = self._advance_block(state[:, block], *ramp)
        return result

    def _ramp(self, start: Array, end: Array, duration: float) -> tuple[Array, Array, Array]:
        """Temperatures [degC] at both ends of the time that counts, and that time [s]."""
        if not self.gated:
            return start, end, np.full(start.shape, duration)
        # A linear rise through the gate counts as much as the time spent above its middle.
        floor = np.minimum(np.maximum(start, end), 0.5 * sum(gate_range()))
        return np.maximum(start, floor), np.maximum(end, floor), open_time(start, end, duration)

    def _advance_block(self, state: Array, start: Array, end: Array, duration: Array) -> Array:
        start, end = np.minimum(start, HIGHEST), np.minimum(end, HIGHEST)
        rate = self.forward_rate * np.exp(start / self.temperature_scale)
        fastest = max(float(rate.max()), self.forward_rate * float(np.exp(end.max() / self.temperature_scale)))
        substeps = max(1, int(np.ceil(float(duration.max()) * (fastest + self.backward_rate) / STEP)))
        growth = np.exp((end - start) / (self.temperature_scale * 2 * substeps))
        step = duration / substeps
        injured, dead = 1.0 - state[0], state[1].copy()
        for _ in range(substeps):
            rate_middle = rate * growth
            rate_end = rate_middle * growth
            injured, dead = self._runge_kutta(injured, dead, (rate, rate_middle, rate_end), step)
            rate = rate_end
        return np.vstack([1.0 - injured, dead])

    def _runge_kutta(
        self, injured: Array, dead: Array, rates: tuple[Array, Array, Array], step: Array
    ) -> tuple[Array, Array]:
        """One step of the classical fourth-order scheme for injured = 1 - A and dead = D."""
        first, middle, last = rates
        injured_1, dead_1 = self._slopes(injured, dead, first)
        injured_2, dead_2 = self._slopes(injured + 0.5 * step * injured_1, dead + 0.5 * step * dead_1, middle)
        injured_3, dead_3 = self._slopes(injured + 0.5 * step * injured_2, dead + 0.5 * step * dead_2, middle)
        injured_4, dead_4 = self._slopes(injured + step * injured_3, dead + step * dead_3, last)
        sixth = step / 6.0
        return (
            injured + sixth * (injured_1 + 2.0 * (injured_2 + injured_3) + injured_4),
            dead + sixth * (dead_1 + 2.0 * (dead_2 + dead_3) + dead_4),
        )

    def _slopes(self, injured: Array, dead: Array, rate: Array) -> tuple[Array, Array]:
        pressure = rate * injured
        vulnerable = injured - dead
        return pressure * (1.0 - injured) - self.backward_rate * vulnerable, pressure * vulnerable

    def survival(self, state: Array) -> Array:
        """1 - D: vulnerable cells can recover and count as surviving."""
        return np.asarray(np.clip(1.0 - state[1], 0.0, 1.0))

    def level(self, state: Array) -> Array:
        """logit(D) - logit(threshold)."""
        tiny = np.finfo(float).tiny
        dead = np.log(np.maximum(state[1], tiny)) - np.log(np.maximum(1.0 - state[1], tiny))
        return clipped_level(dead - np.log(self.threshold / (1.0 - self.threshold)))
