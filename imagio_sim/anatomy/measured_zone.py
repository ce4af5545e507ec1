# SPDX-License-Identifier: LGPL-3.0-or-later
"""A zone as it was measured after a treatment: label map, closed surface, or histology slices with a known pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from imagio_sim.anatomy.provenance import hashes, require
from imagio_sim.anatomy.read import Format, format_of, read_labels
from imagio_sim.anatomy.slice_stack import read_slice_stack
from imagio_sim.anatomy.smooth_surface import organ_blur_mm, smooth_surface
from imagio_sim.anatomy.surfaces import read_surface
from imagio_sim.anatomy.volume import ClosedSurface
from imagio_sim.errors import InputError

Kind = Literal["label map", "surface", "slices"]
FORMATS = "NIfTI, NRRD, .seg.nrrd, DICOM-SEG, a closed surface (VTK, VTP, STL, PLY; LPS mm), or slices (YAML)"
_SLICES = (".yaml", ".yml")
_LABELS: tuple[Format, ...] = ("nifti", "nrrd", "segmentation nrrd", "dicom-seg")


@dataclass(frozen=True, eq=False)
class MeasuredZone:
    """A measured zone in LPS mm.

    Attributes
    ----------
    surface
        Closed, oriented outwards.
    kind
        What it was read from.
    resolution_mm
        Largest distance between neighbouring voxels or slices; None for a surface.
    frame_of_reference
        DICOM UID of its coordinate system; empty where the file has none.
    length_ratio
        Length after by length before the specimen was fixed and cut, as the file states it; None where it says nothing.
    notice
        What everyone must be told who sees it, such as that it is synthetic.
    """

    surface: ClosedSurface
    kind: Kind
    origin: str
    resolution_mm: float | None = None
    frame_of_reference: str = ""
    length_ratio: float | None = None
    notice: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def read_measured_zone(path: Path, *, structure: str | None = None) -> MeasuredZone:
    """Read a zone; ``structure`` names the label where the file has several.

    Raises
    ------
    InputError
        Nothing that can be read, several structures without a choice, or an empty zone.
    """
    require(path, FORMATS)
    if path.suffix.lower() in _SLICES:
        return _of_slices(path)
    found = format_of(path)
    if found == "surfaces" and path.is_file():
        surface = read_surface(path, largest_component=False).outward()
        return MeasuredZone(_not_empty(surface, path), "surface", str(path), files=hashes([path]))
    if found not in _LABELS:
        raise InputError(
            str(path),
            found="a file or folder of no known format" if found is None else f"{found}",
            allowed=FORMATS,
            remedy="export the zone from 3D Slicer as a segmentation",
        )
    return _of_labels(path, found, structure)


def _of_slices(path: Path) -> MeasuredZone:
    stack = read_slice_stack(path)
    return MeasuredZone(
        _not_empty(stack.surface(), path),
        "slices",
        str(path),
        resolution_mm=float(np.diff(stack.heights_mm).max()),
        length_ratio=stack.length_ratio,
        notice=stack.notice,
        files=hashes([path]),
    )


def _of_labels(path: Path, found: Format, structure: str | None) -> MeasuredZone:
    volume = read_labels(path, structures=None if structure is None else [structure])
    mask = volume.labels > 0
    if not mask.any():
        raise _empty(path)
    present = [volume.names[int(number)] for number in np.unique(volume.labels) if number > 0]
    if len(set(present)) > 1:
        raise InputError(
            str(path),
            found=f"{len(present)} structures ({', '.join(present)})",
            allowed="one zone",
            remedy="choose it with --structure",
        )
    return MeasuredZone(
        smooth_surface(mask, volume.grid, blur_mm=organ_blur_mm(volume.grid), where=str(path)),
        "label map",
        str(path),
        resolution_mm=float(volume.grid.spacing_mm.max()),
        frame_of_reference=frame_of_reference(path) if found == "dicom-seg" and path.is_file() else "",
        files=volume.files,
    )


def _not_empty(surface: ClosedSurface, path: Path) -> ClosedSurface:
    if not len(surface.triangles):
        raise _empty(path)
    return surface


def _empty(path: Path) -> InputError:
    return InputError(
        str(path), found="an empty zone", allowed="a zone of at least one voxel or outline", remedy="check the file"
    )


def frame_of_reference(path: Path) -> str:
    """UID of the coordinate system of a DICOM file."""
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["FrameOfReferenceUID"])
    return str(header.get("FrameOfReferenceUID", ""))
