# SPDX-License-Identifier: LGPL-3.0-or-later
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from imagio_sim.anatomy.volume import Grid
from imagio_sim.export.dicom_map import PEAK_TEMPERATURE, write_dicom_map
from imagio_sim.export.dicom_seg import write_dicom_seg
from imagio_sim.export.dicom_source import NOTICE

SHAPE = (24, 20, 6)
SPACING = (0.8, 0.9, 2.5)


def series(folder: Path) -> list[Path]:
    """A small CT series whose file names do not follow its slices."""
    study, serial, frame = generate_uid(), generate_uid(), generate_uid()
    files = []
    for k in range(SHAPE[2]):
        image = pydicom.Dataset()
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, serial, frame
        image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "P1", "No^Body", "", ""
        image.StudyID, image.StudyDate, image.StudyTime, image.AccessionNumber = "1", "20200101", "120000", ""
        image.ReferringPhysicianName, image.Modality = "", "CT"
        image.SeriesNumber, image.InstanceNumber = 1, k + 1
        image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [-5.0, 7.0, 100.0 + SPACING[2] * k]
        image.PixelSpacing, image.SliceThickness = [SPACING[1], SPACING[0]], SPACING[2]
        image.Rows, image.Columns = SHAPE[1], SHAPE[0]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
        image.PixelData = np.zeros((SHAPE[1], SHAPE[0]), dtype=np.int16).tobytes()
        image.file_meta = pydicom.dataset.FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = CTImageStorage
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        files.append(folder / f"{(k * 5) % SHAPE[2]}_{k}.dcm")
        image.save_as(files[-1], enforce_file_format=True)
    return files


def grid() -> Grid:
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = (-5.0, 7.0, 100.0)
    return Grid(SHAPE, affine)


def zone() -> np.ndarray:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[5:9, 3:12, 2:5] = 1
    labels[10, 4, 3] = 1
    return labels


def test_a_segmentation_reads_back_voxel_by_voxel_and_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "necrosis.dcm"
    assert write_dicom_seg(path, zone(), grid(), series(tmp_path), plan="A", version="0.1") is None
    read = highdicom.seg.segread(path)
    volume = read.get_volume(segment_numbers=[1], combine_segments=True, skip_overlap_checks=True)
    restored = Grid(volume.array.shape, volume.affine)
    for voxel in np.argwhere(zone() > 0):
        found, inside = restored.nearest(grid().to_lps(voxel[None].astype(float)))
        assert inside.all()
        assert volume.array[tuple(found[0])] == 1
    assert int(volume.array.sum()) == int(zone().sum())
    assert read.ContentDescription == NOTICE
    assert read.SeriesDescription == f"{NOTICE}: A"
    assert read.get_segment_description(1).segmented_property_type.meaning == "Necrosis"


def test_a_segmentation_refers_to_its_source_series(tmp_path: Path) -> None:
    files = series(tmp_path)
    write_dicom_seg(tmp_path / "necrosis.dcm", zone(), grid(), files, plan="A", version="0.1")
    read, source = pydicom.dcmread(tmp_path / "necrosis.dcm"), pydicom.dcmread(files[0])
    assert read.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert read.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID
    assert read.PatientID == "P1"


def test_a_finer_label_map_is_read_at_the_pixels(tmp_path: Path) -> None:
    fine = Grid((96, 80, 24), np.diag([0.2, 0.225, 0.625, 1.0]))
    fine.affine[:3, 3] = (-5.3, 6.6625, 99.0625)
    labels = np.repeat(np.repeat(np.repeat(zone(), 4, 0), 4, 1), 4, 2)
    assert write_dicom_seg(tmp_path / "n.dcm", labels, fine, series(tmp_path), plan="A", version="0.1") is None
    volume = highdicom.seg.segread(tmp_path / "n.dcm").get_volume(combine_segments=True, skip_overlap_checks=True)
    assert int(volume.array.sum()) == int(zone().sum())


@pytest.mark.parametrize("stripped", ["SOPInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient"])
def test_a_series_without_its_identifiers_is_skipped_with_a_reason(tmp_path: Path, stripped: str) -> None:
    files = series(tmp_path)
    for file in files:
        image = pydicom.dcmread(file)
        del image[stripped]
        image.save_as(file, enforce_file_format=False)
    reason = write_dicom_seg(tmp_path / "necrosis.dcm", zone(), grid(), files, plan="A", version="0.1")
    assert reason is not None
    assert stripped in reason
    assert not (tmp_path / "necrosis.dcm").exists()


def test_an_empty_character_set_is_the_default_one(tmp_path: Path) -> None:
    files = series(tmp_path)
    for file in files:
        image = pydicom.dcmread(file)
        image.SpecificCharacterSet = ""
        image.save_as(file, enforce_file_format=True)
    assert write_dicom_seg(tmp_path / "n.dcm", zone(), grid(), files, plan="A", version="0.1") is None


def test_no_series_and_no_zone_are_reasons(tmp_path: Path) -> None:
    assert write_dicom_seg(tmp_path / "n.dcm", zone(), grid(), [], plan="A", version="0.1") is not None
    empty = np.zeros(SHAPE, dtype=np.uint8)
    reason = write_dicom_seg(tmp_path / "n.dcm", empty, grid(), series(tmp_path), plan="A", version="0.1")
    assert reason == "the ablation zone lies outside the DICOM series"


def test_a_study_id_too_long_for_dicom_is_not_repeated(tmp_path: Path) -> None:
    files = series(tmp_path)
    for file in files:
        image = pydicom.dcmread(file)
        with pytest.warns(UserWarning, match="exceeds the maximum length"):
            image.StudyID = "seventeen letters"
        image.save_as(file)
    assert write_dicom_seg(tmp_path / "necrosis.dcm", zone(), grid(), files, plan="A", version="1") is None
    assert pydicom.dcmread(tmp_path / "necrosis.dcm").StudyID == "seventeen letter"


def test_a_map_reads_back_as_the_temperatures_that_were_written(tmp_path: Path) -> None:
    values = np.full(SHAPE, np.nan)
    values[5:9, 3:12, 2:5] = np.random.default_rng(1).uniform(37.0, 99.0, (4, 9, 3))
    files = series(tmp_path)
    path = tmp_path / "peak_temperature.dcm"
    assert write_dicom_map(path, values, grid(), files, PEAK_TEMPERATURE, plan="A", version="1") is None
    read = pydicom.dcmread(path)
    assert read.NumberOfFrames == 3
    assert read.ContentDescription == NOTICE
    assert read.Modality == "OT" or read.SOPClassUID.name == "Parametric Map Storage"
    mapping = read.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "Cel"
    for number, group in enumerate(read.PerFrameFunctionalGroupsSequence):
        k = round((float(group.PlanePositionSequence[0].ImagePositionPatient[2]) - 100.0) / SPACING[2])
        expected = np.where(np.isnan(values[:, :, k].T), np.nanmin(values), values[:, :, k].T)
        assert read.pixel_array[number] == pytest.approx(expected, rel=1e-6)


def test_a_map_beside_the_series_is_not_written_and_the_reason_is_said(tmp_path: Path) -> None:
    nowhere = np.full(SHAPE, np.nan)
    reason = write_dicom_map(
        tmp_path / "x.dcm", nowhere, grid(), series(tmp_path), PEAK_TEMPERATURE, plan="A", version="1"
    )
    assert reason == "the simulated region lies outside the DICOM series"
    assert not (tmp_path / "x.dcm").exists()


def test_dcmqi_reads_the_same_voxels_at_the_same_places(tmp_path: Path) -> None:
    import nibabel

    program = shutil.which("segimage2itkimage")
    if program is None:
        pytest.skip("no segimage2itkimage (dcmqi)")
    write_dicom_seg(tmp_path / "necrosis.dcm", zone(), grid(), series(tmp_path), plan="A", version="1")
    command = [
        program,
        "--inputDICOM",
        str(tmp_path / "necrosis.dcm"),
        "--outputDirectory",
        str(tmp_path),
        "-t",
        "nifti",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    read = nibabel.load(tmp_path / "1.nii.gz")
    voxels = np.argwhere(np.asarray(read.dataobj) > 0)
    lps = nibabel.affines.apply_affine(np.diag([-1.0, -1.0, 1.0, 1.0]) @ read.affine, voxels)
    found, inside = grid().nearest(lps)
    assert inside.all()
    assert set(map(tuple, found.tolist())) == set(map(tuple, np.argwhere(zone() > 0).tolist()))


@pytest.mark.parametrize("kind", ["segmentation", "map"])
def test_dciodvfy_finds_no_error(tmp_path: Path, kind: str) -> None:
    command = os.environ.get("IMAGIO_DCIODVFY") or shutil.which("dciodvfy")
    if not command:
        pytest.skip("no dciodvfy: set IMAGIO_DCIODVFY to the command that starts it")
    path, files = tmp_path / "out.dcm", series(tmp_path)
    if kind == "segmentation":
        write_dicom_seg(path, zone(), grid(), files, plan="A", version="1")
    else:
        values = np.where(zone() > 0, 61.5, 37.0)
        write_dicom_map(path, values, grid(), files, PEAK_TEMPERATURE, plan="A", version="1")
    run = subprocess.run([*shlex.split(command), str(path)], capture_output=True, text=True, timeout=120, check=False)
    assert [line for line in run.stderr.splitlines() if line.startswith("Error")] == []
