# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave antennas: what is inside, and the generator behind the cable.

An antenna is round. Its inside is a list of layers, hollow cylinders of metal or of a dielectric, of which later ones
replace earlier ones where they overlap; the first fills the whole outside, that of the shaft. Heights count from the
tip [mm].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from imagio_sim.devices.applicator import Rod
from imagio_sim.devices.device import Device
from imagio_sim.devices.geometry import Straight
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import Fraction, Frequency, LengthMm, Power, SurfaceResistance

METAL = "metal"
Mode = Literal["constant_power", "pulsed"]


class Dielectric(DeviceData):
    """What fills a part of the antenna; ``loss_tangent`` at its frequency."""

    permittivity: Sourced[float]
    loss_tangent: Sourced[Fraction]


class Layer(DeviceData):
    """A hollow cylinder of one material.

    ``extent`` is (inner radius, outer radius, start, end) [mm]; the last is empty where it goes on to the hub.
    """

    name: str
    material: str
    extent: Sourced[tuple[LengthMm, LengthMm, LengthMm, LengthMm | None]]

    @property
    def radii_mm(self) -> tuple[float, float]:
        """Inner and outer radius."""
        return self.extent.value[:2]

    @property
    def heights_mm(self) -> tuple[float, float | None]:
        """Start and end."""
        return self.extent.value[2:]

    @model_validator(mode="after")
    def _not_inside_out(self) -> Self:
        (inner, outer), (start, end) = self.radii_mm, self.heights_mm
        if not inner < outer or (end is not None and not start < end):
            raise ValueError(f"layer {self.name} is inside out")
        return self


class FeedLine(DeviceData):
    """The coaxial line: radii of its dielectric, from ``port`` [mm] on nothing but its own wave, and the way to there.

    ``transmission`` is the share of the generator's power that reaches the port.
    """

    material: str
    inner_radius: Sourced[LengthMm]
    outer_radius: Sourced[LengthMm]
    port: Sourced[LengthMm]
    transmission: Sourced[Fraction]


class Slot(DeviceData):
    """Where the wave leaves the line: heights of its rims, which share the radii (inner, outer) of a metal wall."""

    start: LengthMm
    end: LengthMm
    radii: tuple[LengthMm, ...] = Field(min_length=1)


class BareArm(DeviceData):
    """A thin wire that sticks out of the shaft into the tissue, up to the antenna's tip."""

    length: Sourced[LengthMm]
    radius: Sourced[LengthMm]


class AntennaInside(DeviceData):
    """Layers, materials, slots and line of an antenna.

    Tissue is not cut out for the bare ``arm``: it is too thin to matter to heat. ``equivalent`` antennas stand for a
    commercial one whose inside is not public: they were made to give its zones.
    """

    frequency: Sourced[Frequency]
    equivalent: bool = False
    line: FeedLine
    arm: BareArm | None = None
    materials: Mapping[str, Dielectric]
    layers: tuple[Layer, ...] = Field(min_length=2)
    slots: tuple[Slot, ...] = Field(min_length=1)
    wall_resistance: Sourced[SurfaceResistance]

    @property
    def arm_length_mm(self) -> float:
        """How far [mm] the shaft begins behind the antenna's tip."""
        return 0.0 if self.arm is None else self.arm.length.value

    @property
    def rims_mm(self) -> tuple[tuple[float, float], ...]:
        """Points (r, z) at which the field is singular."""
        heights = [(slot, height) for slot in self.slots for height in dict.fromkeys((slot.start, slot.end))]
        return tuple((radius, height) for slot, height in heights for radius in slot.radii)

    @property
    def radiating_mm(self) -> tuple[float, float]:
        """Lowest and highest point at which it radiates."""
        return min(slot.start for slot in self.slots), max(slot.end for slot in self.slots)

    @model_validator(mode="after")
    def _materials_agree(self) -> Self:
        used = {layer.material for layer in self.layers} | {self.line.material}
        if used - {METAL} != set(self.materials):
            raise ValueError(f"materials are {sorted(self.materials)}, the layers use {sorted(used - {METAL})}")
        return self


class MicrowaveGenerator(DeviceData):
    """The generator: the most it gives and what it can do."""

    name: str
    max_power: Sourced[Power]
    modes: tuple[Mode, ...] = Field(min_length=1)


class MicrowaveDevice(Device):
    """An antenna with its generator."""

    modality: Literal["microwave"]
    geometry: Straight
    antenna: AntennaInside
    generator: MicrowaveGenerator

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes of the generator."""
        return self.generator.modes

    def applicator(self, deployment_mm: float | None = None) -> tuple[Rod, ...]:
        """The shaft in the applicator's own frame [mm], whose origin is the tip of the antenna."""
        moved = np.eye(4)
        moved[2, 3] = self.antenna.arm_length_mm
        return tuple(rod.moved(moved) for rod in super().applicator(deployment_mm))

    @model_validator(mode="after")
    def _fits_in_its_shaft(self) -> Self:
        radius = self.geometry.shaft.diameter.value / 2
        faults = list(_misfits(self.antenna, radius))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _misfits(antenna: AntennaInside, radius: float) -> Iterable[str]:
    first, line = antenna.layers[0], antenna.line
    if not math.isclose(first.radii_mm[1], radius) or first.radii_mm[0] != 0.0 or first.heights_mm[1] is not None:
        yield f"layer {first.name} must fill the shaft, to {radius:g} mm"
    if any(layer.radii_mm[1] > radius * (1.0 + 1e-9) for layer in antenna.layers):
        yield f"a layer is wider than the shaft, {radius:g} mm"
    if not line.inner_radius.value < line.outer_radius.value < radius:
        yield "the feed line does not fit into the shaft"
    if line.port.value <= antenna.radiating_mm[1]:
        yield "the port lies below the uppermost slot"
