# SPDX-License-Identifier: LGPL-3.0-or-later
"""The half plane (r, z) of a coaxial antenna in tissue: what its field is solved on. Lengths in mm, tip at z = 0.

The antenna is a rod (its outer surface) filled with parts of metal or dielectric; metal is cut out, so that its surface
is a boundary. The feed line ends in a port: from there on to the hub it carries nothing but its own wave.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.cache import cache_folder
from imagio_sim.meshing.child import last_lines, run_worker
from imagio_sim.meshing.generate import MeshingFailure
from imagio_sim.meshing.topology import boundary_facets, oriented, without_unused_nodes

METAL = "metal"
TISSUE = "tissue"
AXIS, PORT, OUTER = "axis", "port", "outer"

# To be raised with every change that gives another mesh for the same recipe.
GENERATION = 1
_ON_BOUNDARY_MM = 1e-4

Outline = tuple[tuple[float, float], ...]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class AntennaPart:
    """A polygon (r, z) [mm] of one material; later parts replace earlier ones where they overlap."""

    material: str
    outline_mm: Outline


@dataclass(frozen=True)
class FeedPort:
    """Cross-section of the feed line where the wave comes in: height and radii of its dielectric [mm], permittivity."""

    height_mm: float
    inner_mm: float
    outer_mm: float
    permittivity: float


@dataclass(frozen=True)
class AntennaSizes:
    """Edge lengths [mm]: at the rims of slots, inside the antenna, on it, in the heated tissue around and far away."""

    slot_mm: float = 0.07
    inside_mm: float = 0.25
    shaft_mm: float = 0.4
    zone_mm: float = 1.6
    far_mm: float = 4.5

    def scaled(self, factor: float) -> AntennaSizes:
        """All lengths times a factor."""
        return AntennaSizes(**{name: factor * length for name, length in asdict(self).items()})


@dataclass(frozen=True)
class AntennaRecipe:
    """All that decides the mesh of an antenna.

    Attributes
    ----------
    surface_mm
        Outline of the antenna's outside from the tip on the axis to the radius of the shaft and along it to the hub.
    parts
        What is inside; the first one usually fills all of it.
    centre_mm, radius_mm
        Height of the centre and radius of the half disc of tissue around the antenna.
    edges_mm
        Points (r, z) at which the field is singular, the rims of slots.
    reach_mm
        Distance from the shaft up to which tissue is meshed with the size of the zone.
    """

    surface_mm: Outline
    parts: tuple[AntennaPart, ...]
    port: FeedPort
    centre_mm: float
    radius_mm: float
    edges_mm: Outline
    reach_mm: float
    sizes: AntennaSizes = AntennaSizes()


@dataclass(frozen=True, eq=False)
class AntennaMesh:
    """Linear triangles of the half plane with the material of each.

    Attributes
    ----------
    points_mm
        (n, 2), as (r, z).
    cells
        (m, 3).
    material
        Number (m,) of each cell's material in ``materials``.
    surfaces
        Facets (f, 2) named ``axis``, ``port``, ``outer`` and ``metal``.
    """

    points_mm: Floats
    cells: Integers
    material: Integers
    materials: tuple[str, ...]
    surfaces: Mapping[str, Integers]

    @property
    def in_tissue(self) -> NDArray[np.bool_]:
        """Whether a cell (m,) is tissue."""
        return np.asarray(self.material == self.materials.index(TISSUE))


def antenna_mesh(recipe: AntennaRecipe) -> AntennaMesh:
    """The mesh of a recipe, from the cache or made now and kept."""
    file = cache_folder() / f"antenna-{_key(recipe)}.npz"
    if file.exists():
        try:
            return _named(recipe, *_read(file))
        except (OSError, ValueError, KeyError):  # damaged: made anew below
            file.unlink(missing_ok=True)
    arrays = _generated(recipe)
    _keep(file, *arrays)
    return _named(recipe, *arrays)


def recipe_from_json(text: str) -> AntennaRecipe:
    """The recipe that the parent wrote."""
    data = json.loads(text)
    return AntennaRecipe(
        surface_mm=_outline(data["surface_mm"]),
        parts=tuple(AntennaPart(part["material"], _outline(part["outline_mm"])) for part in data["parts"]),
        port=FeedPort(**data["port"]),
        centre_mm=data["centre_mm"],
        radius_mm=data["radius_mm"],
        edges_mm=_outline(data["edges_mm"]),
        reach_mm=data["reach_mm"],
        sizes=AntennaSizes(**data["sizes"]),
    )


def recipe_to_json(recipe: AntennaRecipe) -> str:
    """Text that holds the whole recipe and is the same for equal recipes."""
    return json.dumps(asdict(recipe), sort_keys=True)


def materials_of(recipe: AntennaRecipe) -> tuple[str, ...]:
    """Names of the materials in the mesh: tissue first, then the dielectrics in the order of the parts."""
    named = [part.material for part in recipe.parts if part.material != METAL]
    return tuple(dict.fromkeys([TISSUE, *named]))


def _outline(points: list[list[float]]) -> Outline:
    return tuple((r, z) for r, z in points)


def _key(recipe: AntennaRecipe) -> str:
    import gmsh

    content = f"{recipe_to_json(recipe)} gmsh {gmsh.GMSH_API_VERSION} generation {GENERATION}"
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _generated(recipe: AntennaRecipe) -> tuple[Floats, Integers, Integers]:
    """Points [mm], cells and material numbers from gmsh."""
    with tempfile.TemporaryDirectory(prefix="imagio-mesh-") as folder:
        recipe_file, output_file = Path(folder, "recipe.json"), Path(folder, "mesh.npz")
        recipe_file.write_text(recipe_to_json(recipe), encoding="utf-8")
        attempt = run_worker(recipe_file, output_file, "delaunay", module="antenna_worker")
        if attempt.return_code:
            raise MeshingFailure(last_lines(attempt.log))
        with np.load(output_file) as arrays:
            points, cells, material = arrays["points"], arrays["cells"], arrays["material"]
    points, cells, _ = without_unused_nodes(points[:, :2], cells)
    return points, oriented(points, cells), material


def _keep(file: Path, points: Floats, cells: Integers, material: Integers) -> None:
    """Write under another name and rename; a folder that cannot be written is done without."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, points=points, cells=cells, material=material)
        os.replace(unfinished, file)
    except OSError:
        return


def _read(file: Path) -> tuple[Floats, Integers, Integers]:
    with np.load(file) as arrays:
        return arrays["points"], arrays["cells"], arrays["material"]


def _named(recipe: AntennaRecipe, points: Floats, cells: Integers, material: Integers) -> AntennaMesh:
    """The mesh with its boundary facets by what they are."""
    facets, _ = boundary_facets(cells)
    corners = points[facets]
    port = recipe.port
    on_axis = np.all(corners[:, :, 0] < _ON_BOUNDARY_MM, axis=1)
    off_centre = np.hypot(corners[:, :, 0], corners[:, :, 1] - recipe.centre_mm)
    on_circle = np.all(np.abs(off_centre - recipe.radius_mm) < _ON_BOUNDARY_MM, axis=1) & ~on_axis
    at_port = np.abs(corners[:, :, 1] - port.height_mm) < _ON_BOUNDARY_MM
    at_port &= (corners[:, :, 0] > port.inner_mm - _ON_BOUNDARY_MM) & (
        corners[:, :, 0] < port.outer_mm + _ON_BOUNDARY_MM
    )
    in_port = np.all(at_port, axis=1)
    surfaces = {
        AXIS: facets[on_axis],
        PORT: facets[in_port],
        OUTER: facets[on_circle],
        METAL: facets[~(on_axis | in_port | on_circle)],
    }
    return AntennaMesh(points, cells, material, materials_of(recipe), surfaces)
