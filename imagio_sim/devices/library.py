# SPDX-License-Identifier: LGPL-3.0-or-later
"""The applicator library: device files read into frozen, checked :class:`Device` objects."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from imagio_sim.devices.applicator import Rod
from imagio_sim.devices.generator import Limits
from imagio_sim.devices.geometry import Cooling, Expandable, Geometry, Point
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.errors import InputError
from imagio_sim.units import (
    Current,
    Duration,
    Frequency,
    LengthMm,
    Power,
    PowerRamp,
    Resistance,
    TemperatureGain,
    Voltage,
)

Modality = Literal["radiofrequency"]
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
    resume_fraction: Sourced[float]
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


class Sensor(DeviceData):
    """A temperature sensor, at a fixed point of the applicator's frame [mm] or at the tip of a rod."""

    name: str
    position: Point | None = None
    tip_of: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.position is None) == (self.tip_of is None):
            raise ValueError("a sensor has either a position or the rod whose tip it sits in")
        return self

    def place(self, rods: Mapping[str, Rod]) -> Point:
        """Where it is [mm] in the frame of these rods."""
        return rods[self.tip_of].path_mm[0] if self.tip_of else self.position or (0.0, 0.0, 0.0)


class Device(DeviceData):
    """An applicator with its generator; every figure carries its source.

    ``conductors`` names the electrically connected groups and whether the generator drives them or takes the current
    back (a device with no ``return`` conductor is monopolar and needs a ground).
    """

    name: str
    title: str
    modality: Modality
    geometry: Geometry
    conductors: Mapping[str, Polarity]
    cooling: Cooling | None = None
    generator: Generator
    sensors: tuple[Sensor, ...] = ()
    largest_zone: Sourced[LengthMm]

    @property
    def is_bipolar(self) -> bool:
        """Whether the current returns through the device itself."""
        return "return" in self.conductors.values()

    @property
    def is_expandable(self) -> bool:
        """Whether it takes a deployment."""
        return isinstance(self.geometry, Expandable)

    @property
    def deployment_range_mm(self) -> tuple[float, float] | None:
        """Smallest and largest deployment, None where there is nothing to deploy."""
        if not isinstance(self.geometry, Expandable):
            return None
        return self.geometry.tines.deployment_low.value, self.geometry.tines.deployment_high.value

    def applicator(self, deployment_mm: float | None = None) -> tuple[Rod, ...]:
        """The rods in the applicator's own frame [mm]."""
        self._check_deployment(deployment_mm)
        return self.geometry.rods(deployment_mm, self.cooling)

    def _check_deployment(self, deployment_mm: float | None) -> None:
        reach = self.deployment_range_mm
        if deployment_mm is None or (reach and reach[0] <= deployment_mm <= reach[1]):
            return
        allowed = f"a deployment from {reach[0]:g} mm to {reach[1]:g} mm" if reach else "no deployment"
        remedy = "choose another deployment" if reach else f"leave it out, {self.name} has nothing to deploy"
        raise InputError(f"device {self.name}", found=f"{deployment_mm:g} mm", allowed=allowed, remedy=remedy)

    def sensor_positions_mm(self, deployment_mm: float | None = None) -> tuple[Point, ...]:
        """Sensor positions [mm] in the applicator's own frame, in the order of ``sensors``."""
        rods = {rod.name: rod for rod in self.applicator(deployment_mm)}
        return tuple(sensor.place(rods) for sensor in self.sensors)

    @property
    def digest(self) -> str:
        """SHA-256 of the device's data."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    @property
    def source_keys(self) -> tuple[str, ...]:
        """Keys of all sources used, sorted."""
        return tuple(sorted(set(_values_of("source", self.model_dump()))))

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


def _values_of(key: str, data: Any) -> list[str]:
    if isinstance(data, dict):
        here = [data[key]] if isinstance(data.get(key), str) else []
        return here + [found for value in data.values() for found in _values_of(key, value)]
    return [found for value in data for found in _values_of(key, value)] if isinstance(data, list | tuple) else []


def _folder() -> Traversable:
    return resources.files("imagio_sim.devices") / "library"


@cache
def device_names() -> tuple[str, ...]:
    """Names of all devices, sorted."""
    files = (entry.name.removesuffix(".yaml") for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(name for name in files if name != "sources"))


@cache
def sources() -> Mapping[str, Mapping[str, str]]:
    """The sources that device figures refer to, by key."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load((_folder() / "sources.yaml").read_text(encoding="utf-8"))
    return loaded


def unknown_device(name: str, where: str) -> InputError:
    """The error for a device that is not in the library, with the nearest that is."""
    nearest = difflib.get_close_matches(name, device_names(), n=1, cutoff=0.4)
    remedy = f"did you mean {nearest[0]!r}?" if nearest else "see `imagio devices`"
    return InputError(where, found=repr(name), allowed="a device of the library", remedy=remedy)


@cache
def load_device(name: str) -> Device:
    """A device of the library; an unknown name is refused with the nearest one."""
    if name not in device_names():
        raise unknown_device(name, "device")
    return Device.model_validate(yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8")))
