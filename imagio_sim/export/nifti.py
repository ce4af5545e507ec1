# SPDX-License-Identifier: LGPL-3.0-or-later
"""Label maps and doses as NIfTI, so that they overlay the segmentation in 3D Slicer and other viewers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

if TYPE_CHECKING:
    import nibabel

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SAME_PLACE_MM = 0.01
_ORIENTATION_FIELDS = (
    *("qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
DESCRIPTION = "SIMULATED, NOT FOR CLINICAL USE"


def write_label_nifti(path: Path, labels: NDArray[np.uint8], grid: Grid, source: Path | None = None) -> None:
    """Write a label map (i, j, k).

    Parameters
    ----------
    path
        ``.nii.gz`` file; it is there only once it is complete.
    grid
        Where the voxels lie (LPS mm).
    source
        NIfTI file that has this grid. Its orientation fields (qform, sform and their codes) are taken over bit by
        bit if they say the same, so that viewers find the same grid.
    """
    _write(path, labels.astype(np.uint8), grid, source)


def write_field_nifti(path: Path, dose: NDArray[np.float32], grid: Grid, source: Path | None = None) -> None:
    """Write doses (i, j, k) [Gy]; parameters as in :func:`write_label_nifti`."""
    _write(path, dose.astype(np.float32), grid, source)


def _write(path: Path, values: NDArray[np.uint8] | NDArray[np.float32], grid: Grid, source: Path | None) -> None:
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_dtype(values.dtype)
    header.set_data_shape(values.shape)
    header["descrip"] = DESCRIPTION.encode()
    header.set_xyzt_units("mm", "sec")
    if not (source is not None and _took_orientation(header, source, grid)):
        header.set_qform(_LPS_TO_RAS @ grid.affine, code=1)
        header.set_sform(_LPS_TO_RAS @ grid.affine, code=1)
    partial = path.with_name(f".partial_{path.name}")
    try:
        # Without an affine of its own the image keeps the header's orientation to the last bit.
        nibabel.save(nibabel.Nifti1Image(values, None, header), partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _took_orientation(header: nibabel.Nifti1Header, source: Path, grid: Grid) -> bool:
    """Copy the orientation fields if the source's voxels lie where the grid's lie."""
    import nibabel

    original = nibabel.load(source)
    if original.shape[:3] != grid.shape:
        return False
    ends = [(0, count) for count in grid.shape]
    corners = np.array([(i, j, k, 1) for i in ends[0] for j in ends[1] for k in ends[2]])
    offset = corners @ (original.affine - _LPS_TO_RAS @ grid.affine).T
    if np.abs(offset).max() > _SAME_PLACE_MM:
        return False
    for name in _ORIENTATION_FIELDS:
        header[name] = original.header[name]
    header["pixdim"][:4] = original.header["pixdim"][:4]
    return True
