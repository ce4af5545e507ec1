# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs that say how much power for how long, at once or in pulses, whatever makes the power."""

from __future__ import annotations

import math
from collections.abc import Iterable

from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import Duration, Power


class PowerProgram(ProgramModel):
    """A power [W] for a time [s], then ``cooling_phase`` without."""

    power: Power
    duration: Duration

    @property
    def treatment_time(self) -> float:
        """Time [s] until the power is off for good."""
        return self.duration

    @property
    def pulses(self) -> tuple[tuple[float, float], ...]:
        """Begin and end [s] of every time the power is on, from the start of the program."""
        return ((0.0, self.duration),)

    def power_faults(self, most: float, giver: str) -> Iterable[Fault]:
        """More power than the ``most`` [W] that a ``giver`` gives."""
        if self.power > most:
            remedy = f"this is the limit of {giver}"
            yield fault("power", found=f"{self.power:g} W", allowed=f"at most {most:g} W", remedy=remedy)


class PulsedPower(PowerProgram):
    """The power is on for ``on_time`` and off for ``off_time`` [s] in turn, until ``duration`` is over."""

    on_time: Duration
    off_time: Duration

    @property
    def pulses(self) -> tuple[tuple[float, float], ...]:
        """Begin and end [s] of every pulse; the last is cut where the program ends."""
        period = self.on_time + self.off_time
        begins = [number * period for number in range(math.ceil(self.duration / period))]
        return tuple((begin, min(begin + self.on_time, self.duration)) for begin in begins)

    def faults(self) -> Iterable[Fault]:
        """At least one whole pulse."""
        if self.on_time > self.duration:
            yield fault(
                "on_time",
                found=f"{self.on_time:g} s",
                allowed=f"at most the duration, {self.duration:g} s",
                remedy="shorten the pulses or lengthen the program",
            )
