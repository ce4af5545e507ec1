# SPDX-License-Identifier: LGPL-3.0-or-later
"""Radio-frequency electrodes with the generator that drives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from imagio_sim.devices.device import Device
from imagio_sim.devices.generator import Limits
from imagio_sim.devices.geometry import Geometry
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import (
    Current,
    Duration,
    Fraction,
    Frequency,
    Power,
    PowerRamp,
    Resistance,
    TemperatureGain,
    Voltage,
)

Mode = Literal["constant_power", "constant_voltage", "constant_current", "temperature_control", "impedance_control"]
Polarity = Literal["active", "return"]


class ImpedanceDefaults(DeviceData):
    """What the generator does in impedance control where a program does not say otherwise."""

    initial_power: Sourced[Power]
    ramp_rate: Sourced[PowerRamp]
    roll_off_rise: Sourced[Resistance]
    baseline_window: Sourced[Duration]
    pause_duration: Sourced[Duration]
    pause_power: Sourced[Power]
    resume_fraction: Sourced[Fraction]
    stop_after_roll_offs: Sourced[int] | None = None


class TemperatureDefaults(DeviceData):
    """What the generator does in temperature control where a program does not say otherwise."""

    initial_power: Sourced[Power]
    gain: Sourced[TemperatureGain]
    tick: Sourced[Duration]


class Generator(DeviceData):
    """The generator an applicator is driven by."""

    name: str
    frequency: Sourced[Frequency]
    max_power: Sourced[Power]
    max_voltage: Sourced[Voltage]
    max_current: Sourced[Current]
    modes: tuple[Mode, ...] = Field(min_length=1)
    impedance_control: ImpedanceDefaults | None = None
    temperature_control: TemperatureDefaults | None = None

    @property
    def limits(self) -> Limits:
        """What it delivers at most."""
        return Limits(self.max_power.value, self.max_voltage.value, self.max_current.value)

    @model_validator(mode="after")
    def _defaults_for_every_mode(self) -> Self:
        for mode in ("impedance_control", "temperature_control"):
            if (mode in self.modes) != (getattr(self, mode) is not None):
                raise ValueError(f"{mode} must be given exactly when it is one of the modes")
        return self


class RadiofrequencyDevice(Device):
    """Electrodes with their generator.

    ``conductors`` names the electrically connected groups and whether the generator drives them or takes the current
    back (a device with no ``return`` conductor is monopolar and needs a ground).
    """

    modality: Literal["radiofrequency"]
    geometry: Geometry
    conductors: Mapping[str, Polarity]
    generator: Generator

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes of the generator."""
        return self.generator.modes

    @property
    def is_bipolar(self) -> bool:
        """Whether the current returns through the device itself."""
        return "return" in self.conductors.values()

    @model_validator(mode="after")
    def _conductors_agree(self) -> Self:
        used = {section.conductor for rod in self.geometry.rods(None, self.cooling) for section in rod.sections} - {
            None
        }
        if used != set(self.conductors):
            raise ValueError(f"conductors are {sorted(self.conductors)}, the electrodes use {sorted(map(str, used))}")
        if "active" not in self.conductors.values():
            raise ValueError("at least one conductor must be active")
        return self
