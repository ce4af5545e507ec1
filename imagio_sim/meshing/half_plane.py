# SPDX-License-Identifier: LGPL-3.0-or-later
"""A recipe seen in the r-z half plane of its one straight rod."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.meshing.centre_line import is_straight
from imagio_sim.meshing.recipe import AxisymmetricRecipe, MeshRecipe
from imagio_sim.meshing.region import Point, Sphere


def in_half_plane(recipe: AxisymmetricRecipe) -> MeshRecipe:
    """The recipe in coordinates (r, z, 0): its rod along +y, its region a sphere about the axis."""
    solid = recipe.solid
    tip, axis = _axis(solid)

    def on_axis(point: Point) -> Point:
        return 0.0, recipe.tip_height_mm + float((np.array(point) - tip) @ axis), 0.0

    return replace(
        solid,
        region=Sphere(on_axis(solid.region.centre_mm), solid.region.bounding_radius_mm),
        rods=tuple(replace(rod, path_mm=(on_axis(rod.path_mm[0]), on_axis(rod.path_mm[-1]))) for rod in solid.rods),
        focus_mm=tuple(tuple(on_axis(point) for point in path) for path in solid.focus_mm),
    )


def _axis(recipe: MeshRecipe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A point (3,) and the direction (3,) of the axis: those of the rod, or the z axis where there is none."""
    if not recipe.rods:
        return np.zeros(3), np.array([0.0, 0.0, 1.0])
    if len(recipe.rods) > 1 or not is_straight(recipe.rods[0].path_mm):
        raise InputError(
            "axisymmetric mesh",
            found=f"{len(recipe.rods)} rods" if len(recipe.rods) > 1 else "a curved rod",
            allowed="one straight rod",
            remedy="use a three-dimensional mesh",
        )
    tip, hub = np.array(recipe.rods[0].path_mm[0]), np.array(recipe.rods[0].path_mm[-1])
    return tip, (hub - tip) / np.linalg.norm(hub - tip)
