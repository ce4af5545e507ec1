# SPDX-License-Identifier: LGPL-3.0-or-later
"""A folder of DICOM slices as one image (pydicom for the geometry, SimpleITK for the pixels).

The geometry is taken from the slices' own positions (DICOM PS3.3 C.7.6.2.1.1), so a tilted gantry gives a sheared
grid instead of a wrong one, and a missing slice is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.provenance import hashes
from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    import pydicom

SPACING_TOLERANCE = 0.02
"""Largest deviation of a slice distance from the median, as a share of it; a missing slice deviates by 1."""


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """The slices of one series in order along their normal, with their grid and frame of reference."""

    files: tuple[Path, ...]
    grid: Grid
    frame_of_reference: str


def dicom_headers(folder: Path) -> list[tuple[Path, pydicom.FileDataset]]:
    """Every DICOM file of a folder (not its sub-folders) with its header; other files are passed over."""
    import pydicom

    headers = []
    for path in sorted(entry for entry in folder.iterdir() if entry.is_file() and entry.name != "DICOMDIR"):
        try:
            headers.append((path, pydicom.dcmread(path, stop_before_pixels=True)))
        except pydicom.errors.InvalidDicomError:
            continue
    return headers


def find_series(folder: Path) -> DicomSeries:
    """One image series of a folder; refused where there are several, slices are missing or geometry is absent."""
    headers = [(path, header) for path, header in dicom_headers(folder) if "ImagePositionPatient" in header]
    if not headers:
        raise InputError(
            str(folder),
            found="no DICOM slices with a position",
            allowed="a folder with one DICOM series",
            remedy="give the folder that holds the slices",
        )
    require_one_series(folder, headers)
    along, positions = slice_positions(folder, [header for _, header in headers])
    order = np.argsort(along)
    require_even_spacing(folder, along[order])
    first = headers[int(order[0])][1]
    grid = Grid((int(first.Columns), int(first.Rows), len(headers)), series_affine(first, positions[order], folder))
    return DicomSeries(tuple(headers[int(n)][0] for n in order), grid, str(first.get("FrameOfReferenceUID", "")))


def require_one_series(folder: Path, headers: Sequence[tuple[Path, pydicom.Dataset]]) -> None:
    """Refuse a folder whose slices belong to different series, or differ in size or orientation."""
    series: dict[str, int] = {}
    for _, header in headers:
        uid = str(header.get("SeriesInstanceUID", ""))
        series[uid] = series.get(uid, 0) + 1
    if len(series) > 1:
        listing = "; ".join(f"{uid or 'without UID'}: {count} slices" for uid, count in series.items())
        raise InputError(
            str(folder),
            found=f"{len(series)} series ({listing})",
            allowed="one DICOM series",
            remedy="put each series into a folder of its own",
        )
    shapes = {
        (header.get("Rows"), header.get("Columns"), *np.round(orientation_of(header, folder), 4))
        for _, header in headers
    }
    if len(shapes) > 1:
        raise InputError(
            str(folder),
            found="slices of different size or orientation",
            allowed="one stack of parallel slices",
            remedy="remove the localizer or the other stack",
        )


def orientation_of(header: pydicom.Dataset, folder: Path) -> NDArray[np.float64]:
    """Direction cosines (6,) of the image rows and columns."""
    if "ImageOrientationPatient" not in header:
        raise InputError(
            str(folder),
            found="slices without ImageOrientationPatient",
            allowed="slices with an orientation",
            remedy="export the series again",
        )
    return np.array(header.ImageOrientationPatient, dtype=float)


def slice_positions(
    folder: Path, headers: Sequence[pydicom.Dataset]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of each slice along the normal (n,) and its position (n, 3), LPS mm."""
    cosines = orientation_of(headers[0], folder)
    positions = np.array([header.ImagePositionPatient for header in headers], dtype=float)
    return np.asarray(positions @ np.cross(cosines[:3], cosines[3:])), positions


def require_even_spacing(folder: Path, along: NDArray[np.float64]) -> None:
    """Refuse a stack with a missing or doubled slice; ``along`` (n,) is sorted, mm."""
    gaps = np.diff(along)
    if len(along) < 2 or float(gaps.min()) < 1e-3:
        found = "a single slice" if len(along) < 2 else f"two slices at {along[int(np.argmin(gaps))]:.2f} mm"
        raise InputError(
            str(folder),
            found=found,
            allowed="one slice per position, at least two",
            remedy="export one complete series",
        )
    usual = float(np.median(gaps))
    odd = int(np.argmax(np.abs(gaps - usual)))
    if abs(gaps[odd] - usual) > SPACING_TOLERANCE * usual:
        raise InputError(
            str(folder),
            found=f"slices {gaps[odd]:.2f} mm apart at {along[odd]:.2f} mm along the normal (a slice is missing)",
            allowed=f"an even spacing of {usual:.2f} mm",
            remedy="export the complete series",
        )


def series_affine(first: pydicom.Dataset, positions: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
    """Affine (4, 4) from (column, row, slice) to LPS mm; DICOM's PixelSpacing is (between rows, between columns)."""
    if "PixelSpacing" not in first:
        raise InputError(
            str(folder),
            found="slices without PixelSpacing",
            allowed="a pixel spacing in mm",
            remedy="export the series again",
        )
    cosines = orientation_of(first, folder)
    between_rows, between_columns = (float(length) for length in first.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = cosines[:3] * between_columns, cosines[3:] * between_rows
    affine[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
    affine[:3, 3] = positions[0]
    return affine


def read_series_image(folder: Path) -> Image:
    """Image of a folder's one series, rescaled (Hounsfield units for CT)."""
    import SimpleITK

    series = find_series(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in series.files])
    # Slabs without UIDs and odd spacings are judged above, by their positions; ITK would remark on them again.
    warnings_were_on = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        values = SimpleITK.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise InputError(
            str(folder),
            found=f"slices that cannot be decoded ({str(error).strip().splitlines()[-1]})",
            allowed="readable DICOM slices",
            remedy="export the series again",
        ) from error
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(warnings_were_on)
    values = np.ascontiguousarray(values.transpose(2, 1, 0), dtype=np.float32)
    return Image(values, series.grid, str(folder), series.frame_of_reference, hashes(series.files))
