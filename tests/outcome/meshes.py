# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small meshes with analytic shapes for the outcome tests, built without gmsh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.surface import Surface


@dataclass(frozen=True, eq=False)
class DelaunayLocator:
    """Interpolates on a convex Delaunay mesh: stands in for the mesh locator."""

    triangulation: Delaunay
    cells_kept: NDArray[np.bool_]

    def interpolate(self, nodal: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
        """P1 values of one field or several at points, nan outside the mesh."""
        cell = self.triangulation.find_simplex(points)
        transform = self.triangulation.transform[cell]
        first = np.einsum("nij,nj->ni", transform[:, :-1], points - transform[:, -1])
        weights = np.column_stack([first, 1.0 - first.sum(axis=1)])
        values = np.einsum("nc,nc...->n...", weights, nodal[self.triangulation.simplices[cell]])
        values[(cell < 0) | ~self.cells_kept[cell]] = np.nan
        return values


def box_mesh(
    half_mm: float = 20.0, spacing_mm: float = 1.25, needle_radius_mm: float = 0.0, seed: int = 1
) -> tuple[Domain, DelaunayLocator]:
    """A jittered cube of side 2 half_mm; optionally without an octagonal needle along z from z = 0 upwards."""
    rng = np.random.default_rng(seed)
    ticks = np.linspace(-half_mm, half_mm, round(2 * half_mm / spacing_mm) + 1)
    points = np.array(np.meshgrid(ticks, ticks, ticks, indexing="ij")).reshape(3, -1).T
    inside = (np.abs(points) < half_mm - 1e-9).all(axis=1)
    points[inside] += rng.uniform(-0.2, 0.2, (int(inside.sum()), 3)) * spacing_mm
    if needle_radius_mm > 0:
        points = np.concatenate([_away(points, 2.0 * needle_radius_mm), _needle(needle_radius_mm, half_mm)])
    triangulation = Delaunay(points)
    centres = points[triangulation.simplices].mean(axis=1)
    in_needle = (np.hypot(centres[:, 0], centres[:, 1]) < needle_radius_mm * np.cos(np.pi / 8)) & (centres[:, 2] > 0)
    edges = points[triangulation.simplices][:, 1:] - points[triangulation.simplices][:, :1]
    kept = ~in_needle & (np.abs(np.linalg.det(edges)) > 1e-9)
    cells = triangulation.simplices[kept].astype(np.int64)
    surfaces = split_boundary(points, cells, half_mm)
    return Domain(points, cells, surfaces, 0.1), DelaunayLocator(triangulation, kept)


def _away(points: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    near = (np.hypot(points[:, 0], points[:, 1]) < radius) & (points[:, 2] > -radius)
    return points[~near]


def _needle(radius: float, top: float) -> NDArray[np.float64]:
    angle = np.arange(8) * np.pi / 4
    heights = np.linspace(0.0, top, round(top / (radius * 0.8)) + 1)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * radius
    return np.array([(x, y, z) for z in heights for x, y in ring] + [(0.0, 0.0, z) for z in heights])


def split_boundary(
    points: NDArray[np.float64], cells: NDArray[np.int64], half_mm: float
) -> dict[str, NDArray[np.int64]]:
    """Boundary facets: those on the cube, and all others as a needle's."""
    faces = np.concatenate([np.delete(cells, k, axis=1) for k in range(4)])
    unique, counts = np.unique(np.sort(faces, axis=1), axis=0, return_counts=True)
    boundary = unique[counts == 1]
    corner = points[boundary]
    on_cube = (np.abs(np.abs(corner) - half_mm) < 1e-6).all(axis=1).any(axis=1)
    surfaces = {"boundary": boundary[on_cube]}
    if not on_cube.all():
        surfaces["needle.shaft.shaft"] = boundary[~on_cube]
    return surfaces


@cache
def cube() -> tuple[Domain, DelaunayLocator]:
    """The plain cube of 40 mm, shared by tests."""
    return box_mesh()


@cache
def pierced_cube() -> tuple[Domain, DelaunayLocator]:
    """The cube with a needle of 1 mm radius from the centre upwards."""
    return box_mesh(needle_radius_mm=1.0)


def half_plane(radius_mm: float = 20.0, spacing_mm: float = 0.8) -> Domain:
    """A rectangle 0 <= r <= radius, -radius <= z <= radius as an axisymmetric domain."""
    r = np.linspace(0, radius_mm, round(radius_mm / spacing_mm) + 1)
    z = np.linspace(-radius_mm, radius_mm, round(2 * radius_mm / spacing_mm) + 1)
    points = np.array(np.meshgrid(r, z, indexing="ij")).reshape(2, -1).T
    cells = Delaunay(points).simplices.astype(np.int64)
    faces = np.sort(np.concatenate([np.delete(cells, k, axis=1) for k in range(3)]), axis=1)
    unique, counts = np.unique(faces, axis=0, return_counts=True)
    return Domain(points, cells, {"boundary": unique[counts == 1]}, 0.5, axisymmetric=True)


def sphere(radius_mm: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0), divisions: int = 60) -> Surface:
    """A latitude-longitude sphere with vertices on the sphere, oriented outwards."""
    polar = np.linspace(0, np.pi, divisions + 1)[1:-1]
    around = np.arange(2 * divisions) * np.pi / divisions
    ring = np.array([(np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)) for p in polar for a in around])
    points = np.vstack([ring, [0, 0, 1], [0, 0, -1]]) * radius_mm + np.array(centre)
    n, top, bottom = 2 * divisions, len(ring), len(ring) + 1
    triangles = []
    for row in range(len(polar) - 1):
        for k in range(n):
            a, b = row * n + k, row * n + (k + 1) % n
            triangles += [(a, a + n, b), (b, a + n, b + n)]
    last = (len(polar) - 1) * n
    for k in range(n):
        triangles += [(top, k, (k + 1) % n), (bottom, last + (k + 1) % n, last + k)]
    return Surface(points, np.array(triangles, dtype=np.int64))
