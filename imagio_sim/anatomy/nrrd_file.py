# SPDX-License-Identifier: LGPL-3.0-or-later
"""NRRD images and label maps and Slicer's ``.seg.nrrd`` segmentations, with overlapping layers (pynrrd).

Field names of the segmentation header: 3D Slicer developer guide, "Segmentation file format (.seg.nrrd)".
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.frame import affine_to_lps
from imagio_sim.anatomy.label_names import (
    LabelNames,
    given_names,
    keep_structures,
    name_numbers,
    painted,
    painting_order,
    sidecar_names,
)
from imagio_sim.anatomy.nifti import as_labels
from imagio_sim.anatomy.provenance import hashes
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume
from imagio_sim.errors import InputError

FRAMES = {
    "left-posterior-superior": "LPS",
    "right-anterior-superior": "RAS",
    "left-anterior-superior": "LAS",
    "lps": "LPS",
    "ras": "RAS",
    "las": "LAS",
}
Header = Mapping[str, Any]


@dataclass(frozen=True)
class Segment:
    """One segment of a Slicer segmentation: where its voxels are and what it is."""

    name: str
    layer: int
    value: int
    meaning: str


def read_nrrd_image(path: Path) -> Image:
    """Scalar 3-D image."""
    values, header = load(path)
    if values.ndim != 3:
        raise InputError(
            str(path),
            found=f"an array of shape {values.shape}",
            allowed="one scalar 3-D volume",
            remedy="export a single volume",
        )
    return Image(values.astype(np.float32), nrrd_grid(header, path), str(path), files=hashes([path]))


def read_nrrd_labels(path: Path, names: LabelNames, structures: Sequence[str] | None) -> LabelVolume:
    """Label map or segmentation; of overlapping segments the first in ``structures`` wins, without it the later one."""
    values, header = load(path)
    grid = nrrd_grid(header, path)
    segments = segments_of(header)
    if segments:
        return from_segments(values, grid, segments, names, structures, path)
    if values.ndim != 3:
        raise InputError(
            str(path),
            found=f"an array of shape {values.shape} without segments",
            allowed="a 3-D label map or a .seg.nrrd",
            remedy="export it again from 3D Slicer",
        )
    labels = as_labels(values, str(path))
    named = name_numbers(labels, names, sidecar_names(path), where=str(path))
    return keep_structures(LabelVolume(labels, grid, named, files=hashes([path])), structures, where=str(path))


def load(path: Path) -> tuple[NDArray[Any], Header]:
    """Array in index order (layers,) i, j, k and header; a damaged file is refused."""
    import nrrd

    try:
        values, header = nrrd.read(str(path))
    except (nrrd.NRRDError, OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(
            str(path),
            found=f"a file that cannot be decoded ({error})",
            allowed="a complete NRRD file",
            remedy="copy or export the file again",
        ) from error
    return values, header


def nrrd_grid(header: Header, path: Path) -> Grid:
    """Grid of the three spatial axes in LPS mm; refused without a patient frame."""
    frame = FRAMES.get(str(header.get("space", "")).lower())
    directions = np.asarray(header.get("space directions", np.zeros((3, 3))), dtype=float)
    spatial = ~np.isnan(directions).any(axis=1)
    if frame is None or spatial.sum() != 3 or "space origin" not in header:
        raise InputError(
            str(path),
            found=f"space {header.get('space', 'not given')!r} with {int(spatial.sum())} spatial axes",
            allowed=f"one of {', '.join(list(FRAMES)[:3])}, three space directions and a space origin",
            remedy="export it again from 3D Slicer",
        )
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions[spatial].T, header["space origin"]
    i, j, k = np.asarray(header["sizes"])[spatial]
    return Grid((int(i), int(j), int(k)), affine_to_lps(affine, frame))


def segments_of(header: Header) -> list[Segment]:
    """Segments a Slicer header lists, in its order; empty for an ordinary NRRD."""
    count = 0
    while f"Segment{count}_ID" in header:
        count += 1
    return [
        Segment(
            name=str(header.get(f"Segment{n}_Name", header[f"Segment{n}_ID"])),
            layer=int(header.get(f"Segment{n}_Layer", 0)),
            value=int(header.get(f"Segment{n}_LabelValue", 1)),
            meaning=terminology(str(header.get(f"Segment{n}_Tags", ""))),
        )
        for n in range(count)
    ]


def terminology(tags: str) -> str:
    """Type's meaning in a Slicer terminology entry (context~category~type~...), each code scheme^value^meaning."""
    for tag in tags.split("|"):
        key, _, entry = tag.partition(":")
        codes = entry.split("~")
        if key == "TerminologyEntry" and len(codes) > 2:
            return codes[2].split("^")[-1]
    return ""


def from_segments(
    values: NDArray[Any],
    grid: Grid,
    segments: Sequence[Segment],
    names: LabelNames,
    structures: Sequence[str] | None,
    path: Path,
) -> LabelVolume:
    """One label per voxel from a segmentation's layers; label numbers are 1, 2, ... in the order of the header."""
    layers = values if values.ndim == 4 else values[None]
    numbered = dict(enumerate(segments, start=1))
    own = {number: segment.name for number, segment in numbered.items()}
    labels = given_names(own, names, where=str(path))
    order = painting_order(labels, structures, where=str(path))
    masks = ((number, layers[numbered[number].layer] == numbered[number].value) for number in order)
    return LabelVolume(
        painted(grid.shape, masks),
        grid,
        {number: labels[number] for number in sorted(order)},
        files=hashes([path]),
        meanings={labels[number]: numbered[number].meaning for number in order if numbered[number].meaning},
    )
