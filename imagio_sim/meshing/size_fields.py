# SPDX-License-Identifier: LGPL-3.0-or-later
"""How large cells are where: gmsh size fields. Runs in the child process that holds gmsh; lengths in mm.

Sizes grow from the whole surface of every rod: an insulated shaft meshed coarser than its radius makes facets overlap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import gmsh
import numpy as np

from imagio_sim.meshing.centre_line import arc_lengths
from imagio_sim.meshing.recipe import MeshRecipe, ShellRecipe, Spot
from imagio_sim.meshing.region import Point

# Within this distance of the surface the surface size is kept.
_KEPT_MM = 0.5
# Distance over which the size grows from that of the active surface to that of the zone.
_TO_ZONE_MM = 4.5
# Growth of the size per mm off an inert shaft, where nothing happens.
_OFF_SHAFT = 0.5
# Distances are measured to points on the centre lines, this share of the radius apart.
_SAMPLES_PER_RADIUS = 0.4


def set_sizes(recipe: MeshRecipe) -> None:
    """The background field of a region with rods."""
    radii = sorted({rod.radius_mm for rod in recipe.rods})
    fields = [_off_focus(recipe, max(radii, default=0.0))]
    fields += [_off_rods(recipe, radius) for radius in radii]
    fields += [_off_spot(recipe, spot) for spot in recipe.spots]
    _set_background(_combined("Min", fields))


def set_shell_sizes(recipe: ShellRecipe) -> None:
    """Sizes that grow linearly with the distance from the origin."""
    centre = gmsh.model.occ.addPoint(0.0, 0.0, 0.0)
    gmsh.model.occ.synchronize()
    distance = gmsh.model.mesh.field.add("Distance")
    gmsh.model.mesh.field.setNumbers(distance, "PointsList", [centre])
    _set_background(
        _threshold(distance, (recipe.inner_mm, recipe.size_inner_mm), (recipe.outer_mm, recipe.size_outer_mm))
    )


def _off_focus(recipe: MeshRecipe, radius: float) -> int:
    """Fine at the active surface, the size of the zone up to the reach, then growing."""
    sizes = recipe.sizes
    distance = _distance(recipe.focus_mm, max(radius, sizes.surface_mm))
    beyond = recipe.reach_mm + (sizes.far_mm - sizes.zone_mm) / sizes.growth
    if not recipe.rods:
        return _threshold(distance, (recipe.reach_mm, sizes.zone_mm), (beyond, sizes.far_mm))
    # The same line, begun where it is as fine as the surface, so that the larger of the two is the surface's up close.
    begun = recipe.reach_mm - (sizes.zone_mm - sizes.surface_mm) / sizes.growth
    outside = _threshold(distance, (begun, sizes.surface_mm), (beyond, sizes.far_mm))
    kept = radius + _KEPT_MM
    inside = _threshold(distance, (kept, sizes.surface_mm), (kept + _TO_ZONE_MM, sizes.zone_mm))
    return _combined("Max", [inside, outside])


def _off_spot(recipe: MeshRecipe, spot: Spot) -> int:
    """As fine as a spot asks for, growing beyond its reach."""
    sizes = recipe.sizes
    beyond = spot.reach_mm + max(sizes.far_mm - spot.size_mm, 0.0) / sizes.growth
    distance = _distance([spot.path_mm], spot.size_mm)
    return _threshold(distance, (spot.reach_mm, spot.size_mm), (beyond, max(sizes.far_mm, spot.size_mm)))


def _off_rods(recipe: MeshRecipe, radius: float) -> int:
    """Never coarser than the rods of one radius allow at their surface."""
    sizes = recipe.sizes
    distance = _distance([rod.path_mm for rod in recipe.rods if rod.radius_mm == radius], radius)
    surface = sizes.per_radius * radius
    kept = 1.5 * radius
    return _threshold(distance, (kept, surface), (kept + (sizes.far_mm - surface) / _OFF_SHAFT, sizes.far_mm))


def _distance(paths: Sequence[Sequence[Point]], radius: float) -> int:
    """Distance to centre lines, sampled finely enough to be true at this radius."""
    geometry, field = gmsh.model.occ, gmsh.model.mesh.field
    chains = [[geometry.addPoint(*point) for point in path] for path in paths]
    lines = [geometry.addLine(*ends) for chain in chains for ends in pairwise(chain)]
    geometry.synchronize()
    longest = max((float(np.diff(arc_lengths(path)).max(initial=0.0)) for path in paths), default=0.0)
    number = field.add("Distance")
    field.setNumbers(number, "CurvesList", lines)
    field.setNumbers(number, "PointsList", [chain[0] for chain in chains])
    field.setNumber(number, "Sampling", max(2, math.ceil(longest / (_SAMPLES_PER_RADIUS * radius))))
    return int(number)


def _threshold(distance: int, near: tuple[float, float], far: tuple[float, float]) -> int:
    """Size linear in the distance between two (distance, size) pairs, constant on either side."""
    field = gmsh.model.mesh.field
    number = field.add("Threshold")
    field.setNumber(number, "InField", distance)
    for name, value in zip(("DistMin", "SizeMin", "DistMax", "SizeMax"), (*near, *far), strict=True):
        field.setNumber(number, name, value)
    return int(number)


def _combined(kind: str, fields: Sequence[int]) -> int:
    """The smaller (``Min``) or larger (``Max``) of several fields."""
    number = gmsh.model.mesh.field.add(kind)
    gmsh.model.mesh.field.setNumbers(number, "FieldsList", list(fields))
    return int(number)


def _set_background(field: int) -> None:
    """Let this field alone decide the sizes."""
    gmsh.model.mesh.field.setAsBackgroundMesh(field)
    for source in ("ExtendFromBoundary", "FromPoints", "FromCurvature"):
        gmsh.option.setNumber(f"Mesh.MeshSize{source}", 0)
