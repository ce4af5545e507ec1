# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every device file holds, whatever its modality; the modality's own figures are in ``devices.modalities``."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from imagio_sim.devices.applicator import Rod
from imagio_sim.devices.geometry import Cooling, Expandable, Geometry, Point, Sheathed
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.errors import InputError
from imagio_sim.units import LengthMm


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
    """An applicator; every figure carries its source.

    Each modality has its own kind, which says what drives it; a device without ``geometry`` stays outside the body.
    """

    AGENTS: ClassVar[tuple[str, ...]] = ("heat",)
    """What it kills by, as death models name their agent."""

    name: str
    title: str
    modality: str
    geometry: Geometry | None = None
    cooling: Cooling | None = None
    sensors: tuple[Sensor, ...] = ()
    largest_zone: Sourced[LengthMm]

    @property
    @abstractmethod
    def modes(self) -> tuple[str, ...]:
        """Modes of the programs it can run."""

    @property
    def deployment_range_mm(self) -> tuple[float, float] | None:
        """Smallest and largest deployment, None where there is nothing to deploy."""
        if not isinstance(self.geometry, Expandable | Sheathed):
            return None
        return self.geometry.deployment_range_mm

    def applicator(self, deployment_mm: float | None = None) -> tuple[Rod, ...]:
        """The rods in the applicator's own frame [mm]."""
        self._check_deployment(deployment_mm)
        return () if self.geometry is None else self.geometry.rods(deployment_mm, self.cooling)

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

    def __reduce__(
        self,
    ) -> tuple[Callable[[type[Device], dict[str, Any]], Device], tuple[type[Device], dict[str, Any]]]:
        """Go to other processes as plain data: the classes of single figures have no name to be found by."""
        return _remade, (type(self), self.model_dump(mode="json", exclude_none=True))

    @property
    def digest(self) -> str:
        """SHA-256 of the device's data."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    @property
    def source_keys(self) -> tuple[str, ...]:
        """Keys of all sources used, sorted."""
        return tuple(sorted(set(_values_of("source", self.model_dump()))))


def _remade(kind: type[Device], data: dict[str, Any]) -> Device:
    return kind.model_validate(data)


def _values_of(key: str, data: Any) -> list[str]:
    if isinstance(data, dict):
        here = [data[key]] if isinstance(data.get(key), str) else []
        return here + [found for value in data.values() for found in _values_of(key, value)]
    return [found for value in data for found in _values_of(key, value)] if isinstance(data, list | tuple) else []
