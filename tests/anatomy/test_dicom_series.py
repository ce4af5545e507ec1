# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.dicom_series import find_series
from imagio_sim.anatomy.read import read_image, read_labels
from imagio_sim.errors import InputError
from tests.anatomy.made_files import SHAPE, SPACING, ct_slices, lps_grid, write_slices


def test_a_series_is_read_in_hounsfield_units_at_its_place(tmp_path: Path) -> None:
    image = read_image(write_slices(tmp_path / "ct", ct_slices(frame_uid="1.2.3")))
    column, row, plane = np.indices(SHAPE)
    assert np.array_equal(image.values, 100 * plane + 10 * row + column - 1000)
    assert image.grid.matches(lps_grid())
    assert image.frame_of_reference == "1.2.3"
    assert len(image.files) == SHAPE[2]


def test_other_files_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "ct", ct_slices())
    (folder / "LICENSE").write_text("free")
    assert read_image(folder).grid.shape == SHAPE


def test_slices_without_uids_are_one_series(tmp_path: Path) -> None:
    slices = ct_slices()
    for header in slices:
        header.SOPInstanceUID = header.SeriesInstanceUID = header.StudyInstanceUID = ""
        del header.FrameOfReferenceUID
    image = read_image(write_slices(tmp_path / "ct", slices))
    assert image.grid.matches(lps_grid())
    assert image.frame_of_reference == ""


def test_a_tilted_gantry_gives_a_sheared_grid(tmp_path: Path) -> None:
    image = read_image(write_slices(tmp_path / "ct", ct_slices(shear=0.5)))
    expected = lps_grid().affine.copy()
    expected[:3, 2] = [0.0, 0.5, SPACING[2]]
    assert np.allclose(image.grid.affine, expected)


def test_two_series_are_refused(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "ct", ct_slices(), "a")
    write_slices(folder, ct_slices(), "b")
    with pytest.raises(InputError, match=r"expected one DICOM series, got 2 series .* 6 slices"):
        read_image(folder)


def test_a_missing_slice_is_refused(tmp_path: Path) -> None:
    slices = ct_slices()
    with pytest.raises(InputError, match=r"slices 6\.00 mm apart .* \(a slice is missing\)"):
        read_image(write_slices(tmp_path / "ct", slices[:2] + slices[3:]))


def test_two_slices_at_one_place_are_refused(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "ct", ct_slices(series_uid="1.2"), "a")
    write_slices(folder, ct_slices(series_uid="1.2", count=1), "b")
    with pytest.raises(InputError, match="one slice per position"):
        read_image(folder)


def test_a_single_slice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a single slice"):
        read_image(write_slices(tmp_path / "ct", ct_slices(count=1)))


def test_a_localizer_in_the_series_is_refused(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "ct", ct_slices(series_uid="1.2"), "a")
    write_slices(folder, ct_slices(series_uid="1.2", count=1, orientation=(0, 1, 0, 0, 0, -1)), "b")
    with pytest.raises(InputError, match="slices of different size or orientation"):
        read_image(folder)


@pytest.mark.parametrize("tag", ["PixelSpacing", "ImageOrientationPatient"])
def test_missing_geometry_is_refused(tmp_path: Path, tag: str) -> None:
    slices = ct_slices()
    for header in slices:
        delattr(header, tag)
    with pytest.raises(InputError, match=f"slices without {tag}"):
        read_image(write_slices(tmp_path / "ct", slices))


def test_a_folder_without_slices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no DICOM slices"):
        find_series(tmp_path)
    with pytest.raises(InputError, match="a file or folder of no known format"):
        read_image(tmp_path)


def test_slices_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "ct", ct_slices())
    path = folder / "003.dcm"
    path.write_bytes(path.read_bytes()[:-150])
    with pytest.raises(InputError, match="readable DICOM slices"):
        read_image(folder)


def test_an_image_series_is_refused_as_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a DICOM image series"):
        read_labels(write_slices(tmp_path / "ct", ct_slices()))
