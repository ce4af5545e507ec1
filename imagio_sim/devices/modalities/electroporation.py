# SPDX-License-Identifier: LGPL-3.0-or-later
"""Needles for irreversible electroporation with the generator that pulses pairs of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from imagio_sim.devices.device import Device
from imagio_sim.devices.geometry import Geometry
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import Current, PulseWidth, Voltage


class PulseGenerator(DeviceData):
    """What pulses the needles; a pulse whose current would exceed ``max_current`` ends the pulses of its pair."""

    name: str
    max_voltage: Sourced[Voltage]
    max_current: Sourced[Current]
    shortest_pulse: Sourced[PulseWidth]
    longest_pulse: Sourced[PulseWidth]
    max_needles: Sourced[int]


class ElectroporationDevice(Device):
    """One needle; it takes two to make a field."""

    AGENTS: ClassVar[tuple[str, ...]] = ("electroporation", "heat")

    modality: Literal["electroporation"]
    geometry: Geometry
    generator: PulseGenerator

    @property
    def modes(self) -> tuple[str, ...]:
        """Trains of pulses over pairs of needles."""
        return ("pulse_sequence",)
