# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of microwave generators. Powers are those that the generator shows, before the cable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.plan.model import Fault
from imagio_sim.plan.programs.power import PowerProgram, PulsedPower
from imagio_sim.units import POWER, Angle

OutputPower = Annotated[float, POWER.within(0.1, 300.0)]


class MicrowaveProgram(PowerProgram):
    """What all modes share.

    ``phase`` [deg], by which the wave comes earlier, says that it oscillates together with the other antennas of the
    stage that have one; antennas without do not know of each other's phase, and their heats add up.
    """

    modality: Literal["microwave"] = "microwave"
    power: OutputPower
    phase: Angle | None = None

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Power [W] from a time [s] after switching on."""
        return tuple(step for begin, end in self.pulses for step in ((begin, self.power), (end, 0.0)))

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Where it exceeds what the generator gives at most."""
        assert isinstance(device, MicrowaveDevice)
        yield from self.power_faults(device.generator.max_power.value, f"the generator of {device.name}")


class ConstantPower(MicrowaveProgram):
    """Constant power [W]."""

    mode: Literal["constant_power"]


class Pulsed(MicrowaveProgram, PulsedPower):
    """The generator is on and off in turn."""

    mode: Literal["pulsed"]


PROGRAMS = (ConstantPower, Pulsed)

AnyProgram = Annotated[ConstantPower, Tag("microwave.constant_power")] | Annotated[Pulsed, Tag("microwave.pulsed")]
