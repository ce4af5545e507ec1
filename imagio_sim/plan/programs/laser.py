# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of lasers; powers are those of the laser, of which the applicator loses a part."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.laser import LaserDevice
from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import POWER, Duration

LaserPower = Annotated[float, POWER.within(0.1, 100.0, "12 W")]


class LaserProgram(ProgramModel):
    """What all modes share: a power [W], for a time, then ``cooling_phase`` without."""

    modality: Literal["laser"] = "laser"
    power: LaserPower
    duration: Duration

    @property
    def treatment_time(self) -> float:
        """Time [s] until the laser is off for good."""
        return self.duration

    @property
    def pulses(self) -> tuple[tuple[float, float], ...]:
        """Begin and end [s] of every time the laser is on, from the start of the program."""
        return ((0.0, self.duration),)

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Where it exceeds what the laser gives at most."""
        assert isinstance(device, LaserDevice)
        most = device.laser.max_power.value
        if self.power > most:
            remedy = f"this is the limit of the laser of {device.name}"
            yield fault("power", found=f"{self.power:g} W", allowed=f"at most {most:g} W", remedy=remedy)


class ConstantPower(LaserProgram):
    """Constant power [W]."""

    mode: Literal["constant_power"]


class Pulsed(LaserProgram):
    """The laser is on for ``on_time`` and off for ``off_time`` [s] in turn, until ``duration`` is over."""

    mode: Literal["pulsed"]
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


PROGRAMS = (ConstantPower, Pulsed)

AnyProgram = Annotated[ConstantPower, Tag("laser.constant_power")] | Annotated[Pulsed, Tag("laser.pulsed")]
