# SPDX-License-Identifier: LGPL-3.0-or-later
"""A recipe seen in the r-z half plane of its one straight rod."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imagio_sim.errors import InputError
from imagio_sim.meshing.centre_line import is_straight
from imagio_sim.meshing.recipe import MeshRecipe
from imagio_sim.meshing.region import Point, Sphere


def in_half_plane(recipe: MeshRecipe) -> MeshRecipe:
    """The recipe in coordinates (r, z, 0): its rod along +y from the origin, its region a sphere about the axis."""
    if len(recipe.rods) != 1 or not is_straight(recipe.rods[0].path_mm):
        raise InputError(
            "axisymmetric mesh",
            found=f"{len(recipe.rods)} rods" if len(recipe.rods) != 1 else "a curved rod",
            allowed="one straight rod",
            remedy="use a three-dimensional mesh",
        )
    (rod,) = recipe.rods
    tip, hub = np.array(rod.path_mm[0]), np.array(rod.path_mm[-1])
    axis = (hub - tip) / np.linalg.norm(hub - tip)

    def on_axis(point: Point) -> Point:
        return 0.0, float((np.array(point) - tip) @ axis), 0.0

    return replace(
        recipe,
        region=Sphere(on_axis(recipe.region.centre_mm), recipe.region.bounding_radius_mm),
        rods=(replace(rod, path_mm=(on_axis(rod.path_mm[0]), on_axis(rod.path_mm[-1]))),),
        focus_mm=tuple(tuple(on_axis(point) for point in path) for path in recipe.focus_mm),
    )
