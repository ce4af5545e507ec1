# SPDX-License-Identifier: LGPL-3.0-or-later
"""Files with which ParaView, 3D Slicer and DICOM viewers show a run: surfaces, a view, a scene, maps of temperature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import imagio_sim
from imagio_sim.anatomy.dicom_series import find_series
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.export.dicom_map import LOWEST_TEMPERATURE, PEAK_TEMPERATURE, write_dicom_map
from imagio_sim.export.label_maps import fine_grid
from imagio_sim.export.markups import write_line
from imagio_sim.export.nrrd_file import Segment, write_image, write_segmentation
from imagio_sim.export.paraview import ShownSurface, write_paraview_view
from imagio_sim.export.slicer_scene import write_slicer_scene
from imagio_sim.export.surfaces import write_applicators, write_surface
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.transfer import VoxelTransfer
from imagio_sim.outcome.surface import Surface
from imagio_sim.tissue.death import COLD, HEAT
from imagio_sim.view.scene import (
    ORGAN_COLOUR,
    STRUCTURE_COLOUR,
    TARGET_COLOUR,
    VESSEL_COLOUR,
    ZONE_COLOUR,
    Scene,
)

Floats = NDArray[np.float64]

SURFACES, SLICER = "surfaces", "slicer"
_APPLICATORS, _IMAGE, _SEGMENTATION = "applicators.vtu", "image.nrrd", "zone_and_target.seg.nrrd"
# Image shown around zone and target [mm].
_AROUND_MM = 60.0


def write_viewer_files(folder: Path, scene: Scene, anatomy: Anatomy, *, series: Sequence[str]) -> None:
    """Write ``surfaces/``, ``paraview_view.py`` and ``slicer/`` into the folder of a run.

    Parameters
    ----------
    scene
        What there is to show.
    anatomy
        The patient, for what the labels say of each point.
    series
        Names of the field series in the folder.
    """
    (folder / SURFACES).mkdir(exist_ok=True)
    (folder / SLICER).mkdir(exist_ok=True)
    shown = list(_surfaces(folder, scene))
    rods = any(one.rods for one in scene.applicators)
    if rods:
        write_applicators(folder / SURFACES / _APPLICATORS, scene.applicators)
    write_paraview_view(
        folder / "paraview_view.py",
        title=scene.title,
        series=series,
        surfaces=shown,
        applicators=f"{SURFACES}/{_APPLICATORS}" if rods else None,
    )
    _write_slicer(folder / SLICER, scene, anatomy)


def write_dicom_maps(
    folder: Path,
    fields: Mapping[str, Floats],
    domain: Domain,
    series: Path,
    grid: Grid,
    *,
    plan: str,
    agents: Sequence[str],
) -> tuple[str, ...]:
    """Write the extreme temperatures of a plan that heats or freezes as Parametric Maps; why one was not written.

    Parameters
    ----------
    fields
        Final ones on the nodes of ``domain``.
    series, grid
        Folder of the DICOM series of the plan, and its voxels.
    """
    wanted = {
        HEAT: ("peak_temperature.dcm", "peak_temperature_degC", PEAK_TEMPERATURE),
        COLD: ("minimum_temperature.dcm", "minimum_temperature_degC", LOWEST_TEMPERATURE),
    }
    files, transfer, notes = find_series(series).files, VoxelTransfer(domain, grid), []
    for agent in [agent for agent in wanted if agent in agents]:
        name, field, quantity = wanted[agent]
        values = transfer.voxel_means(fields[field], outside=np.nan)
        version = imagio_sim.__version__
        reason = write_dicom_map(folder / name, values, grid, files, quantity, plan=plan, version=version)
        notes += [] if reason is None else [f"{name} was not written: {reason}"]
    return tuple(notes)


def _surfaces(folder: Path, scene: Scene) -> Iterator[ShownSurface]:
    """Write every surface that the pictures show, the zone first."""
    single = [("zone", scene.zone.surface, ZONE_COLOUR, 0.5), ("target", scene.target, TARGET_COLOUR, 0.7)]
    single += [(name, surface, VESSEL_COLOUR, 1.0) for name, surface in scene.vessels.items()]
    single += [(name, surface, STRUCTURE_COLOUR, 0.6) for name, surface in scene.structures.items()]
    single += [("organ", scene.organ, ORGAN_COLOUR, 0.15)]
    for name, surface, colour, opacity in single:
        if surface is not None and len(surface.triangles):
            file = f"{SURFACES}/{as_file_name(name)}.vtu"
            write_surface(folder / file, surface.points_mm, surface.triangles)
            yield ShownSurface(file, name, rgb(colour), opacity)


def as_file_name(name: str) -> str:
    """A name as part of a file's."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def rgb(colour: str) -> tuple[float, float, float]:
    """A colour ``#RRGGBB`` as red, green and blue from 0 to 1."""
    red, green, blue = (int(colour[first : first + 2], 16) / 255.0 for first in (1, 3, 5))
    return red, green, blue


def _write_slicer(folder: Path, scene: Scene, anatomy: Anatomy) -> None:
    box = _box(scene)
    if box is not None:
        grid = fine_grid(box)
        write_segmentation(folder / _SEGMENTATION, list(_segments(scene, anatomy, grid)), grid)
    lines = [f"{one.name}.mrk.json" for one in scene.applicators]
    for file, applicator in zip(lines, scene.applicators, strict=True):
        write_line(folder / file, applicator)
    image = None if scene.image is None or box is None else _cropped(scene.image, box)
    if image is not None:
        write_image(folder / _IMAGE, image)
    write_slicer_scene(
        folder / "scene.mrml",
        image=None if image is None else _IMAGE,
        segmentation=None if box is None else _SEGMENTATION,
        lines=lines,
    )


def _box(scene: Scene) -> Floats | None:
    """Corners (2, 3) of a box around zone and target; None where there is neither."""
    surfaces: list[Surface] = [scene.zone.surface, *([] if scene.target is None else [scene.target])]
    points = np.concatenate([surface.points_mm for surface in surfaces])
    return np.array([points.min(axis=0), points.max(axis=0)]) if len(points) else None


def _segments(scene: Scene, anatomy: Anatomy, grid: Grid) -> Iterator[Segment]:
    """Zone, target and critical structures on a grid."""
    points = grid.to_lps(np.indices(grid.shape, dtype=float).reshape(3, -1).T)
    yield Segment("simulated zone", scene.probe.dead(scene.level, points).reshape(grid.shape), rgb(ZONE_COLOUR))
    labels = anatomy.label_at(points).reshape(grid.shape)
    for number, name in anatomy.labels.names.items():
        if name == anatomy.target or name in scene.structures:
            colour = TARGET_COLOUR if name == anatomy.target else STRUCTURE_COLOUR
            yield Segment(name, labels == number, rgb(colour))


def _cropped(image: Image, box_mm: Floats) -> Image:
    """The part of an image around a box (2, 3)."""
    lower, upper = image.grid.voxels_around(box_mm + np.array([[-_AROUND_MM], [_AROUND_MM]]))
    i, j, k = (slice(int(first), int(end)) for first, end in zip(lower, upper, strict=True))
    return Image(image.values[i, j, k], image.grid.part(lower, upper), image.origin)
