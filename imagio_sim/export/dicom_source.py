# SPDX-License-Identifier: LGPL-3.0-or-later
"""The DICOM series a plan was made on, as what is derived from it refers to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

if TYPE_CHECKING:
    import pydicom

NOTICE = "SIMULATED, NOT FOR CLINICAL USE"
# A study's number is a short string (PS3.5 6.2); what is longer in the input would be an error in the output.
_SHORT_STRING = 16
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")


def read_sources(series: Sequence[Path]) -> Sequence[pydicom.Dataset]:
    """The images of a series without their pixels, with what no output may repeat mended."""
    import pydicom

    # Stripped files lack even the file meta header; they are refused for their missing UIDs, in words.
    sources = [pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in sorted(series)]
    for source in sources:
        # Present but empty means the default repertoire (PS3.5 6.1.2.5.4), which highdicom does not know.
        if "SpecificCharacterSet" in source and not source.SpecificCharacterSet:
            del source.SpecificCharacterSet
        if "StudyID" in source and source.StudyID:
            source.StudyID = source.StudyID[:_SHORT_STRING]
    return sources


def missing_of(sources: Sequence[pydicom.Dataset]) -> str | None:
    """Why nothing can refer to these images, or None where everything can."""
    if not sources:
        return "the input was no DICOM series"
    missing = [name for name in (*_NEEDED, *_GEOMETRY) if any(not source.get(name) for source in sources)]
    if missing:
        return f"the DICOM series lacks {', '.join(missing)}, without which a segmentation cannot refer to it"
    return None


def pixels_of(source: pydicom.Dataset, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Nearest voxel (rows * columns, 3) of each pixel of an image, and whether it lies in the grid."""
    right, down = np.reshape(np.array(source.ImageOrientationPatient, dtype=float), (2, 3))
    # PixelSpacing is the distance between rows, then between columns (PS3.3 10.7.1.3).
    row_step, column_step = (float(value) for value in source.PixelSpacing)
    columns, rows = np.meshgrid(np.arange(source.Columns), np.arange(source.Rows))
    points = (
        np.array(source.ImagePositionPatient, dtype=float)
        + columns.reshape(-1, 1) * column_step * right
        + rows.reshape(-1, 1) * row_step * down
    )
    return grid.nearest(points)


def provenance(plan: str, version: str) -> dict[str, str]:
    """What everything that is derived says of where it comes from, as highdicom takes it."""
    return {
        "manufacturer": "imagio-sim",
        "manufacturer_model_name": "imagio-sim",
        "software_versions": version,
        "device_serial_number": "0",
        "content_label": "SIMULATED",
        "content_description": NOTICE,
        "content_creator_name": "imagio-sim^",
        "series_description": f"{NOTICE}: {plan}"[:64],
    }


def save_whole(path: Path, dataset: Any) -> None:
    """Write a file that is there only once it is complete."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        dataset.save_as(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
