# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tiny patients written with the libraries of each format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from imagio_sim.anatomy.volume import Grid, LabelVolume

SHAPE = (12, 10, 6)
SPACING = (1.5, 2.0, 3.0)
FIRST_VOXEL = (-8.0, 20.0, -30.0)


def lps_grid(
    shape: tuple[int, int, int] = SHAPE,
    spacing: tuple[float, float, float] = SPACING,
    first: tuple[float, float, float] = FIRST_VOXEL,
) -> Grid:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = first
    return Grid(shape, affine)


def block(shape: tuple[int, int, int], lower: Sequence[int], upper: Sequence[int]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))] = True
    return mask


def two_labels(names: Mapping[int, str] | None = None, grid: Grid | None = None) -> LabelVolume:
    """A liver block with a tumour block inside."""
    grid = grid or lps_grid()
    labels = np.zeros(grid.shape, dtype=np.int32)
    labels[block(grid.shape, (2, 2, 1), (10, 8, 5))] = 1
    labels[block(grid.shape, (4, 4, 2), (7, 6, 4))] = 2
    return LabelVolume(labels, grid, names or {1: "liver", 2: "liver_tumour"})


def write_plain_nifti(path: Path, values: NDArray, affine_ras: NDArray | None = None) -> Path:
    """Write a NIfTI as other programs do, without our writer."""
    nib.save(nib.Nifti1Image(values, np.diag([-2.0, -2.0, 3.0, 1.0]) if affine_ras is None else affine_ras), path)
    return path


def ct_slices(
    *,
    count: int = SHAPE[2],
    series_uid: str | None = None,
    frame_uid: str | None = None,
    shear: float = 0.0,
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
) -> list[pydicom.Dataset]:
    """CT slices whose pixel (row, column) holds 100 slice + 10 row + column - 1000 HU."""
    series_uid, frame_uid, study_uid = series_uid or generate_uid(), frame_uid or generate_uid(), generate_uid()
    return [one_slice(k, series_uid, frame_uid, study_uid, shear=shear, orientation=orientation) for k in range(count)]


def one_slice(
    k: int, series_uid: str, frame_uid: str, study_uid: str, *, shear: float, orientation: Sequence[float]
) -> pydicom.Dataset:
    columns, rows = SHAPE[0], SHAPE[1]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    header = pydicom.Dataset()
    header.file_meta = meta
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = study_uid, series_uid, frame_uid
    header.Modality, header.InstanceNumber, header.SeriesNumber = "CT", k + 1, 1
    header.PatientID, header.PatientName, header.PatientBirthDate, header.PatientSex = "made", "made^up", "", ""
    header.StudyDate, header.StudyTime, header.StudyID, header.AccessionNumber = "20240229", "000000", "1", ""
    header.ReferringPhysicianName, header.Manufacturer, header.PositionReferenceIndicator = "", "", ""
    header.Rows, header.Columns, header.SliceThickness = rows, columns, SPACING[2]
    header.PixelSpacing = [SPACING[1], SPACING[0]]
    header.ImageOrientationPatient = list(orientation)
    header.ImagePositionPatient = [FIRST_VOXEL[0], FIRST_VOXEL[1] + shear * k, FIRST_VOXEL[2] + SPACING[2] * k]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 16, 15, 0
    header.RescaleSlope, header.RescaleIntercept = 1, -1000
    row, column = np.mgrid[:rows, :columns]
    header.PixelData = (100 * k + 10 * row + column).astype(np.uint16).tobytes()
    return header


def write_slices(folder: Path, slices: Sequence[pydicom.Dataset], prefix: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    # Written backwards, so that the order of the names is not that of the positions.
    for number, header in enumerate(reversed(slices)):
        header.save_as(folder / f"{prefix}{number:03d}.dcm", enforce_file_format=True)
    return folder


def write_dicom_seg(
    path: Path, slices: Sequence[pydicom.Dataset], masks: Mapping[str, NDArray[np.bool_]], kind: str = "BINARY"
) -> Path:
    """Write masks (i, j, k) as a DICOM-SEG of the CT slices; empty frames are left out, as most programs do."""
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type="MANUAL",
        )
        for number, name in enumerate(masks, start=1)
    ]
    frames = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1).astype(np.uint8)
    if kind == "LABELMAP":
        frames = (frames * np.arange(1, frames.shape[-1] + 1, dtype=np.uint8)).max(axis=-1)
    hd.seg.Segmentation(
        source_images=list(slices),
        pixel_array=frames,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="made",
        manufacturer_model_name="made",
        software_versions="1",
        device_serial_number="1",
    ).save_as(path)
    return path


def write_rtstruct(
    path: Path, frame_uid: str, structures: Mapping[str, Sequence[NDArray[np.float64]]], kind: str = "CLOSED_PLANAR"
) -> Path:
    """Write contours (n, 3) in LPS mm by structure name."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = RTStructureSetStorage, generate_uid()
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = RTStructureSetStorage, meta.MediaStorageSOPInstanceUID
    dataset.Modality = "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(structures.items(), start=1):
        region, lines = pydicom.Dataset(), pydicom.Dataset()
        region.ROINumber, region.ROIName, region.ReferencedFrameOfReferenceUID = number, name, frame_uid
        lines.ReferencedROINumber, lines.ContourSequence = number, []
        for points in contours:
            contour = pydicom.Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [float(value) for value in np.asarray(points).ravel()]
            lines.ContourSequence.append(contour)
        dataset.StructureSetROISequence.append(region)
        dataset.ROIContourSequence.append(lines)
    dataset.save_as(path, enforce_file_format=True)
    return path


def rectangle(lower: Sequence[float], upper: Sequence[float], k: int) -> NDArray[np.float64]:
    """A rectangle around voxels ``lower`` to ``upper`` (i, j; both included) of slice k, in LPS mm."""
    (a, b), (c, d) = lower, upper
    index = np.array([[a - 0.4, b - 0.4, k], [c + 0.4, b - 0.4, k], [c + 0.4, d + 0.4, k], [a - 0.4, d + 0.4, k]])
    return lps_grid().to_lps(index)
