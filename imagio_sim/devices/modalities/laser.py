# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laser fibres for interstitial thermal therapy with the laser that feeds them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imagio_sim.devices.device import Device
from imagio_sim.devices.geometry import Straight
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import Fraction, LengthMm, Power, WavelengthNm

Mode = Literal["constant_power", "pulsed"]


class LaserUnit(DeviceData):
    """The laser; ``max_power`` is what it gives one fibre at most."""

    name: str
    wavelength: Sourced[WavelengthNm]
    max_power: Sourced[Power]
    modes: tuple[Mode, ...] = Field(min_length=1)


class DiffuserTip(DeviceData):
    """Light leaves a section of the applicator evenly and in all directions."""

    kind: Literal["diffuser"]
    section: str


class BareTip(DeviceData):
    """Light leaves the flat end of the applicator in a cone; ``numerical_aperture`` is the fibre's in air."""

    kind: Literal["bare"]
    core_diameter: Sourced[LengthMm]
    numerical_aperture: Sourced[Fraction]


class LaserDevice(Device):
    """A fibre in its applicator.

    ``transmission`` is the share of the laser's power that ends up in the tissue: what the fibre and the applicator
    absorb, on its way out or scattered back to them, is missing from it.
    """

    modality: Literal["laser"]
    geometry: Straight
    laser: LaserUnit
    emission: Annotated[DiffuserTip | BareTip, Field(discriminator="kind")]
    transmission: Sourced[Fraction]

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes of the laser."""
        return self.laser.modes

    @model_validator(mode="after")
    def _light_leaves_somewhere(self) -> Self:
        sections = {section.name: section for section in self.geometry.shaft.sections}
        if isinstance(self.emission, DiffuserTip):
            if self.emission.section not in sections or not sections[self.emission.section].active:
                raise ValueError(f"the diffuser {self.emission.section!r} is no active section of the shaft")
        elif self.geometry.shaft.tip != "flat":
            raise ValueError("a bare fibre has a flat tip")
        elif self.emission.core_diameter.value > self.geometry.shaft.diameter.value:
            raise ValueError("the core is thicker than the shaft")
        return self
