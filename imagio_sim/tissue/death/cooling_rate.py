# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death at a temperature that depends on how fast tissue froze.

Cells that freeze fast cannot lose their water in time: ice forms within them, and they die at a higher temperature
than cells that dry out slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from imagio_sim.tissue.death.held_nadir import share_below
from imagio_sim.tissue.death.model import Array, clipped_level
from imagio_sim.tissue.death.nadir import LEVEL_SCALE


@dataclass(frozen=True)
class CoolingRateNadir:
    """Death from ``threshold_fast`` [degC] down where tissue cooled fast, from ``threshold_slow`` down in any case.

    The rate is the mean one between ``onset`` [degC] and ``threshold_fast``, on the first way down; fast is what
    reaches ``critical_rate`` [K/s].
    """

    name: str
    onset: float
    threshold_fast: float
    threshold_slow: float
    critical_rate: float

    @property
    def state_names(self) -> tuple[str, ...]:
        """The lowest temperature so far and the time between onset and the upper threshold [s]."""
        return ("lowest_temperature", "seconds_cooling")

    @property
    def spans_magnitudes(self) -> bool:
        """Temperature and time do not."""
        return False

    @property
    def resting(self) -> tuple[float, float]:
        """Above the onset of freezing."""
        return self.onset, inf

    def initial(self, n: int) -> Array:
        """Never frozen (2, n)."""
        return np.vstack([np.full(n, self.onset), np.zeros(n)])

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after a step, exact for a temperature linear in time."""
        between = share_below(temperature_start, temperature_end, self.onset)
        between -= share_below(temperature_start, temperature_end, self.threshold_fast)
        on_the_way_down = state[0] > self.threshold_fast
        lowest = np.minimum(state[0], np.minimum(temperature_start, temperature_end))
        return np.vstack([lowest, state[1] + np.where(on_the_way_down, duration * between, 0.0)])

    def cooling_rate(self, state: Array) -> Array:
        """Mean cooling rate [K/s] (n,) from the onset to the lowest temperature or the upper threshold."""
        fall = self.onset - np.maximum(state[0], self.threshold_fast)
        return np.asarray(fall / np.maximum(state[1], np.finfo(float).tiny) * (fall > 0.0))

    def survival(self, state: Array) -> Array:
        """0 where dead, else 1."""
        return np.where(self.level(state) >= 0.0, 0.0, 1.0)

    def level(self, state: Array) -> Array:
        """How far below the slow threshold in tens of kelvin, or below the fast one where the rate is reached."""
        slow = (self.threshold_slow - state[0]) / LEVEL_SCALE
        fast = (self.threshold_fast - state[0]) / LEVEL_SCALE
        excess = self.cooling_rate(state) / self.critical_rate - 1.0
        return clipped_level(np.maximum(slow, np.minimum(fast, excess)))
