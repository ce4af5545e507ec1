# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exact OpenCASCADE solids of regions and rods. Runs in the child process that holds gmsh; lengths in mm.

A rod's solid is split at its section ends, so that the ends of electrodes are edges of the mesh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product

import gmsh
import numpy as np

from imagio_sim.meshing.centre_line import is_straight, project
from imagio_sim.meshing.curve import Arc, Line, Stretch, Vector, smooth_runs
from imagio_sim.meshing.recipe import MeshRecipe, RodShape, ShellRecipe
from imagio_sim.meshing.region import Capsule, Region, Sphere

Entity = tuple[int, int]
# Distance from an axis and height along it.
Place = tuple[float, float]
# Centre of an ellipse and a point where its major axis meets it.
Ellipse = tuple[Place, Place]

# Ends of sections closer together than this would make slivers.
_SAME_ARC_MM = 1e-3
# Spacing of the points through which a spline is handed over.
_SPLINE_SPACING_MM = 2.0
# Points at which the seam of a region is compared with the rods.
_SEAM_POINTS = 73
# Directions in which the poles of a ball may lie.
_AXES_OF_A_BALL = [np.array(axis) / math.hypot(*axis) for axis in product((0.0, 1.0), repeat=3) if any(axis)]
# Sectors into which a pointed rod is divided.
_CONE_SECTORS = 4


def add_domain(recipe: MeshRecipe) -> None:
    """The region with all rods cut out of it."""
    pieces = [piece for rod in recipe.rods for piece in add_rod(rod)]
    region = add_region(recipe.region, recipe.rods)
    if pieces:
        gmsh.model.occ.cut([region], pieces)
    gmsh.model.occ.synchronize()


def add_half_plane(recipe: MeshRecipe) -> None:
    """The r-z half plane (x = r, y = z) of a recipe whose region is a sphere and whose rod, if any, lies along +y."""
    centre, radius = recipe.region.centre_mm[1], recipe.region.bounding_radius_mm
    half_disc = [(0.0, centre - radius), (radius, centre), (0.0, centre + radius)]
    circle = ((0.0, centre), (radius, centre))
    whole = _add_outline(half_disc, {0: circle, 1: circle}, _in_plane(0.0))
    for rod in recipe.rods:
        gmsh.model.occ.cut([(2, whole)], [(2, _add_outline(*straight_outline(rod), _in_plane(rod.path_mm[0][1])))])
    gmsh.model.occ.synchronize()


def _in_plane(tip: float) -> Callable[[Place], tuple[float, ...]]:
    """Where a place of the half plane lies, its height counted from a tip on the axis."""
    return lambda place: (place[0], tip + place[1], 0.0)


def add_shell(recipe: ShellRecipe) -> None:
    """The space between two spheres about the origin, or a ball."""
    occ = gmsh.model.occ
    outer = occ.addSphere(0.0, 0.0, 0.0, recipe.outer_mm)
    if recipe.inner_mm > 0.0:
        occ.cut([(3, outer)], [(3, occ.addSphere(0.0, 0.0, 0.0, recipe.inner_mm))])
    occ.synchronize()


def add_region(region: Region, rods: Sequence[RodShape]) -> Entity:
    """The solid of a region of interest, turned so that no rod leaves it through a pole or near its seam."""
    leaving = [rod for rod in rods if region.signed_distance_mm(rod.path_mm).max() > 0.0]
    if isinstance(region, Sphere):
        return _add_capsule(np.array(region.centre_mm), np.array(region.centre_mm), region.radius_mm, leaving)
    if isinstance(region, Capsule):
        return _add_capsule(np.array(region.start_mm), np.array(region.end_mm), region.radius_mm, leaving)
    return 3, gmsh.model.occ.addBox(*region.lower_mm, *np.subtract(region.upper_mm, region.lower_mm))


def _add_capsule(start: Vector, end: Vector, radius: float, leaving: Sequence[RodShape]) -> Entity:
    """A capsule, or a ball when both ends are the same, turned about its axis in one piece."""
    length = float(np.linalg.norm(end - start))
    if length > 0.0:
        axes = [np.asarray((end - start) / length)]
        outline = [(0.0, -radius), (radius, 0.0), (radius, length), (0.0, length + radius)]
        arcs = {0: ((0.0, 0.0), (radius, 0.0)), 2: ((0.0, length), (radius, length))}
    else:
        axes = _AXES_OF_A_BALL
        outline = [(0.0, -radius), (radius, 0.0), (0.0, radius)]
        arcs = dict.fromkeys((0, 1), ((0.0, 0.0), (radius, 0.0)))
    turns = [(axis, across) for axis in axes for across in _directions_across(axis)]
    clearances = [_clearance(_seam(start, *turn, length, radius), leaving) for turn in turns]
    return _turned(start, *turns[int(np.argmax(clearances))], outline, arcs)[0]


def _seam(start: Vector, axis: Vector, across: Vector, length: float, radius: float) -> Vector:
    """Points (s, 3) near the line along which a turned capsule closes."""
    angles = np.linspace(-math.pi / 2.0, math.pi / 2.0, _SEAM_POINTS)
    bow = radius * (np.outer(np.cos(angles), across) + np.outer(np.sin(angles), axis))
    return np.asarray(start + bow + length * np.outer(np.linspace(0.0, 1.0, _SEAM_POINTS), axis))


def _clearance(points: Vector, rods: Sequence[RodShape]) -> float:
    """Smallest distance of points to centre lines."""
    return min((float(project(rod.path_mm, points)[0].min()) for rod in rods), default=0.0)


def _directions_across(axis: Vector) -> list[Vector]:
    """Twelve unit vectors at right angles to an axis, all round it."""
    first = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    turns = np.arange(12) * math.pi / 6.0
    return list(np.outer(np.cos(turns), first) + np.outer(np.sin(turns), second))


def add_rod(rod: RodShape) -> list[Entity]:
    """The solids of a rod: one or its sectors when it is straight, several when it is curved."""
    return _add_straight(rod) if is_straight(rod.path_mm) else _add_curved(rod)


def _section_ends(rod: RodShape, start: float, end: float) -> list[float]:
    """Arc lengths strictly between start and end at which a section begins or ends."""
    ends = sorted({arc for _, first, last in rod.sections for arc in (first, last)})
    return [arc for arc in ends if start + _SAME_ARC_MM < arc < end - _SAME_ARC_MM]


def straight_outline(rod: RodShape) -> tuple[list[Place], dict[int, Ellipse]]:
    """Outline of a straight rod from its tip to its hub end, and the ellipses on which some of its stretches lie.

    It has a point at every section end.
    """
    outline, arcs = _tip_outline(rod)
    ends = [*_section_ends(rod, rod.pointed_mm, rod.length_mm), rod.length_mm]
    return [*outline, *((rod.radius_mm, height) for height in ends), (0.0, rod.length_mm)], arcs


def _tip_outline(rod: RodShape) -> tuple[list[Place], dict[int, Ellipse]]:
    """Outline of a rod's tip (cone, half ellipsoid or disc) from the axis to the full radius."""
    if rod.pointed_mm == 0.0:
        return [(0.0, 0.0), (rod.radius_mm, 0.0)], {}
    heights = np.array([0.0, *_section_ends(rod, 0.0, rod.pointed_mm), rod.pointed_mm])
    outline = [
        (float(radius), float(height)) for radius, height in zip(rod.radius_at_mm(heights), heights, strict=True)
    ]
    if rod.tip == "cone":
        return outline, {}
    ellipse = ((0.0, rod.pointed_mm), outline[0] if rod.pointed_mm > rod.radius_mm else outline[-1])
    return outline, dict.fromkeys(range(len(outline) - 1), ellipse)


def _add_straight(rod: RodShape) -> list[Entity]:
    """A straight rod, turned about its axis."""
    tip, hub = np.array(rod.path_mm[0]), np.array(rod.path_mm[-1])
    axis = (hub - tip) / np.linalg.norm(hub - tip)
    return _turned(tip, axis, _directions_across(axis)[0], *straight_outline(rod), sectors=_sectors(rod))


def _sectors(rod: RodShape) -> int:
    """Into how many sectors a rod is divided: near the point of a whole cone gmsh makes the same facet twice."""
    return _CONE_SECTORS if rod.tip == "cone" else 1


def _turned(
    origin: Vector,
    axis: Vector,
    across: Vector,
    outline: Sequence[Place],
    arcs: Mapping[int, Ellipse],
    sectors: int = 1,
) -> list[Entity]:
    """The body of revolution of an outline that begins and ends on the axis, in equal sectors.

    The first sector begins on the side ``across``.
    """
    face = (2, _add_outline(outline, arcs, lambda place: tuple(origin + place[0] * across + place[1] * axis)))
    solids, faces = [], [face]
    for _ in range(sectors):
        swept = gmsh.model.occ.revolve([faces[-1]], *origin, *axis, 2.0 * math.pi / sectors)
        solids.append(_solid_among(swept))
        faces.append(swept[0])
    gmsh.model.occ.remove([face], recursive=True)
    return solids


def _add_outline(
    outline: Sequence[Place], arcs: Mapping[int, Ellipse], position: Callable[[Place], tuple[float, ...]]
) -> int:
    """The plane face between an outline and the axis."""
    occ = gmsh.model.occ
    points = [occ.addPoint(*position(place)) for place in outline]
    curves, scaffold = [], []
    for number, (first, second) in enumerate(pairwise(points)):
        if number not in arcs:
            curves.append(occ.addLine(first, second))
            continue
        centre, major = (occ.addPoint(*position(place)) for place in arcs[number])
        scaffold += [(0, centre), (0, major)]
        round_arc = math.isclose(
            math.dist(outline[number], arcs[number][0]), math.dist(outline[number + 1], arcs[number][0])
        )
        curves.append(
            occ.addCircleArc(first, centre, second) if round_arc else occ.addEllipseArc(first, centre, major, second)
        )
    curves.append(occ.addLine(points[-1], points[0]))
    occ.remove(scaffold)
    return int(occ.addPlaneSurface([occ.addCurveLoop(curves)]))


def _add_curved(rod: RodShape) -> list[Entity]:
    """Pipes along the stretches of a curved rod, a tip at the distal end and a ball at every sharp corner."""
    runs = smooth_runs(rod.path_mm)
    side = _seam_side([stretch for run in runs for stretch in run])
    solids = _add_tip(rod, *runs[0][0].at(rod.pointed_mm), side) if rod.pointed_mm else []
    for run in runs:
        for stretch in run:
            start = max(stretch.start, rod.pointed_mm)
            places = [start, *_section_ends(rod, start, stretch.end), stretch.end]
            solids += [_add_pipe(stretch, first, second, rod.radius_mm, side) for first, second in pairwise(places)]
    corners = [run[0].at(run[0].start)[0] for run in runs[1:]]
    return solids + [(3, gmsh.model.occ.addSphere(*corner, rod.radius_mm)) for corner in corners]


def _seam_side(stretches: Sequence[Stretch]) -> Vector:
    """The direction in which the seams of all pieces of a rod lie.

    Seams that do not meet leave slivers of edges between pieces; the axis of an arc stays where it is along the arc.
    """
    axes = [stretch.axis for stretch in stretches if isinstance(stretch, Arc)]
    return axes[0] if axes else _directions_across(stretches[0].at(stretches[0].start)[1])[0]


def _add_tip(rod: RodShape, top: Vector, direction: Vector, side: Vector) -> list[Entity]:
    """The tip of a curved rod, straight along the direction in which the rod begins."""
    outline, arcs = _tip_outline(rod)
    apex, across = top - rod.pointed_mm * direction, _perpendicular(side, direction)
    return _turned(apex, direction, across, [*outline, (0.0, rod.pointed_mm)], arcs, _sectors(rod))


def _perpendicular(side: Vector, direction: Vector) -> Vector:
    """The unit vector nearest to ``side`` at right angles to a unit direction."""
    across = side - (side @ direction) * direction
    return np.asarray(across / np.linalg.norm(across))


def _add_pipe(stretch: Stretch, start: float, end: float, radius: float, side: Vector) -> Entity:
    """A round pipe along a stretch between two arc lengths, its seam on a side."""
    occ = gmsh.model.occ
    point, direction = stretch.at(start)
    disc = [
        (2, occ.addDisk(*point, radius, radius, zAxis=list(direction), xAxis=list(_perpendicular(side, direction))))
    ]
    if isinstance(stretch, Line):
        swept = occ.extrude(disc, *((end - start) * direction))
    elif isinstance(stretch, Arc):
        swept = occ.revolve(disc, *stretch.centre, *stretch.axis, stretch.angle(end) - stretch.angle(start))
    else:
        spine = _add_spine(stretch, start, end)
        swept = occ.addPipe(disc, occ.addWire([spine]), "DiscreteTrihedron")
        occ.remove([(1, spine)], recursive=True)
    occ.remove(disc, recursive=True)
    return _solid_among(swept)


def _add_spine(stretch: Stretch, start: float, end: float) -> int:
    """The curve along which a pipe is drawn."""
    count = max(3, math.ceil((end - start) / _SPLINE_SPACING_MM) + 1)
    points = [gmsh.model.occ.addPoint(*stretch.at(arc)[0]) for arc in np.linspace(start, end, count)]
    tangents = [*stretch.at(start)[1], *stretch.at(end)[1]]
    return int(gmsh.model.occ.addSpline(points, tangents=tangents))


def _solid_among(entities: Sequence[Entity]) -> Entity:
    """The one volume among what a sweep returns."""
    return next(entity for entity in entities if entity[0] == 3)
