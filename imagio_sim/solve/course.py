# SPDX-License-Identifier: LGPL-3.0-or-later
"""A number over time as straight lines between the times at which it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# What is left out lies this close to the lines, relative to the largest value.
_CLOSE = 1e-3


@dataclass
class Course:
    """Values at rising times [s]."""

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, time: float, value: float) -> None:
        """Go on to a time."""
        self.times.append(float(time))
        self.values.append(float(value))

    def thinned(self) -> dict[str, list[float]]:
        """As few of its points as tell it to a thousandth of its largest value."""
        kept = _needed(np.array(self.times), np.array(self.values))
        return {"time_s": [self.times[n] for n in kept], "value": [self.values[n] for n in kept]}

    def state(self) -> dict[str, list[float]]:
        """Everything, as plain data."""
        return {"times": list(self.times), "values": list(self.values)}

    @classmethod
    def restored(cls, state: Mapping[str, Sequence[float]]) -> Course:
        """What :meth:`state` gave."""
        return cls(list(state["times"]), list(state["values"]))


def _needed(times: NDArray[np.float64], values: NDArray[np.float64]) -> list[int]:
    """Numbers of the points that straight lines have to pass (Ramer 1972; Douglas and Peucker 1973)."""
    if len(times) < 3:
        return list(range(len(times)))
    close, kept, open_ = _CLOSE * float(np.abs(values).max()), {0, len(times) - 1}, [(0, len(times) - 1)]
    while open_:
        first, last = open_.pop()
        inner = slice(first + 1, last)
        if last - first < 2:
            continue
        line = np.interp(times[inner], times[[first, last]], values[[first, last]])
        off = np.abs(values[inner] - line)
        farthest = int(off.argmax())
        if off[farthest] > close:
            middle = first + 1 + farthest
            kept.add(middle)
            open_ += [(first, middle), (middle, last)]
    return sorted(kept)
