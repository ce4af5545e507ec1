# SPDX-License-Identifier: LGPL-3.0-or-later
"""The region of interest: a smooth body around target and applicators in which the physics is solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagio_sim.meshing.centre_line import project

Point = tuple[float, float, float]
RegionShape = Literal["auto", "sphere", "capsule", "box"]

# A capsule is chosen over a sphere where it saves at least this share of the volume.
_WORTHWHILE_SAVING = 0.5


@dataclass(frozen=True)
class Sphere:
    """A ball about ``centre_mm`` (LPS)."""

    centre_mm: Point
    radius_mm: float

    @property
    def bounding_radius_mm(self) -> float:
        """Radius of the smallest ball about the centre that holds the body."""
        return self.radius_mm

    @property
    def volume_mm3(self) -> float:
        """Volume of the body."""
        return 4.0 / 3.0 * np.pi * self.radius_mm**3

    def signed_distance_mm(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Distance (n,) of points (n, 3) to the surface, negative inside."""
        return np.asarray(np.linalg.norm(np.asarray(points_mm) - self.centre_mm, axis=-1) - self.radius_mm)

    def scaled(self, factor: float) -> Sphere:
        """The body magnified about its centre."""
        return Sphere(self.centre_mm, self.radius_mm * factor)


@dataclass(frozen=True)
class Capsule:
    """All points within ``radius_mm`` of the segment from ``start_mm`` to ``end_mm`` (LPS)."""

    start_mm: Point
    end_mm: Point
    radius_mm: float

    @property
    def centre_mm(self) -> Point:
        """Middle of the body."""
        return as_point((np.array(self.start_mm) + np.array(self.end_mm)) / 2.0)

    @property
    def bounding_radius_mm(self) -> float:
        """Radius of the smallest ball about the centre that holds the body."""
        return self.radius_mm + float(np.linalg.norm(np.subtract(self.end_mm, self.start_mm))) / 2.0

    @property
    def volume_mm3(self) -> float:
        """Volume of the body."""
        length = float(np.linalg.norm(np.subtract(self.end_mm, self.start_mm)))
        return np.pi * self.radius_mm**2 * (length + 4.0 / 3.0 * self.radius_mm)

    def signed_distance_mm(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Distance (n,) of points (n, 3) to the surface, negative inside."""
        return project((self.start_mm, self.end_mm), np.asarray(points_mm, float))[0] - self.radius_mm

    def scaled(self, factor: float) -> Capsule:
        """The body magnified about its centre."""
        centre = np.array(self.centre_mm)
        ends = [as_point(centre + factor * (np.array(end) - centre)) for end in (self.start_mm, self.end_mm)]
        return Capsule(ends[0], ends[1], self.radius_mm * factor)


@dataclass(frozen=True)
class Box:
    """An upright box between two corners (LPS)."""

    lower_mm: Point
    upper_mm: Point

    @property
    def centre_mm(self) -> Point:
        """Middle of the body."""
        return as_point((np.array(self.lower_mm) + np.array(self.upper_mm)) / 2.0)

    @property
    def bounding_radius_mm(self) -> float:
        """Radius of the smallest ball about the centre that holds the body."""
        return float(np.linalg.norm(np.subtract(self.upper_mm, self.lower_mm))) / 2.0

    @property
    def volume_mm3(self) -> float:
        """Volume of the body."""
        return float(np.prod(np.subtract(self.upper_mm, self.lower_mm)))

    def signed_distance_mm(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Distance (n,) of points (n, 3) to the surface, negative inside."""
        half = np.subtract(self.upper_mm, self.lower_mm) / 2.0
        beyond = np.abs(np.asarray(points_mm, float) - self.centre_mm) - half
        return np.asarray(np.linalg.norm(np.maximum(beyond, 0.0), axis=-1) + np.minimum(beyond.max(axis=-1), 0.0))

    def scaled(self, factor: float) -> Box:
        """The body magnified about its centre."""
        centre, half = np.array(self.centre_mm), np.subtract(self.upper_mm, self.lower_mm) / 2.0
        return Box(as_point(centre - factor * half), as_point(centre + factor * half))


Region = Sphere | Capsule | Box


def as_point(values: ArrayLike) -> Point:
    """Three plain numbers."""
    x, y, z = np.asarray(values, float)
    # Adding zero turns -0.0 into 0.0, so that equal points give equal text.
    return float(x) + 0.0, float(y) + 0.0, float(z) + 0.0


def enclosing_region(points_mm: NDArray[np.float64], margins_mm: NDArray[np.float64], shape: RegionShape) -> Region:
    """The smallest body (nearly) that holds a ball of its own margin (n,) around each point (n, 3)."""
    if shape == "box":
        margins = margins_mm[:, None]
        return Box(as_point((points_mm - margins).min(axis=0)), as_point((points_mm + margins).max(axis=0)))
    if shape == "capsule":
        return _enclosing_capsule(points_mm, margins_mm)
    sphere = _enclosing_sphere(points_mm, margins_mm)
    if shape == "auto":
        capsule = _enclosing_capsule(points_mm, margins_mm)
        if capsule.volume_mm3 < (1.0 - _WORTHWHILE_SAVING) * sphere.volume_mm3:
            return capsule
    return sphere


def _enclosing_sphere(points: NDArray[np.float64], margins: NDArray[np.float64], steps: int = 400) -> Sphere:
    """Walk the centre towards the farthest ball by ever smaller steps (Badoiu and Clarkson 2003)."""
    centre = points.mean(axis=0)
    for step in range(1, steps + 1):
        farthest = np.argmax(np.linalg.norm(points - centre, axis=1) + margins)
        centre = centre + (points[farthest] - centre) / (step + 1)
    centre = np.round(centre, 1)
    return Sphere(as_point(centre), _rounded_up((np.linalg.norm(points - centre, axis=1) + margins).max()))


def _enclosing_capsule(points: NDArray[np.float64], margins: NDArray[np.float64]) -> Capsule:
    """A capsule along the direction in which the points extend farthest."""
    middle = _enclosing_sphere(points, np.zeros(len(points))).centre_mm
    direction = np.linalg.svd(points - np.array(middle), full_matrices=False)[2][0]
    along = (points - np.array(middle)) @ direction
    ends = [as_point(np.round(middle + reach * direction, 1)) for reach in (along.min(), along.max())]
    if ends[0] == ends[1]:
        ends[1] = as_point(np.array(ends[1]) + 1e-3 * direction)
    distance, _ = project(ends, points)
    return Capsule(ends[0], ends[1], _rounded_up((distance + margins).max()))


def _rounded_up(radius: float) -> float:
    """The radius on half a millimetre, so that numerical noise makes no new mesh."""
    return float(np.ceil(radius * 2.0 - 0.02)) / 2.0
