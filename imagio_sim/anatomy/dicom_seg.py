# SPDX-License-Identifier: LGPL-3.0-or-later
"""DICOM segmentations (highdicom): binary, overlapping, fractional (threshold one half) and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.label_names import LabelNames, given_names, painted, painting_order
from imagio_sim.anatomy.provenance import hashes
from imagio_sim.anatomy.volume import Grid, LabelVolume
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    import highdicom as hd


def read_dicom_seg(path: Path, names: LabelNames, structures: Sequence[str] | None) -> LabelVolume:
    """Segments on the grid that the file spans (often a cut-out of the CT's).

    Of overlapping segments the first in ``structures`` wins, without it the later one. Names are the segment labels.
    """
    segmentation = open_seg(path)
    numbers = [int(number) for number in segmentation.segment_numbers if int(number) != 0]
    described = {number: segmentation.get_segment_description(number) for number in numbers}
    own = {number: str(described[number].segment_label) for number in numbers}
    labels = given_names(own, names, where=str(path))
    order = painting_order(labels, structures, where=str(path))
    grid = seg_grid(segmentation, path)
    return LabelVolume(
        painted(grid.shape, ((number, segment_mask(segmentation, number)) for number in order)),
        grid,
        {number: labels[number] for number in sorted(order)},
        files=hashes([path]),
        meanings={labels[number]: str(described[number].segmented_property_type.meaning) for number in order},
    )


def open_seg(path: Path) -> hd.seg.Segmentation:
    """Open the file, or refuse what highdicom cannot read."""
    import highdicom as hd
    import pydicom

    try:
        return hd.seg.segread(path)
    except (pydicom.errors.InvalidDicomError, AttributeError, KeyError, ValueError, OSError) as error:
        raise InputError(
            str(path),
            found=f"a segmentation that cannot be read ({error})",
            allowed="a DICOM-SEG object",
            remedy="export it again",
        ) from error


def seg_grid(segmentation: hd.seg.Segmentation, path: Path) -> Grid:
    """Grid the segmentation's frames span, (column, row, slice) to LPS mm; refused where they are no regular stack."""
    geometry = segmentation.get_volume_geometry()
    if geometry is None:
        raise InputError(
            str(path),
            found="frames that form no regular stack",
            allowed="parallel, evenly spaced frames",
            remedy="export the segmentation on its CT's grid",
        )
    slices, rows, columns = geometry.spatial_shape
    return Grid((columns, rows, slices), np.asarray(geometry.affine, dtype=float)[:, [2, 1, 0, 3]])


def segment_mask(segmentation: hd.seg.Segmentation, number: int) -> NDArray[np.bool_]:
    """Voxels (column, row, slice) of one segment; one at a time, so that many segments do not fill the memory."""
    volume: Any = segmentation.get_volume(segment_numbers=[number], combine_segments=False)
    return np.asarray(volume.array[..., 0].transpose(2, 1, 0) >= 0.5)
