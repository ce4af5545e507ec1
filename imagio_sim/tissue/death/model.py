# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every model of cell death offers, whatever kills."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

LEVEL_LIMIT = 30.0
"""Level functions are clipped to plus and minus this, so that untouched tissue is finite."""


class DeathModel(Protocol):
    """A law of cell death, evaluated node by node.

    The state is an array (len(state_names), n); a row has a name, so that it can be stored and restored.
    Nothing changes a state in place: a rejected time step is undone by keeping the old one.
    """

    @property
    def name(self) -> str:
        """Name under which results are reported."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """What the rows of the state are."""

    @property
    def spans_magnitudes(self) -> bool:
        """Whether the state is an integral that varies by orders of magnitude from one node to the next.

        The logarithm of such a state is what is interpolated in space.
        """

    @property
    def resting(self) -> tuple[float, float]:
        """Range of temperature [degC] that changes nothing: a step within it need not be shown to the model."""

    def initial(self, n: int) -> Array:
        """State (len(state_names), n) of untreated tissue."""

    def advance(self, state: Array, temperature_start: Array, temperature_end: Array, duration: float) -> Array:
        """State after ``duration`` [s] during which temperature [degC] (n,) changed linearly in time.

        A step is as exact as its linear temperature, however long it is.
        """

    def survival(self, state: Array) -> Array:
        """Surviving fraction (n,) in [0, 1]."""

    def level(self, state: Array) -> Array:
        """Smooth dimensionless function (n,), positive where dead, zero on the threshold; within +-30."""


def dead_fraction(model: DeathModel, state: Array) -> Array:
    """1 - survival (n,): what stops perfusion."""
    return np.asarray(1.0 - model.survival(state))


def clipped_level(level: Array | np.floating[Any]) -> Array:
    """Clip a level function to +-:data:`LEVEL_LIMIT`."""
    return np.clip(level, -LEVEL_LIMIT, LEVEL_LIMIT)
