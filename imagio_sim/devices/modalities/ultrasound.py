# SPDX-License-Identifier: LGPL-3.0-or-later
"""Transducers for focused ultrasound: bowls that vibrate as a whole, and phased arrays on a bowl.

A transducer stays outside the body. Its place is given by the apex of the bowl (``entry``) and its centre of curvature,
the geometric focus (``tip``).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from imagio_sim.devices.device import Device
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import Frequency, LengthMm, Power

_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


class Shell(DeviceData):
    """Part of a sphere; ``aperture`` and ``hole`` (around the apex) are diameters of its rims."""

    aperture: Sourced[LengthMm]
    radius_of_curvature: Sourced[LengthMm]
    hole: Sourced[LengthMm] | None = None

    @property
    def hole_mm(self) -> float:
        """Diameter of the hole, 0 without."""
        return 0.0 if self.hole is None else self.hole.value

    @model_validator(mode="after")
    def _is_a_bowl(self) -> Self:
        if not self.hole_mm < self.aperture.value < 2.0 * self.radius_of_curvature.value:
            raise ValueError("the aperture must be wider than the hole and narrower than the sphere")
        return self


class Bowl(Shell):
    """A shell that vibrates as a whole."""

    kind: Literal["bowl"]


class SpiralArray(Shell):
    """Flat round elements on a shell, along a spiral that spreads them evenly and without a period (sunflower).

    ``steering`` is how far from the geometric focus the array may be focused.
    """

    kind: Literal["spiral_array"]
    element_count: Sourced[int]
    element_diameter: Sourced[LengthMm]
    steering: Sourced[LengthMm]

    @property
    def element_centres_mm(self) -> NDArray[np.float64]:
        """Centres (n, 3) [mm] in the transducer's frame: apex at the origin, +z along the beam.

        Equal shares of the bowl's area, each a golden angle further around; the outermost discs stay within the rim.
        """
        radius, count = self.radius_of_curvature.value, self.element_count.value
        inner = 0.5 * self.hole_mm + (0.5 * self.element_diameter.value if self.hole_mm else 0.0)
        outer = 0.5 * (self.aperture.value - self.element_diameter.value)
        low, high = (np.sqrt(radius**2 - edge**2) for edge in (outer, inner))
        height = high + (low - high) * (np.arange(count) + 0.5) / count
        across, angle = np.sqrt(radius**2 - height**2), _GOLDEN_ANGLE * np.arange(count)
        return np.column_stack([across * np.cos(angle), across * np.sin(angle), radius - height])

    @model_validator(mode="after")
    def _elements_have_room(self) -> Self:
        centres = self.element_centres_mm
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2) + 1e9 * np.eye(len(centres))
        if gaps.min() < self.element_diameter.value:
            raise ValueError(
                f"elements of {self.element_diameter.value:g} mm overlap: the closest are {gaps.min():.2f} mm apart"
            )
        return self


Transducer = Annotated[Bowl | SpiralArray, Field(discriminator="kind")]


class UltrasoundDevice(Device):
    """A transducer with what drives it; its waves reach the skin through water.

    ``max_acoustic_power`` is the power of the sound it radiates, by which it is calibrated in the free field.
    """

    modality: Literal["ultrasound"]
    transducer: Transducer
    frequency: Sourced[Frequency]
    max_acoustic_power: Sourced[Power]

    @property
    def modes(self) -> tuple[str, ...]:
        """Sonications of one point after the other."""
        return ("sonications",)

    @property
    def steering_mm(self) -> float:
        """How far from its geometric focus it may be focused; 0 for a bowl."""
        return self.transducer.steering.value if isinstance(self.transducer, SpiralArray) else 0.0

    @model_validator(mode="after")
    def _outside_the_body(self) -> Self:
        if self.geometry is not None:
            raise ValueError("a transducer has no rods: leave geometry out")
        return self
