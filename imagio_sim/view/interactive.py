# SPDX-License-Identifier: LGPL-3.0-or-later
"""The plan in three dimensions to be turned by hand: surfaces for vtk.js, embedded in the report."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagio_sim.outcome.surface import Surface
from imagio_sim.view.scene import (
    MARGIN_BANDS,
    NEEDLE_COLOUR,
    ORGAN_COLOUR,
    STRUCTURE_COLOUR,
    VESSEL_COLOUR,
    ZONE_COLOUR,
    Scene,
    band_of,
)

# More triangles than this per surface show nothing more, and make the page heavy.
_MOST_TRIANGLES = 20_000
_ROD_SIDES, _LEAST_ROD_RADIUS_MM = 12, 0.6
# From where the scene is seen at first, in reaches of the scene: from the patient's front, right and above (LPS).
_VIEWPOINT, _AROUND_MM = np.array([-2.6, -3.6, 1.8]), 15.0


@dataclass(frozen=True, eq=False)
class ShownSurface:
    """A surface under one name, in one colour ``#RRGGBB``."""

    name: str
    surface: Surface
    colour: str
    opacity: float = 1.0


def interactive_scene(scene: Scene) -> dict[str, Any]:
    """What the page needs to draw the scene: plain data, coordinates in mm about its middle."""
    return encoded_scene(list(_shown(scene)), scene.centre_mm, scene.reach_mm)


def encoded_scene(surfaces: Sequence[ShownSurface], middle_mm: NDArray[np.float64], reach_mm: float) -> dict[str, Any]:
    """The same of any surfaces about a point (3,), seen from so far away that ``reach_mm`` around it is in view."""
    shown = [one for one in surfaces if len(one.surface.triangles)]
    return {
        "viewpoint": [float(value) for value in _VIEWPOINT * (reach_mm + _AROUND_MM)],
        "surfaces": [_encoded(number, one, middle_mm) for number, one in enumerate(shown)],
    }


def script_files() -> Mapping[str, str]:
    """The two scripts that a page with such a scene holds: the library, and what draws with it."""
    view = files("imagio_sim.view")
    return {
        "library": view.joinpath("vtk_js", "vtk.js").read_text(encoding="utf-8"),
        "drawing": view.joinpath("interactive.js").read_text(encoding="utf-8"),
    }


def _shown(scene: Scene) -> Iterator[ShownSurface]:
    """The plan first; what one looks through comes last."""
    if scene.applicators:
        yield ShownSurface("applicators", _rods(scene), NEEDLE_COLOUR)
    if scene.target is not None and scene.margins is not None:
        nearest = cKDTree(scene.margins.points_mm).query(scene.target.corners_mm.mean(axis=1))[1]
        bands = band_of(scene.margins.margins_mm[nearest])
        for number, band in enumerate(MARGIN_BANDS):
            part = Surface(scene.target.points_mm, scene.target.triangles[bands == number])
            yield ShownSurface(f"target, {band.label}", part, band.colour)
    for name, surface in scene.vessels.items():
        yield ShownSurface(name, surface, VESSEL_COLOUR)
    for name, surface in scene.structures.items():
        yield ShownSurface(name, surface, STRUCTURE_COLOUR)
    yield ShownSurface(scene.zone_name, scene.zone.surface, ZONE_COLOUR, 0.35)
    if scene.organ is not None:
        yield ShownSurface("organ", scene.organ, ORGAN_COLOUR, 0.15)


def _rods(scene: Scene) -> Surface:
    import pyvista

    paths = [(rod.path_mm, rod.radius_mm) for one in scene.applicators for rod in one.rods]
    paths += [((one.tip_mm, one.entry_mm), 0.0) for one in scene.applicators if not one.rods]  # a beam's axis
    tubes = [
        pyvista.lines_from_points(np.array(path)).tube(
            radius=max(radius, _LEAST_ROD_RADIUS_MM), n_sides=_ROD_SIDES, capping=True
        )
        for path, radius in paths
    ]
    meshes = [tube.triangulate() for tube in tubes]
    offsets = np.cumsum([0, *(mesh.n_points for mesh in meshes[:-1])])
    return Surface(
        np.concatenate([np.asarray(mesh.points, dtype=float) for mesh in meshes]),
        np.concatenate([mesh.regular_faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
    )


def _encoded(number: int, one: ShownSurface, middle_mm: NDArray[np.float64]) -> dict[str, Any]:
    points, triangles = _light(one.surface)
    used, renumbered = np.unique(triangles, return_inverse=True)
    polygons = np.column_stack([np.full(len(triangles), 3), renumbered.reshape(-1, 3)])
    colour = [int(one.colour[first : first + 2], 16) / 255.0 for first in (1, 3, 5)]
    return {
        "number": number,
        "name": one.name,
        "css": one.colour,
        "colour": colour,
        "opacity": one.opacity,
        "points": _base64((points[used] - middle_mm).astype("<f4")),
        "polygons": _base64(polygons.astype("<u4")),
    }


def _light(surface: Surface) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points (n, 3) and triangles (m, 3), with less detail where there is more than anybody sees."""
    import pyvista

    if len(surface.triangles) <= _MOST_TRIANGLES:
        return surface.points_mm, surface.triangles
    mesh = pyvista.PolyData.from_regular_faces(surface.points_mm, surface.triangles)
    # Triangles that share no points would be thinned out one by one.
    fewer = mesh.clean().decimate(1.0 - _MOST_TRIANGLES / len(surface.triangles))
    return np.asarray(fewer.points, dtype=float), fewer.regular_faces.astype(np.int64)


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
