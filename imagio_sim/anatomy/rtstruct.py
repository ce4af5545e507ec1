# SPDX-License-Identifier: LGPL-3.0-or-later
"""RTSTRUCT contours filled onto the grid of the CT they were drawn on (pydicom, scikit-image).

DICOM PS3.3 C.8.8.6: each closed planar contour is a list of points in LPS mm. Contours of one slice are combined by
exclusive or, which is how planning systems store holes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.dicom_series import DicomSeries
from imagio_sim.anatomy.label_names import LabelNames, given_names, painted, painting_order
from imagio_sim.anatomy.provenance import hashes
from imagio_sim.anatomy.volume import Grid, LabelVolume
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    import pydicom

OFF_SLICE_TOLERANCE = 0.5
"""How far from a slice's plane a contour may lie, in slices."""


def read_rtstruct(path: Path, series: DicomSeries, names: LabelNames, structures: Sequence[str] | None) -> LabelVolume:
    """Structures on the CT's grid; the first in ``structures`` wins where they overlap, without it the smaller one."""
    import pydicom

    dataset = pydicom.dcmread(path)
    require_same_frame(path, dataset, series)
    contours = contours_by_number(dataset)
    regions = {
        int(region.ROINumber): region for region in dataset.StructureSetROISequence if int(region.ROINumber) in contours
    }
    own = {number: str(region.ROIName) for number, region in regions.items()}
    labels = given_names(own, names, where=str(path))
    order = painting_order(labels, structures, where=str(path))
    masks = {number: filled(contours[number], series.grid, path) for number in order}
    if structures is None:
        order.sort(key=lambda number: -np.count_nonzero(masks[number]))
    return LabelVolume(
        painted(series.grid.shape, ((number, masks[number]) for number in order)),
        series.grid,
        {number: labels[number] for number in sorted(order)},
        files=hashes([path]),
    )


def require_same_frame(path: Path, dataset: pydicom.Dataset, series: DicomSeries) -> None:
    """Refuse contours drawn in another frame of reference than the CT's, or of which that cannot be told."""
    regions = dataset.get("StructureSetROISequence") or []
    frames = {str(region.get("ReferencedFrameOfReferenceUID", "")) for region in regions}
    if frames != {series.frame_of_reference} or not series.frame_of_reference:
        raise InputError(
            str(path),
            found=f"frame of reference {', '.join(sorted(frames)) or 'not given'}",
            allowed=f"that of the CT, {series.frame_of_reference or 'which gives none'}",
            remedy="give the CT series the contours were drawn on",
        )


def contours_by_number(dataset: pydicom.Dataset) -> dict[int, list[NDArray[np.float64]]]:
    """Collect the closed planar contours (n, 3) in LPS mm by structure number; structures without any are left out."""
    found: dict[int, list[NDArray[np.float64]]] = {}
    for region in dataset.get("ROIContourSequence") or []:
        contours: list[NDArray[np.float64]] = [
            np.asarray(contour.ContourData, dtype=np.float64).reshape(-1, 3)
            for contour in region.get("ContourSequence") or []
            if contour.ContourGeometricType == "CLOSED_PLANAR"
        ]
        if contours:
            found[int(region.ReferencedROINumber)] = contours
    return found


def filled(contours: Sequence[NDArray[np.float64]], grid: Grid, path: Path) -> NDArray[np.bool_]:
    """Voxels (i, j, k) whose centres lie inside the contours."""
    from skimage.draw import polygon

    mask = np.zeros(grid.shape, dtype=bool)
    for contour in contours:
        index = grid.to_index(contour)
        plane = int(np.round(index[:, 2].mean()))
        if np.abs(index[:, 2] - plane).max() > OFF_SLICE_TOLERANCE or not 0 <= plane < grid.shape[2]:
            raise InputError(
                str(path),
                found=f"a contour at slice {index[:, 2].mean():.2f} of the CT",
                allowed=f"contours on slices 0 to {grid.shape[2] - 1}, parallel to them",
                remedy="give the CT series the contours were drawn on",
            )
        columns, rows = polygon(index[:, 0], index[:, 1], shape=grid.shape[:2])
        mask[columns, rows, plane] ^= True
    return mask
