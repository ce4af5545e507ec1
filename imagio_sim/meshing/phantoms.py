# SPDX-License-Identifier: LGPL-3.0-or-later
"""Domains with a closed-form geometry, for verification against analytic and manufactured solutions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.quality import signed_inverse_condition_number
from imagio_sim.meshing.recipe import ShellRecipe
from imagio_sim.meshing.topology import boundary_facets, oriented

_SAME_PLANE = 1e-9


def ball(radius_mm: float, size_mm: float) -> Domain:
    """A ball about the origin, surface ``boundary``, cells of one size [mm]."""
    return generate(ShellRecipe(0.0, radius_mm, size_mm, size_mm)).domain


def spherical_shell(inner_mm: float, outer_mm: float, size_inner_mm: float, size_outer_mm: float) -> Domain:
    """The space between two spheres about the origin, surfaces ``inner`` and ``boundary``.

    The cell size [mm] grows linearly with the radius from ``size_inner_mm`` to ``size_outer_mm``.
    """
    return generate(ShellRecipe(inner_mm, outer_mm, size_inner_mm, size_outer_mm)).domain


def box(n: int, size_mm: float) -> Domain:
    """The cube [0, size]^3 in n^3 bricks of six tetrahedra, surfaces ``x_min``, ``x_max``, ... ``z_max``."""
    axis = np.linspace(0.0, size_mm, n + 1)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = oriented(points, _bricks_split((n, n, n)))
    sides = {
        f"{letter}_{end}": (column, value)
        for (column, letter), (end, value) in product(enumerate("xyz"), (("min", 0.0), ("max", size_mm)))
    }
    return _domain_with_plane_sides(points, cells, sides, axisymmetric=False)


def half_plane(radius_mm: float, height_mm: float, n_r: int, n_z: int) -> Domain:
    """The r-z rectangle 0 < r < R, 0 < z < H of a cylinder, surfaces ``axis``, ``side``, ``bottom`` and ``top``."""
    r, z = np.linspace(0.0, radius_mm, n_r + 1), np.linspace(0.0, height_mm, n_z + 1)
    points = np.stack(np.meshgrid(r, z, indexing="ij"), axis=-1).reshape(-1, 2)
    cells = oriented(points, _bricks_split((n_r, n_z)))
    sides = {"axis": (0, 0.0), "side": (0, radius_mm), "bottom": (1, 0.0), "top": (1, height_mm)}
    return _domain_with_plane_sides(points, cells, sides, axisymmetric=True)


def _bricks_split(counts: tuple[int, ...]) -> NDArray[np.int64]:
    """Simplices (m, d + 1) of a grid of bricks, each split along the same diagonal (Kuhn), so that they fit."""
    shape = np.array(counts) + 1
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    origins = numbers[tuple(slice(0, -1) for _ in counts)].ravel()
    steps = np.array([int(np.prod(shape[axis + 1 :])) for axis in range(len(counts))])
    paths = np.array(
        [np.concatenate([[0], np.cumsum(steps[list(order)])]) for order in permutations(range(len(counts)))]
    )
    simplices = (origins[:, None, None] + paths[None]).reshape(-1, len(counts) + 1)
    return np.asarray(simplices, dtype=np.int64)


def _domain_with_plane_sides(
    points: NDArray[np.float64],
    cells: NDArray[np.int64],
    sides: Mapping[str, tuple[int, float]],
    *,
    axisymmetric: bool,
) -> Domain:
    """The domain whose surfaces are coordinate planes: name -> (column, value)."""
    facets, _ = boundary_facets(cells)
    surfaces = {
        name: facets[np.all(np.abs(points[facets][:, :, column] - value) < _SAME_PLANE, axis=1)]
        for name, (column, value) in sides.items()
    }
    quality = float(signed_inverse_condition_number(points, cells).min())
    return Domain(points, cells, surfaces, quality, axisymmetric=axisymmetric)
