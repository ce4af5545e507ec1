# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death where tissue was cold enough for long enough."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from imagio_sim.tissue.death.model import Array, clipped_level
from imagio_sim.tissue.death.nadir import LEVEL_SCALE


@dataclass(frozen=True)
class HeldNadir:
    """Death where the temperature was below ``threshold`` [degC] for ``hold_time`` [s] in all.

    Several freezes add up.
    """

    name: str
    threshold: float
    hold_time: float

    @property
    def state_names(self) -> tuple[str, ...]:
        """The lowest temperature so far and the time below the threshold [s]."""
        return ("lowest_temperature", "seconds_below")

    @property
    def spans_magnitudes(self) -> bool:
        """Temperature and time do not."""
        return False

    @property
    def resting(self) -> tuple[float, float]:
        """Where it is much warmer than the threshold."""
        return self.threshold + LEVEL_SCALE, inf

    def initial(self, n: int) -> Array:
        """Never cold (2, n)."""
        return np.vstack([np.full(n, self.threshold + LEVEL_SCALE), np.zeros(n)])

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step, exact for a temperature linear in time."""
        lowest = np.minimum(state[0], np.minimum(temperature_start, temperature_end))
        share = share_below(temperature_start, temperature_end, self.threshold)
        return np.vstack([lowest, state[1] + duration * share])

    def survival(self, state: Array) -> Array:
        """1 until the time is reached, then 0."""
        return np.asarray(np.where(state[1] >= self.hold_time, 0.0, 1.0))

    def level(self, state: Array) -> Array:
        """Time below the threshold beyond the hold time, as a share of it; -1 and less where it was never so cold.

        Beyond one it does not grow, so that the neighbours of tissue that was never cold do not outweigh it.
        """
        held = np.minimum(state[1] / self.hold_time - 1.0, 1.0)
        return clipped_level(held + np.minimum((self.threshold - state[0]) / LEVEL_SCALE, 0.0))


def share_below(start: Array, end: Array, threshold: float) -> Array:
    """Share (n,) of a linear change of temperature [degC] that lies below ``threshold``."""
    change = np.abs(end - start)
    still = change == 0.0
    depth = np.clip(threshold - np.minimum(start, end), 0.0, change)
    return np.where(still, (start < threshold).astype(float), depth / np.where(still, 1.0, change))
