# SPDX-License-Identifier: LGPL-3.0-or-later
"""Device geometry as data, and the rods it stands for.

Frame of the applicator: the tip of the main shaft is the origin, +z points from the tip to the hub.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from imagio_sim.devices.applicator import WITHOUT_SECTION, Rod, Section, TipShape
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import HeatTransferCoefficient, LengthMm, Temperature

Point = tuple[float, float, float]

ARC_POINTS = 13
"""Points on the centre line of a curved tine: a quarter circle is then met within 0.3 % of its radius."""


class Cooling(DeviceData):
    """Coolant inside an electrode: heat flux h (T - T_coolant) through its wall."""

    heat_transfer_coefficient: Sourced[HeatTransferCoefficient]
    coolant_temperature: Sourced[Temperature]

    @property
    def coefficients(self) -> tuple[float, float]:
        """Heat transfer coefficient [W/(m2 K)] and coolant temperature [degC]."""
        return self.heat_transfer_coefficient.value, self.coolant_temperature.value


class ShaftSection(DeviceData):
    """A stretch of a shaft that does something, by arc length from its tip.

    An electrode names the ``conductor`` it belongs to; ``active`` is False for one that is only cooled.
    """

    name: str
    conductor: str | None = None
    active: bool = True
    start: Sourced[LengthMm]
    end: Sourced[LengthMm]

    def section(self, cooling: Cooling | None) -> Section:
        """The same as a section of a rod."""
        coefficient, coolant = cooling.coefficients if cooling else (None, None)
        return Section(
            self.name, self.start.value, self.end.value, self.conductor, coefficient, coolant, active=self.active
        )


class Shaft(DeviceData):
    """The needle itself: a straight rod with sections that act."""

    diameter: Sourced[LengthMm]
    length: Sourced[LengthMm]
    tip: TipShape
    tip_length: Sourced[LengthMm]
    sections: tuple[ShaftSection, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sections_have_their_own_names(self) -> Self:
        names = [section.name for section in self.sections]
        if len({*names, WITHOUT_SECTION}) <= len(names):
            raise ValueError(f"sections need different names, none of them {WITHOUT_SECTION!r}: found {names}")
        return self

    def rod(self, name: str, offset: tuple[float, float], cooling: Cooling | None) -> Rod:
        """The shaft as a rod, parallel to the axis at ``offset`` (x, y) mm."""
        path = ((*offset, 0.0), (*offset, self.length.value))
        sections = tuple(section.section(cooling) for section in self.sections)
        return Rod(name, path, self.diameter.value / 2, self.tip, self.tip_length.value, sections)


class Straight(DeviceData):
    """One straight needle."""

    kind: Literal["straight"]
    shaft: Shaft

    def rods(self, deployment_mm: float | None, cooling: Cooling | None) -> tuple[Rod, ...]:
        """The needle."""
        return (self.shaft.rod("shaft", (0.0, 0.0), cooling),)


class Cluster(DeviceData):
    """Equal parallel needles on the corners of a regular polygon around the axis."""

    kind: Literal["cluster"]
    shaft: Shaft
    count: int = Field(ge=2, le=6)
    spacing: Sourced[LengthMm]

    def rods(self, deployment_mm: float | None, cooling: Cooling | None) -> tuple[Rod, ...]:
        """The needles, neighbours ``spacing`` apart."""
        radius = self.spacing.value / (2.0 * math.sin(math.pi / self.count))
        angles = [2.0 * math.pi * index / self.count for index in range(self.count)]
        offsets = [(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]
        return tuple(
            self.shaft.rod(f"shaft_{number}", offset, cooling) for number, offset in enumerate(offsets, start=1)
        )


class Sheathed(DeviceData):
    """A straight needle in an insulating sheath that is drawn back: the deployment is the bare length from the tip."""

    kind: Literal["sheathed"]
    diameter: Sourced[LengthMm]
    length: Sourced[LengthMm]
    tip: TipShape
    tip_length: Sourced[LengthMm]
    conductor: str
    exposure_low: Sourced[LengthMm]
    exposure_high: Sourced[LengthMm]
    exposure_default: Sourced[LengthMm]

    @property
    def deployment_range_mm(self) -> tuple[float, float]:
        """Smallest and largest bare length."""
        return self.exposure_low.value, self.exposure_high.value

    def rods(self, deployment_mm: float | None, cooling: Cooling | None) -> tuple[Rod, ...]:
        """The needle, bare over the deployment (default: the device's own)."""
        bare = self.exposure_default.value if deployment_mm is None else deployment_mm
        coefficient, coolant = cooling.coefficients if cooling else (None, None)
        section = Section("bare", 0.0, bare, self.conductor, coefficient, coolant)
        path = ((0.0, 0.0, 0.0), (0.0, 0.0, self.length.value))
        return (Rod("shaft", path, self.diameter.value / 2, self.tip, self.tip_length.value, (section,)),)


class Tines(DeviceData):
    """Curved tines that leave the shaft near its tip.

    Each tine runs inside the shaft for ``exit_depth``, leaves its end face at ``exit_radius`` from the axis and is
    then an arc in a plane through the axis that starts forward (-z) and turns outwards by ``turn_degrees``; the tips
    lie on a circle whose diameter is the deployment.
    """

    count: int = Field(ge=2, le=16)
    diameter: Sourced[LengthMm]
    tip: TipShape
    tip_length: Sourced[LengthMm]
    turn_degrees: Sourced[float]
    exit_depth: Sourced[LengthMm]
    exit_radius: Sourced[LengthMm]
    conductor: str
    deployment_low: Sourced[LengthMm]
    deployment_high: Sourced[LengthMm]
    deployment_default: Sourced[LengthMm]

    def rods(self, deployment_mm: float) -> tuple[Rod, ...]:
        """The deployed tines, named ``tine_1`` ... in order of azimuth from +x."""
        azimuths = [2.0 * math.pi * index / self.count for index in range(self.count)]
        return tuple(
            self._rod(f"tine_{number}", azimuth, deployment_mm) for number, azimuth in enumerate(azimuths, start=1)
        )

    def _rod(self, name: str, azimuth: float, deployment_mm: float) -> Rod:
        profile = self._profile(deployment_mm)
        across = np.array([math.cos(azimuth), math.sin(azimuth)])
        path = tuple(
            (float(reach * across[0]), float(reach * across[1]), float(height)) for reach, height in profile[::-1]
        )
        rod = Rod(name, path, self.diameter.value / 2, self.tip, self.tip_length.value, ())
        bare = Section("tine", 0.0, rod.length_mm - self.exit_depth.value, self.conductor)
        return Rod(name, path, rod.radius_mm, rod.tip, rod.tip_length_mm, (bare,))

    def _profile(self, deployment_mm: float) -> NDArray[np.float64]:
        """Distance from the axis and height (n, 2) mm along a tine, from inside the shaft to its tip."""
        start = self.exit_radius.value
        turn = math.radians(self.turn_degrees.value)
        radius = (deployment_mm / 2.0 - start) / (1.0 - math.cos(turn))
        angles = np.linspace(0.0, turn, ARC_POINTS)
        arc = np.column_stack([start + radius * (1.0 - np.cos(angles)), -radius * np.sin(angles)])
        return np.vstack([[start, self.exit_depth.value], arc])


class Expandable(DeviceData):
    """A straight trocar with tines that are pushed out of its tip."""

    kind: Literal["expandable"]
    shaft: Shaft
    tines: Tines

    @property
    def deployment_range_mm(self) -> tuple[float, float]:
        """Smallest and largest deployment."""
        return self.tines.deployment_low.value, self.tines.deployment_high.value

    def rods(self, deployment_mm: float | None, cooling: Cooling | None) -> tuple[Rod, ...]:
        """The trocar and its tines at a deployment (default: the device's own)."""
        deployment = self.tines.deployment_default.value if deployment_mm is None else deployment_mm
        trocar = self.shaft.rod("shaft", (0.0, 0.0), cooling)
        return (trocar, *self.tines.rods(deployment))

    @model_validator(mode="after")
    def _tines_fit_the_shaft(self) -> Self:
        tines, gap = self.tines, 2.0 * self.tines.exit_radius.value * math.sin(math.pi / self.tines.count)
        if tines.exit_radius.value + tines.diameter.value / 2.0 > self.shaft.diameter.value / 2.0:
            raise ValueError("the tines leave through the side of the shaft: exit_radius is too large")
        if gap < tines.diameter.value:
            raise ValueError("the tines overlap where they leave the shaft: exit_radius is too small")
        return self


Geometry = Annotated[Straight | Cluster | Sheathed | Expandable, Field(discriminator="kind")]
