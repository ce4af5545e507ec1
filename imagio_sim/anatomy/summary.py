# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a file holds, in numbers: grid, value range, labels with their volumes and the tissue each would become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagio_sim.anatomy.frame import orientation
from imagio_sim.anatomy.labelling import OrganPack, labelled, organ_pack
from imagio_sim.anatomy.read import format_of, read_image, read_labels
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume

MOST_LABELS = 512
"""A NIfTI or NRRD of whole non-negative numbers is taken for labels when it holds no more different ones."""


@dataclass(frozen=True)
class LabelSummary:
    """One label: number, name, volume, and tissue and role it would become (None: the pack does not know it)."""

    number: int
    name: str
    volume_ml: float
    tissue: str | None
    role: str | None
    nearest_known: str | None
    cut_by_field_of_view: bool


@dataclass(frozen=True)
class FileSummary:
    """One file: its grid, and either its labels or its range of values."""

    path: str
    kind: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    lower_mm: tuple[float, float, float]
    upper_mm: tuple[float, float, float]
    value_range: tuple[float, float] | None
    labels: tuple[LabelSummary, ...]


def summarise(paths: Sequence[Path], *, pack: str, names: Mapping[int, str]) -> list[FileSummary]:
    """Summary of each file; a DICOM series among them serves the others as their image."""
    chosen = organ_pack(pack)
    series = next((path for path in paths if path.is_dir() and format_of(path) == "dicom series"), None)
    return [summarise_file(path, chosen, names, None if path == series else series) for path in paths]


def summarise_file(path: Path, pack: OrganPack, names: Mapping[int, str], series: Path | None) -> FileSummary:
    """Summary of one file, as labels where it can be read as such."""
    if format_of(path) == "dicom series" or (not names and looks_like_image(path)):
        return image_summary(path, read_image(path))
    return label_summary(path, read_labels(path, names=names, image_path=series), pack)


def looks_like_image(path: Path) -> bool:
    """Whether a NIfTI or NRRD without a table of label names holds an image and no label numbers."""
    if format_of(path) not in ("nifti", "nrrd"):
        return False
    values = read_image(path).values
    return bool(values.min() < 0 or np.any(values != np.round(values)) or np.unique(values).size > MOST_LABELS)


def image_summary(path: Path, image: Image) -> FileSummary:
    """Grid and range of values of an image."""
    return file_summary(path, "image", image.grid, (float(image.values.min()), float(image.values.max())), ())


def label_summary(path: Path, volume: LabelVolume, pack: OrganPack) -> FileSummary:
    """Grid and labels of a segmentation."""
    labels = tuple(one_label(volume, number, name, pack) for number, name in sorted(volume.names.items()))
    return file_summary(path, "labels", volume.grid, None, labels)


def one_label(volume: LabelVolume, number: int, name: str, pack: OrganPack) -> LabelSummary:
    """One line of a segmentation's summary."""
    found = labelled(name, pack, {}, volume.meanings, {})
    return LabelSummary(
        number,
        name,
        volume.volume_ml(name),
        found.tissue if found else None,
        found.role if found else None,
        None if found else pack.nearest(name),
        volume.touches_border(name),
    )


def file_summary(
    path: Path,
    kind: str,
    grid: Grid,
    value_range: tuple[float, float] | None,
    labels: tuple[LabelSummary, ...],
) -> FileSummary:
    """Summary with what images and segmentations have in common."""
    lower, upper = grid.bounds_mm
    return FileSummary(
        str(path),
        kind,
        grid.shape,
        triple(grid.spacing_mm),
        orientation(grid.affine),
        triple(lower),
        triple(upper),
        value_range,
        labels,
    )


def triple(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float, float]:
    """Three numbers (3,) as a tuple, rounded to a micrometre."""
    x, y, z = (round(float(value), 3) for value in values)
    return x, y, z
