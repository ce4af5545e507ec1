# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of lasers; powers are those of the laser, of which the applicator loses a part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.laser import LaserDevice
from imagio_sim.plan.model import Fault
from imagio_sim.plan.programs.power import PowerProgram, PulsedPower
from imagio_sim.units import POWER

LaserPower = Annotated[float, POWER.within(0.1, 100.0, "12 W")]


class LaserProgram(PowerProgram):
    """What all modes share."""

    modality: Literal["laser"] = "laser"
    power: LaserPower

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Where it exceeds what the laser gives at most."""
        assert isinstance(device, LaserDevice)
        yield from self.power_faults(device.laser.max_power.value, f"the laser of {device.name}")


class ConstantPower(LaserProgram):
    """Constant power [W]."""

    mode: Literal["constant_power"]


class Pulsed(LaserProgram, PulsedPower):
    """The laser is on and off in turn."""

    mode: Literal["pulsed"]


PROGRAMS = (ConstantPower, Pulsed)

AnyProgram = Annotated[ConstantPower, Tag("laser.constant_power")] | Annotated[Pulsed, Tag("laser.pulsed")]
