# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death at once where a temperature was reached."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from imagio_sim.tissue.death.model import Array, clipped_level

LEVEL_SCALE = 10.0
"""Excess temperature [K] that counts as one in the level function; farther below the threshold, nothing counts."""


@dataclass(frozen=True)
class Isotherm:
    """Death where the highest temperature so far passed ``threshold`` [degC]."""

    name: str
    threshold: float

    @property
    def state_names(self) -> tuple[str, ...]:
        """The highest temperature so far."""
        return ("highest_temperature",)

    @property
    def spans_magnitudes(self) -> bool:
        """A temperature does not."""
        return False

    @property
    def resting(self) -> tuple[float, float]:
        """Where it is much colder than the threshold."""
        return -inf, self.threshold - LEVEL_SCALE

    def initial(self, n: int) -> Array:
        """Never hotter than where it rests (1, n)."""
        return np.full((1, n), self.threshold - LEVEL_SCALE)

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step; its length does not matter."""
        return np.asarray(np.maximum(state, np.maximum(temperature_start, temperature_end)))

    def survival(self, state: Array) -> Array:
        """1 below the threshold, 0 from it on."""
        return np.asarray(np.where(state[0] >= self.threshold, 0.0, 1.0))

    def level(self, state: Array) -> Array:
        """Excess over the threshold in tens of kelvin."""
        return clipped_level((state[0] - self.threshold) / LEVEL_SCALE)
