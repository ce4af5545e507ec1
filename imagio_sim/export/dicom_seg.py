# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ablation zone as DICOM Segmentation on the series it was planned on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

if TYPE_CHECKING:
    import highdicom
    import pydicom

NOTICE = "SIMULATED, NOT FOR CLINICAL USE"
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")


def write_dicom_seg(
    path: Path, labels: NDArray[np.uint8], grid: Grid, series: Sequence[Path], *, plan: str, version: str
) -> str | None:
    """Write the zone as a binary segmentation that refers to its source images.

    Parameters
    ----------
    labels, grid
        Label map (i, j, k), not 0 in the zone, and where its voxels lie; read at the pixels of the series.
    series
        The files of the DICOM series the plan was made on.
    plan, version
        Name of the plan, and version of the program.

    Returns
    -------
    str or None
        Why nothing was written, or None when it was.
    """
    sources = _read(series)
    reason = _missing(sources)
    if reason is None:
        masks = np.stack([_slice_mask(source, labels, grid) for source in sources])
        reason = None if masks.any() else "the ablation zone lies outside the DICOM series"
    if reason is not None:
        return reason
    segmentation = _segmentation(sources, masks, plan, version)
    partial = path.with_name(f".{path.name}.partial")
    try:
        segmentation.save_as(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return None


def _read(series: Sequence[Path]) -> Sequence[pydicom.Dataset]:
    import pydicom

    # Stripped files lack even the file meta header; they are refused for their missing UIDs, in words.
    sources = [pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in sorted(series)]
    for source in sources:
        # Present but empty means the default repertoire (PS3.5 6.1.2.5.4), which highdicom does not know.
        if "SpecificCharacterSet" in source and not source.SpecificCharacterSet:
            del source.SpecificCharacterSet
    return sources


def _missing(sources: Sequence[pydicom.Dataset]) -> str | None:
    if not sources:
        return "the input was no DICOM series"
    missing = [name for name in (*_NEEDED, *_GEOMETRY) if any(not source.get(name) for source in sources)]
    if missing:
        return f"the DICOM series lacks {', '.join(missing)}, without which a segmentation cannot refer to it"
    return None


def _slice_mask(source: pydicom.Dataset, labels: NDArray[np.uint8], grid: Grid) -> NDArray[np.bool_]:
    """Zone at the pixels (rows, columns) of one source image."""
    right, down = np.reshape(np.array(source.ImageOrientationPatient, dtype=float), (2, 3))
    # PixelSpacing is the distance between rows, then between columns (PS3.3 10.7.1.3).
    row_step, column_step = (float(value) for value in source.PixelSpacing)
    columns, rows = np.meshgrid(np.arange(source.Columns), np.arange(source.Rows))
    points = (
        np.array(source.ImagePositionPatient, dtype=float)
        + columns.reshape(-1, 1) * column_step * right
        + rows.reshape(-1, 1) * row_step * down
    )
    voxel, inside = grid.nearest(points)
    return np.asarray((inside & (labels[tuple(voxel.T)] > 0)).reshape(rows.shape))


def _segmentation(
    sources: Sequence[pydicom.Dataset], masks: NDArray[np.bool_], plan: str, version: str
) -> highdicom.seg.Segmentation:
    import highdicom
    from pydicom.sr.codedict import codes

    # No code of the standard's list of algorithm families (CID 7162, extensible) means a simulation.
    family = highdicom.sr.CodedConcept("simulation", "99IMAGIO", "Numerical simulation")
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="imagio-sim", version=version, family=family, source="imagio-sim"
    )
    segment = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label="Simulated ablation zone",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Necrosis,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
    )
    return highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=masks.astype(np.uint8),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        series_instance_uid=highdicom.UID(),
        series_number=9000,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="imagio-sim",
        manufacturer_model_name="imagio-sim",
        software_versions=version,
        device_serial_number="0",
        content_label="SIMULATED",
        content_description=NOTICE,
        content_creator_name="imagio-sim^",
        series_description=f"{NOTICE}: {plan}"[:64],
        omit_empty_frames=True,
    )
