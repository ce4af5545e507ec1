# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closed surfaces (VTK, VTP, STL, PLY; LPS mm) and their rasterisation (pyvista).

Surface files carry no frame; they are taken as LPS, as 3D Slicer writes them since version 4.11.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.label_names import LabelNames, given_names, painted, painting_order
from imagio_sim.anatomy.provenance import hashes
from imagio_sim.anatomy.volume import ClosedSurface, Grid, LabelVolume
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    import pyvista as pv

SUFFIXES = (".vtk", ".vtp", ".stl", ".ply")
SPACING_MM = 1.0
"""Spacing of the grid that is made where none is given (design: surfaces come onto a 1 mm LPS grid)."""
MARGIN_MM = 10.0


def surface_files(folder: Path) -> list[Path]:
    """Surface files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def read_surfaces(
    paths: Sequence[Path],
    *,
    names: LabelNames,
    structures: Sequence[str] | None,
    reference: Grid | None,
    largest_component: bool,
) -> LabelVolume:
    """Surface files as labels 1, 2, ... named by their file stems (or ``names``), on ``reference`` or a 1 mm grid.

    Where they overlap the first in ``structures`` wins, without it the smaller one. With ``largest_component`` only the
    largest connected piece of each surface is kept.
    """
    where = str(paths[0].parent if len(paths) > 1 else paths[0])
    own = {number: path.stem for number, path in enumerate(paths, start=1)}
    labels = given_names(own, names, where=where)
    order = painting_order(labels, structures, where=where)
    chosen = {number: paths[number - 1] for number in order}
    surfaces = {
        labels[number]: read_surface(path, largest_component=largest_component) for number, path in chosen.items()
    }
    if structures is None:
        order.sort(key=lambda number: -surfaces[labels[number]].volume_ml)
    grid = reference or grid_around(surfaces.values())
    return rasterised_all({number: labels[number] for number in order}, surfaces, grid, hashes(chosen.values()))


def rasterised_all(
    names: Mapping[int, str], surfaces: Mapping[str, ClosedSurface], grid: Grid, files: Mapping[str, str]
) -> LabelVolume:
    """Labels in the order of ``names``, which is the order they are painted in: the last wins."""
    masks = ((number, rasterised(surfaces[name], grid)) for number, name in names.items())
    return LabelVolume(painted(grid.shape, masks), grid, names, files=files, surfaces=surfaces)


def read_surface(path: Path, *, largest_component: bool) -> ClosedSurface:
    """One closed surface; an open or unreadable one is refused."""
    import pyvista as pv

    try:
        with failures_as_errors():
            mesh = pv.read(path)
    except (OSError, ValueError, RuntimeError, UserWarning) as error:
        raise unusable(path, "a file that VTK cannot read") from error
    if not isinstance(mesh, pv.PolyData) or mesh.n_cells == 0:
        raise unusable(path, f"{type(mesh).__name__} with {mesh.n_cells if mesh is not None else 0} cells")
    # STL stores every triangle's corners on their own; without merging them every edge would count as open.
    surface = mesh.triangulate().clean()
    if surface.n_open_edges:
        raise unusable(path, f"an open surface ({surface.n_open_edges} edges without a neighbour)")
    if largest_component:
        surface = largest_by_volume(surface)
    surface = surface.compute_normals(point_normals=False, auto_orient_normals=True)
    return ClosedSurface(np.asarray(surface.points, dtype=float), np.asarray(surface.regular_faces, dtype=np.int64))


@contextmanager
def failures_as_errors() -> Iterator[None]:
    """Raise where pyvista would warn and go on with half a file, without VTK's own complaints on the root logger."""
    import pyvista as pv

    logging.disable(logging.ERROR)
    try:
        with pv.vtk_verbosity("off"), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            yield
    finally:
        logging.disable(logging.NOTSET)


def unusable(path: Path, found: str) -> InputError:
    """Refusal of a file that is no closed surface."""
    return InputError(
        str(path),
        found=found,
        allowed="a closed triangulated surface (VTK, VTP, STL or PLY, LPS mm)",
        remedy="close the surface (3D Slicer: Surface Toolbox) and export it again",
    )


def largest_by_volume(surface: pv.PolyData) -> pv.PolyData:
    """Find the connected piece that encloses the largest volume."""
    pieces = surface.connectivity("all").split_bodies()
    surfaces: list[pv.PolyData] = [piece.extract_surface(algorithm=None).triangulate() for piece in pieces]
    return max(surfaces, key=lambda piece: float(piece.volume))


def grid_around(surfaces: Iterable[ClosedSurface]) -> Grid:
    """1 mm LPS grid around all surfaces, with a margin."""
    corners = np.array([[surface.points_mm.min(axis=0), surface.points_mm.max(axis=0)] for surface in surfaces])
    lower, upper = corners[:, 0].min(axis=0) - MARGIN_MM, corners[:, 1].max(axis=0) + MARGIN_MM
    # Whole millimetres, so that the same surfaces give the same grid whatever their last digits.
    return Grid.around(np.floor(lower), np.ceil(upper), SPACING_MM)


def rasterised(surface: ClosedSurface, grid: Grid) -> NDArray[np.bool_]:
    """Voxels (i, j, k) whose centres lie inside the surface. Done in voxel indices, so any oblique grid will do."""
    import pyvista as pv

    inside = np.zeros(grid.shape, dtype=bool)
    index = grid.to_index(surface.points_mm)
    lower = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    upper = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, grid.shape)
    size = upper - lower
    if np.any(size < 1):
        return inside
    mesh = pv.PolyData(index - lower, np.insert(surface.triangles, 0, 3, axis=1).ravel())
    # The stencil filter needs more than one slice per axis; the spare ones are cut off again.
    block = pv.ImageData(dimensions=(int(size[0]) + 1, int(size[1]) + 1, int(size[2]) + 1))
    filled = mesh.voxelize_binary_mask(reference_volume=block).point_data["mask"]
    values = np.asarray(filled).reshape(block.dimensions, order="F")[tuple(slice(0, count) for count in size)]
    inside[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))] = values > 0
    return inside


def is_surfaces_only(volume: LabelVolume) -> bool:
    """Whether every label came from a closed surface, so that the volume can be had on any grid."""
    return bool(volume.surfaces) and set(volume.names.values()) == set(volume.surfaces)


def on_grid(volume: LabelVolume, grid: Grid) -> LabelVolume:
    """Volume made of surfaces alone, rasterised again on another grid in the same order."""
    return rasterised_all(volume.names, volume.surfaces, grid, volume.files)
