# SPDX-License-Identifier: LGPL-3.0-or-later
"""The child process that meshes an antenna: ``python -m imagio_sim.meshing.antenna_worker RECIPE.json OUT.npz``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import gmsh
import numpy as np

from imagio_sim.meshing.antenna import (
    METAL,
    TISSUE,
    AntennaRecipe,
    Floats,
    Integers,
    Outline,
    materials_of,
    recipe_from_json,
)

Entity = tuple[int, int]

_DELAUNAY_2D = 5
_TRIANGLE = 2
# Growth of the size per mm off slots and shaft.
_GROWTH = 0.2
# Distances are measured to points on the outline of the antenna this far apart.
_SAMPLING_MM = 0.25


def main(recipe_file: Path, output_file: Path) -> None:
    """Mesh a recipe and write ``points`` (n, 3) [mm], ``cells`` (m, 3) and ``material`` (m,) to an npz file."""
    recipe = recipe_from_json(recipe_file.read_text(encoding="utf-8"))
    gmsh.initialize(interruptible=False)
    try:
        gmsh.option.setNumber("General.NumThreads", 1)
        gmsh.option.setNumber("Mesh.Algorithm", _DELAUNAY_2D)
        faces = _add_faces(recipe)
        _set_sizes(recipe, faces)
        gmsh.model.mesh.generate(2)
        points, cells, material = _collected(recipe, faces)
    finally:
        gmsh.finalize()
    np.savez(output_file, points=points, cells=cells, material=material)


def _add_faces(recipe: AntennaRecipe) -> dict[str, list[int]]:
    """The faces of each material; metal is removed."""
    occ = gmsh.model.occ
    disc = (2, _half_disc(recipe.centre_mm, recipe.radius_mm))
    body = (2, _polygon(recipe.surface_mm))
    parts = [(2, _polygon(part.outline_mm)) for part in recipe.parts]
    _, pieces = occ.fragment([disc], [body, *parts])
    occ.synchronize()
    disc_pieces, body_pieces = set(pieces[0]), set(pieces[1])
    owner = dict.fromkeys(disc_pieces - body_pieces, TISSUE)
    for part, found in zip(recipe.parts, pieces[2:], strict=True):
        owner |= dict.fromkeys(set(found) & disc_pieces & body_pieces, part.material)
    kept = {piece: material for piece, material in owner.items() if material != METAL}
    everything = {piece for found in pieces for piece in found}
    occ.remove(sorted(everything - set(kept)), recursive=True)
    occ.synchronize()
    faces: dict[str, list[int]] = {}
    for (_, tag), material in sorted(kept.items()):
        faces.setdefault(material, []).append(tag)
    return faces


def _half_disc(centre: float, radius: float) -> int:
    """The face between a half circle about a point of the axis and the axis."""
    occ = gmsh.model.occ
    middle = occ.addPoint(0.0, centre, 0.0)
    ends = [occ.addPoint(*place, 0.0) for place in ((0.0, centre - radius), (radius, centre), (0.0, centre + radius))]
    curves = [occ.addCircleArc(first, middle, second) for first, second in pairwise(ends)]
    curves.append(occ.addLine(ends[-1], ends[0]))
    occ.remove([(0, middle)])
    return int(occ.addPlaneSurface([occ.addCurveLoop(curves)]))


def _polygon(outline: Outline) -> int:
    """The face within a polygon."""
    occ = gmsh.model.occ
    points = [occ.addPoint(r, z, 0.0) for r, z in outline]
    curves = [occ.addLine(first, second) for first, second in pairwise([*points, points[0]])]
    return int(occ.addPlaneSurface([occ.addCurveLoop(curves)]))


def _set_sizes(recipe: AntennaRecipe, faces: dict[str, list[int]]) -> None:
    """Fine at the rims of slots and inside the antenna, growing off it through the heated tissue."""
    sizes, field = recipe.sizes, gmsh.model.mesh.field
    top = recipe.centre_mm + recipe.radius_mm
    rims = _distance(recipe.edges_mm)
    shaft = _distance(_sampled([(r, min(z, top)) for r, z in recipe.surface_mm if r > 0.0 or z < top]))
    run_up = (sizes.zone_mm - sizes.shaft_mm) / _GROWTH
    off_shaft = [
        _growing(shaft, 0.0, sizes.shaft_mm, sizes.zone_mm),
        # The same line again, begun where it is as fine as the shaft, so that the larger of the two is the right one.
        _growing(shaft, recipe.reach_mm - run_up, sizes.shaft_mm, sizes.far_mm),
    ]
    inside = field.add("Restrict")
    field.setNumber(inside, "InField", _constant(sizes.inside_mm))
    own = [tag for material, tags in faces.items() if material != TISSUE for tag in tags]
    field.setNumbers(inside, "SurfacesList", own)
    off_rims = _growing(rims, 0.0, sizes.slot_mm, sizes.far_mm)
    field.setAsBackgroundMesh(_combined("Min", [off_rims, _combined("Max", off_shaft), inside]))
    for source in ("ExtendFromBoundary", "FromPoints", "FromCurvature"):
        gmsh.option.setNumber(f"Mesh.MeshSize{source}", 0)


def _sampled(outline: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points along a polyline."""
    points: list[tuple[float, float]] = []
    for first, second in pairwise(outline):
        count = max(2, int(np.ceil(np.hypot(*np.subtract(second, first)) / _SAMPLING_MM)) + 1)
        points += [(float(r), float(z)) for r, z in np.linspace(first, second, count)]
    return points


def _distance(places: Sequence[tuple[float, float]]) -> int:
    """A field that holds the distance from points."""
    tags = [gmsh.model.occ.addPoint(r, z, 0.0) for r, z in places]
    gmsh.model.occ.synchronize()
    number = gmsh.model.mesh.field.add("Distance")
    gmsh.model.mesh.field.setNumbers(number, "PointsList", tags)
    return int(number)


def _growing(distance: int, kept: float, least: float, most: float) -> int:
    """A size that is the least up to some distance, then grows to the most."""
    field = gmsh.model.mesh.field
    number = field.add("Threshold")
    field.setNumber(number, "InField", distance)
    values = {"DistMin": kept, "SizeMin": least, "DistMax": kept + (most - least) / _GROWTH, "SizeMax": most}
    for name, value in values.items():
        field.setNumber(number, name, value)
    return int(number)


def _constant(size: float) -> int:
    number = gmsh.model.mesh.field.add("MathEval")
    gmsh.model.mesh.field.setString(number, "F", f"{size!r}")
    return int(number)


def _combined(kind: str, fields: Sequence[int]) -> int:
    """The smaller (``Min``) or larger (``Max``) of several fields."""
    number = gmsh.model.mesh.field.add(kind)
    gmsh.model.mesh.field.setNumbers(number, "FieldsList", list(fields))
    return int(number)


def _collected(recipe: AntennaRecipe, faces: dict[str, list[int]]) -> tuple[Floats, Integers, Integers]:
    """All nodes (n, 3), the triangles (m, 3) as rows of them, and the number of each triangle's material."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    row = np.zeros(int(tags.max()) + 1, dtype=np.int64)
    row[tags.astype(np.int64)] = np.arange(len(tags))
    cells, material = [], []
    for number, name in enumerate(materials_of(recipe)):
        for face in faces.get(name, []):
            _, nodes = gmsh.model.mesh.getElementsByType(_TRIANGLE, face)
            cells.append(row[nodes.astype(np.int64)].reshape(-1, 3))
            material.append(np.full(len(cells[-1]), number))
    return coordinates.reshape(-1, 3), np.concatenate(cells), np.concatenate(material)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
