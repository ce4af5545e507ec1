# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sound of a vibrating surface in a uniform medium: the Rayleigh integral over a bowl or the elements of an array.

The transducer's frame has its apex (the deepest point of the bowl) at the origin and +z along the beam. SI units.
Runs on one rank before a stage; arrays only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex64]

# Points per wavelength along the surface; Gauss and trapezoid rules over a smooth surface converge fast beyond two.
_POINTS_PER_WAVELENGTH = 2.0
# Pairs of source and field points evaluated at once: what fits into a core's cache.
_BLOCK = 100_000


@dataclass(frozen=True, eq=False)
class Radiator:
    """Vibrating surface as points with areas, in elements that are driven each by itself.

    Attributes
    ----------
    points
        (n, 3) [m]; the points of one element follow each other.
    areas
        Area each stands for (n,) [m2].
    starts
        First point of each element (e,).
    """

    points: Floats
    areas: Floats
    starts: NDArray[np.int64]

    @property
    def element_count(self) -> int:
        """Number of elements."""
        return len(self.starts)

    @property
    def element_areas(self) -> Floats:
        """Area of each element (e,) [m2]."""
        return np.add.reduceat(self.areas, self.starts)

    @property
    def element_centres(self) -> Floats:
        """Mean position of each element (e, 3) [m]."""
        return np.asarray(
            np.add.reduceat(self.points * self.areas[:, None], self.starts, axis=0) / self.element_areas[:, None]
        )


def focused_bowl(
    *, aperture_radius: float, radius_of_curvature: float, wavelength: float, hole_radius: float = 0.0
) -> Radiator:
    """A spherical bowl that vibrates as a whole, with or without a hole around its apex [m].

    Gauss points in the cosine of the polar angle (whose share of the sphere is uniform), evenly spread around each
    ring, each ring turned against the one before.
    """
    inner, outer = (np.sqrt(radius_of_curvature**2 - r**2) for r in (hole_radius, aperture_radius))
    arc = radius_of_curvature * (np.arccos(outer / radius_of_curvature) - np.arccos(inner / radius_of_curvature))
    heights, weights = _gauss(outer, inner, _count(arc, wavelength))
    rings = [_ring(radius_of_curvature, height, wavelength, number) for number, height in enumerate(heights)]
    areas = [
        np.full(len(ring), 2.0 * np.pi * radius_of_curvature * weight / len(ring))
        for ring, weight in zip(rings, weights, strict=True)
    ]
    return Radiator(np.vstack(rings), np.concatenate(areas), np.zeros(1, dtype=np.int64))


def disc_array(centres: Floats, *, radius_of_curvature: float, element_radius: float, wavelength: float) -> Radiator:
    """Flat round elements at ``centres`` (e, 3) [m] on a bowl, each facing the bowl's centre of curvature."""
    offsets, areas = _disc(element_radius, wavelength)
    normals = np.array([0.0, 0.0, radius_of_curvature]) - centres
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    first = np.cross(normals, np.where(np.abs(normals[:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normals, first)
    points = centres[:, None] + first[:, None] * offsets[None, :, :1] + second[:, None] * offsets[None, :, 1:]
    starts = np.arange(len(centres)) * len(areas)
    return Radiator(points.reshape(-1, 3), np.tile(areas, len(centres)), starts)


def element_fields(radiator: Radiator, points: Floats, *, wavelength: float) -> Complexes:
    """Pressure (e, p) at points (p, 3) [m] by each element, per rho c u_0 of it, in a lossless uniform medium.

    Notes
    -----
    The Rayleigh integral p = -i k / (2 pi) times the integral of exp(i k r) / r over the surface, exact for a plane
    and good for a bowl that is wide against the wavelength. Source: O'Neil 1949, J Acoust Soc Am 21:516, eq. (3).
    Distances count in wavelengths, of which only the fraction is needed: single precision keeps the phase to 1e-4.
    """
    source = np.ascontiguousarray((radiator.points / wavelength).T, dtype=np.float32)
    field = np.asarray(points / wavelength, dtype=np.float32)
    areas = np.asarray(radiator.areas / wavelength**2, dtype=np.float32)
    fields = np.empty((radiator.element_count, len(points)), dtype=np.complex64)
    size = max(1, _BLOCK // len(areas))
    for start in range(0, len(points), size):
        block = field[start : start + size]
        fields[:, start : start + size] = np.add.reduceat(_waves(source, block, areas), radiator.starts, axis=1).T
    return np.asarray(-1j * fields, dtype=np.complex64)


def focusing_phases(radiator: Radiator, focus: Floats, *, wavelength: float) -> Complexes:
    """Drive (e,) of magnitude 1 that brings the waves of all elements to a point (3,) [m] in step."""
    distance = np.linalg.norm(radiator.element_centres - focus, axis=1)
    return np.asarray(np.exp(-2j * np.pi * distance / wavelength), dtype=np.complex64)


def _gauss(low: float, high: float, count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre points and weights between two ends."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return 0.5 * (high - low) * nodes + 0.5 * (high + low), 0.5 * (high - low) * weights


def _count(length: float, wavelength: float) -> int:
    return max(4, int(np.ceil(_POINTS_PER_WAVELENGTH * length / wavelength)))


def _ring(radius: float, height: float, wavelength: float, number: int) -> Floats:
    """Points (m, 3) on the ring of a bowl that lies ``height`` short of its centre of curvature."""
    across = np.sqrt(radius**2 - height**2)
    count = _count(2.0 * np.pi * across, wavelength)
    angle = 2.0 * np.pi * (np.arange(count) + 0.5 * (number % 2)) / count
    return np.column_stack([across * np.cos(angle), across * np.sin(angle), np.full(count, radius - height)])


def _disc(radius: float, wavelength: float) -> tuple[Floats, Floats]:
    """Points (m, 2) and areas (m,) of a flat disc: Gauss points in the squared radius, evenly spread around."""
    squares, weights = _gauss(0.0, radius**2, max(2, _count(radius, wavelength) // 2 + 1))
    points, areas = [], []
    for square, weight in zip(squares, weights, strict=True):
        across = np.sqrt(square)
        count = _count(2.0 * np.pi * across, wavelength)
        angle = 2.0 * np.pi * np.arange(count) / count
        points.append(np.column_stack([across * np.cos(angle), across * np.sin(angle)]))
        areas.append(np.full(count, np.pi * weight / count))
    return np.vstack(points), np.concatenate(areas)


def _waves(source: NDArray[np.float32], field: NDArray[np.float32], areas: NDArray[np.float32]) -> Complexes:
    """Area times exp(i k r) / r (p, n) at p points of n sources, all lengths in wavelengths."""
    squares = (field[:, None, 0] - source[0]) ** 2
    squares += (field[:, None, 1] - source[1]) ** 2
    squares += (field[:, None, 2] - source[2]) ** 2
    distance = np.sqrt(squares, out=squares)
    turn = np.float32(2.0 * np.pi) * (distance - np.rint(distance))
    amplitude = areas / distance
    waves = np.empty(turn.shape, dtype=np.complex64)
    waves.real, waves.imag = amplitude * np.cos(turn), amplitude * np.sin(turn)
    return waves
