# SPDX-License-Identifier: LGPL-3.0-or-later
"""Applicators and recipes for the meshing tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator, Rod, Section, TipShape, placement
from imagio_sim.meshing.recipe import MeshRecipe, RodShape, Sizes
from imagio_sim.meshing.region import Sphere

Point = tuple[float, float, float]
RADIUS = 0.75
ACTIVE = 20.0
SIZES = Sizes(surface_mm=0.4, zone_mm=1.5, far_mm=5.0, growth=0.3, per_radius=0.55)


def placed(name: str, rods: tuple[Rod, ...], tip: Point, entry: Point) -> PlacedApplicator:
    motion = placement(np.array(tip, float), np.array(entry, float))
    return PlacedApplicator(name, "test device", tuple(rod.moved(motion) for rod in rods), entry, tip)


def needle(
    name: str = "A",
    tip: Point = (0.0, 0.0, -10.0),
    entry: Point = (0.0, 0.0, 90.0),
    shape: TipShape = "cone",
    tip_length: float = 2.0,
) -> PlacedApplicator:
    """A straight needle of radius 0.75 mm with an active section of 20 mm from its tip."""
    section = Section("active", 0.0, ACTIVE, "electrode", 1000.0, 10.0)
    rod = Rod("needle", ((0.0, 0.0, 0.0), (0.0, 0.0, 150.0)), RADIUS, shape, tip_length, (section,))
    return placed(name, (rod,), tip, entry)


def expandable(count: int = 4, turn: float = 12.0) -> PlacedApplicator:
    """A shaft of radius 1 mm with quarter-circle tines of radius 0.3 mm that leave its flat end."""
    section = Section("tip", 0.0, 5.0, "electrode")
    rods = [Rod("shaft", ((0.0, 0.0, 0.0), (0.0, 0.0, 120.0)), 1.0, "flat", 0.0, (section,))]
    angles = np.linspace(np.pi / 2.0, 0.0, 10)
    for number in range(count):
        azimuth = 2.0 * np.pi * number / count
        out = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        arc = (0.6 + turn * (1.0 - np.cos(angles)))[:, None] * out - np.outer(turn * np.sin(angles), [0.0, 0.0, 1.0])
        path = np.vstack([arc, 0.6 * out + [0.0, 0.0, 3.0]])
        points = tuple((float(x), float(y), float(z)) for x, y, z in path)
        bare = Section("tine", 0.0, 10.0, "electrode")
        rods.append(Rod(f"tine_{number + 1}", points, 0.3, "cone", 0.9, (bare,)))
    return placed("T", tuple(rods), (1.0, 2.0, 3.0), (40.0, 50.0, 70.0))


def small_recipe(*applicators: PlacedApplicator, radius: float = 30.0, centre: Point = (0.0, 0.0, 0.0)) -> MeshRecipe:
    """A ball with the applicators in it, meshed within a second or two."""
    rods = tuple(RodShape.of(applicator.name, rod) for applicator in applicators for rod in applicator.rods)
    focus = tuple((rod.path_mm[0],) for rod in rods) or ((centre,),)
    return MeshRecipe(Sphere(centre, radius), rods, focus, 6.0, SIZES)


def ball_points(centre: Point, radius: float, count: int = 300) -> NDArray[np.float64]:
    """Points evenly over a sphere, as the surface of a target."""
    steps = np.arange(count) + 0.5
    polar, turn = np.arccos(1.0 - 2.0 * steps / count), np.pi * (1.0 + np.sqrt(5.0)) * steps
    directions = np.column_stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)])
    return np.asarray(centre + radius * directions)
