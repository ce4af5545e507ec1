# SPDX-License-Identifier: LGPL-3.0-or-later
"""Courses over time of what several sources bring together, as straight lines between known times.

Plasma and what it exchanges with are linear in the drug, so what each source has brought is followed by itself and the
sum is what one plasma would hold that all of them share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TimeCourse:
    """Values (n,) at times (n,) [s] that do not fall; nothing before the first. Two at one time are a jump."""

    times: Floats
    values: Floats

    @classmethod
    def joined(cls, parts: Sequence[tuple[float, Mapping[str, Sequence[float]]]]) -> TimeCourse:
        """Stages in a row: when each begins [s], and its ``time_s`` from there on with its ``value``."""
        times = [begin + np.asarray(part["time_s"], dtype=float) for begin, part in parts]
        return cls(np.concatenate(times), np.concatenate([np.asarray(part["value"], dtype=float) for _, part in parts]))

    def at(self, times: Floats) -> Floats:
        """Values (m,) at times (m,) [s], after a jump; beyond the last it stays."""
        return np.interp(times, self.times, self.values, left=0.0)

    def until(self, times: Floats) -> Floats:
        """Values (m,) at times (m,) [s], before a jump, of which the begin of the course is one."""
        found = np.interp(-times, -self.times[::-1], self.values[::-1])
        return np.where(times > self.times[0], found, 0.0)

    @property
    def peak(self) -> tuple[float, float]:
        """The highest value, and when [s]."""
        highest = int(self.values.argmax())
        return float(self.values[highest]), float(self.times[highest])


def summed(courses: Sequence[TimeCourse]) -> TimeCourse:
    """The sum of courses, exact where each is straight; where one jumps or begins, the sum jumps."""
    times = np.unique(np.concatenate([one.times for one in courses]))
    after = np.sum([one.at(times) for one in courses], axis=0)
    before = np.sum([one.until(times) for one in courses], axis=0)
    jumps = before != after
    jumps[0] = False  # nothing comes before the first
    kept = np.column_stack([jumps, np.ones_like(jumps)])
    return TimeCourse(np.repeat(times, 2)[kept.ravel()], np.column_stack([before, after])[kept])
