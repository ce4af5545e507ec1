# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which boundary facet belongs to what: the region's outside, a section of a rod, inert shaft."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import WITHOUT_SECTION
from imagio_sim.meshing.centre_line import project
from imagio_sim.meshing.recipe import AxisymmetricRecipe, MeshRecipe, Recipe, RodShape, ShellRecipe

BOUNDARY = "boundary"
INNER = "inner"
AXIS = "axis"
SHAFT = WITHOUT_SECTION

# gmsh puts nodes on the exact surface to within this.
_ON_SURFACE_MM = 1e-4

Numbers = NDArray[np.int64]


def surface_names(recipe: Recipe, corners_mm: NDArray[np.float64]) -> dict[str, Numbers]:
    """Facets by name: each of the facets, given by its corners (f, 3, 3) or (f, 2, 2) in mm, appears exactly once."""
    if isinstance(recipe, ShellRecipe):
        return _shell_names(recipe, corners_mm)
    if isinstance(recipe, AxisymmetricRecipe):
        raised = np.concatenate([corners_mm, np.zeros((*corners_mm.shape[:2], 1))], axis=2)
        return _region_names(recipe.solid, raised, on_axis=np.all(np.abs(corners_mm[:, :, 0]) < _ON_SURFACE_MM, axis=1))
    return _region_names(recipe, corners_mm, on_axis=np.zeros(len(corners_mm), dtype=bool))


def _shell_names(recipe: ShellRecipe, corners: NDArray[np.float64]) -> dict[str, Numbers]:
    """Facets on the inner and the outer sphere."""
    outside = np.linalg.norm(corners[:, 0], axis=1) > (recipe.inner_mm + recipe.outer_mm) / 2.0
    return {INNER: np.flatnonzero(~outside), BOUNDARY: np.flatnonzero(outside)}


def _region_names(recipe: MeshRecipe, corners: NDArray[np.float64], on_axis: NDArray[np.bool_]) -> dict[str, Numbers]:
    """Facets on the outside of the region, the axis of a half plane and the rods."""
    off_surface = np.abs(recipe.region.signed_distance_mm(corners.reshape(-1, 3))).reshape(corners.shape[:2])
    on_boundary = np.all(off_surface < _ON_SURFACE_MM, axis=1) & ~on_axis
    on_rods = np.flatnonzero(~on_boundary & ~on_axis)
    names = {BOUNDARY: np.flatnonzero(on_boundary), AXIS: np.flatnonzero(on_axis)}
    rod_names = _rod_names(recipe.rods, corners[on_rods].mean(axis=1))
    return names | {name: on_rods[which] for name, which in rod_names.items()}


def _rod_names(rods: Sequence[RodShape], centres: NDArray[np.float64]) -> dict[str, Numbers]:
    """Facets of applicators by ``<applicator>.<rod>.<section>``, from their centres (f, 3).

    A facet belongs to the rod whose surface it is nearest to, and to the section at the arc length of its centre; the
    solids are split at section ends, so no facet lies in two.
    """
    if not len(centres):
        return {}
    places = [_off_surface(rod, centres) for rod in rods]
    owner = np.argmin([distance for distance, _ in places], axis=0)
    names: dict[str, Numbers] = {}
    for number, (rod, (_, arcs)) in enumerate(zip(rods, places, strict=True)):
        section = np.where(owner == number, rod.section_at(arcs), -2)
        for index, label in ((-1, SHAFT), *enumerate(name for name, _, _ in rod.sections)):
            names[f"{rod.tag}.{label}"] = np.flatnonzero(section == index)
    return names


def _off_surface(rod: RodShape, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance (n,) of points (n, 3) from the surface of a rod, and their arc lengths (n,) along it."""
    distance, arcs = project(rod.path_mm, points)
    path = np.array(rod.path_mm)
    beyond = np.maximum(_past_end(path[0], path[1], points), _past_end(path[-1], path[-2], points))
    beyond = np.where((arcs == 0.0) | (arcs == rod.length_mm), np.maximum(beyond, 0.0), 0.0)
    off_axis = np.sqrt(np.maximum(distance**2 - beyond**2, 0.0))
    off_side = off_axis - rod.radius_at_mm(arcs)
    off_ends = np.minimum(rod.length_mm - arcs, arcs if rod.pointed_mm == 0.0 else np.inf)
    within = np.where(off_side < 0.0, np.minimum(-off_side, off_ends), off_side)
    return np.where(beyond > 0.0, np.hypot(beyond, np.maximum(off_side, 0.0)), within), arcs


def _past_end(
    end: NDArray[np.float64], before: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far (n,) points lie beyond the end of a line, along its direction there."""
    return np.asarray((points - end) @ (end - before) / np.linalg.norm(end - before))
