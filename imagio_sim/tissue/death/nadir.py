# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death at once where tissue was cold enough."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from imagio_sim.tissue.death.model import Array, clipped_level

LEVEL_SCALE = 10.0
"""Temperature [K] below the threshold that counts as one in the level function; farther above it, nothing counts."""


@dataclass(frozen=True)
class Nadir:
    """Death where the lowest temperature so far reached ``threshold`` [degC]."""

    name: str
    threshold: float

    @property
    def state_names(self) -> tuple[str, ...]:
        """The lowest temperature so far."""
        return ("lowest_temperature",)

    @property
    def spans_magnitudes(self) -> bool:
        """A temperature does not."""
        return False

    @property
    def resting(self) -> tuple[float, float]:
        """Where it is much warmer than the threshold."""
        return self.threshold + LEVEL_SCALE, inf

    def initial(self, n: int) -> Array:
        """Never colder than where it rests (1, n)."""
        return np.full((1, n), self.threshold + LEVEL_SCALE)

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step; its length does not matter."""
        return np.asarray(np.minimum(state, np.minimum(temperature_start, temperature_end)))

    def survival(self, state: Array) -> Array:
        """1 above the threshold, 0 from it down."""
        return np.asarray(np.where(state[0] <= self.threshold, 0.0, 1.0))

    def level(self, state: Array) -> Array:
        """How far below the threshold, in tens of kelvin."""
        return clipped_level((self.threshold - state[0]) / LEVEL_SCALE)
