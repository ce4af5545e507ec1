# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of microwave generators. Powers are those that the generator shows, before the cable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import POWER, Angle, Duration

OutputPower = Annotated[float, POWER.within(0.1, 300.0)]


class MicrowaveProgram(ProgramModel):
    """What all modes share: power [W] for a duration [s].

    ``phase`` [deg], by which the wave comes earlier, says that it oscillates together with the other antennas of the
    stage that have one; antennas without do not know of each other's phase, and their heats add up.
    """

    modality: Literal["microwave"] = "microwave"
    power: OutputPower
    duration: Duration
    phase: Angle | None = None

    @property
    def treatment_time(self) -> float:
        """Time [s] until the power is off for good."""
        return self.duration

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Power [W] from a time [s] after switching on."""
        return (0.0, self.power), (self.duration, 0.0)

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Where it exceeds what the generator gives at most."""
        assert isinstance(device, MicrowaveDevice)
        most = device.generator.max_power.value
        if self.power > most:
            remedy = f"this is the limit of the generator of {device.name}"
            yield fault("power", found=f"{self.power:g} W", allowed=f"at most {most:g} W", remedy=remedy)


class ConstantPower(MicrowaveProgram):
    """Constant power [W]."""

    mode: Literal["constant_power"]


class PulsedPower(MicrowaveProgram):
    """Power [W] switched on for ``on_time`` and off for ``off_time`` [s] in turn."""

    mode: Literal["pulsed"]
    on_time: Duration
    off_time: Duration

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Power [W] from a time [s] after switching on."""
        found, time = [], 0.0
        while time < self.duration:
            found.append((time, self.power))
            if time + self.on_time < self.duration:
                found.append((time + self.on_time, 0.0))
            time += self.on_time + self.off_time
        return (*found, (self.duration, 0.0))

    def faults(self) -> Iterable[Fault]:
        """A pulse fits into the duration."""
        if self.on_time > self.duration:
            yield fault(
                "on_time",
                found=f"{self.on_time:g} s",
                allowed=f"at most the duration, {self.duration:g} s",
                remedy="shorten the pulses or treat for longer",
            )


PROGRAMS = (ConstantPower, PulsedPower)

AnyProgram = Annotated[ConstantPower, Tag("microwave.constant_power")] | Annotated[PulsedPower, Tag("microwave.pulsed")]
