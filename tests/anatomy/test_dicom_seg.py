# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.read import read_labels
from imagio_sim.errors import InputError
from tests.anatomy.made_files import SHAPE, block, ct_slices, lps_grid, write_dicom_seg, write_slices

LIVER = block(SHAPE, (1, 1, 1), (9, 9, 4))
TUMOUR = block(SHAPE, (3, 4, 2), (6, 7, 4))


def test_a_binary_segmentation_comes_onto_the_grid_of_its_ct(tmp_path: Path) -> None:
    slices = ct_slices()
    path = write_dicom_seg(tmp_path / "seg.dcm", slices, {"hepar": LIVER})
    volume = read_labels(path, image_path=write_slices(tmp_path / "ct", slices))
    assert volume.grid.matches(lps_grid())
    assert np.array_equal(volume.mask("hepar"), LIVER)
    assert volume.meanings == {"hepar": "Liver"}


def test_without_an_image_the_segmentation_keeps_the_slices_it_has(tmp_path: Path) -> None:
    volume = read_labels(write_dicom_seg(tmp_path / "seg.dcm", ct_slices(), {"liver": LIVER}))
    assert volume.grid.shape == (SHAPE[0], SHAPE[1], 3)
    assert volume.mask("liver").sum() == LIVER.sum()


def test_of_overlapping_segments_the_later_wins(tmp_path: Path) -> None:
    path = write_dicom_seg(tmp_path / "seg.dcm", ct_slices(), {"liver": LIVER, "tumour": TUMOUR})
    volume = read_labels(path, reference=lps_grid())
    assert np.array_equal(volume.mask("tumour"), TUMOUR)
    assert np.array_equal(volume.mask("liver"), LIVER & ~TUMOUR)


def test_structures_name_another_priority(tmp_path: Path) -> None:
    path = write_dicom_seg(tmp_path / "seg.dcm", ct_slices(), {"liver": LIVER, "tumour": TUMOUR})
    volume = read_labels(path, reference=lps_grid(), structures=["liver", "tumour"])
    assert np.array_equal(volume.mask("liver"), LIVER)
    assert not volume.mask("tumour").any()


def test_a_label_map_segmentation_is_read(tmp_path: Path) -> None:
    path = write_dicom_seg(tmp_path / "seg.dcm", ct_slices(), {"liver": LIVER & ~TUMOUR, "tumour": TUMOUR}, "LABELMAP")
    volume = read_labels(path, reference=lps_grid())
    assert volume.names == {1: "liver", 2: "tumour"}
    assert np.array_equal(volume.mask("tumour"), TUMOUR)


def test_a_folder_with_one_segmentation_is_that_segmentation(tmp_path: Path) -> None:
    (tmp_path / "seg").mkdir()
    write_dicom_seg(tmp_path / "seg" / "1.dcm", ct_slices(), {"liver": LIVER})
    assert read_labels(tmp_path / "seg").names == {1: "liver"}


def test_a_segmentation_of_another_grid_is_refused_with_both_grids(tmp_path: Path) -> None:
    path = write_dicom_seg(tmp_path / "seg.dcm", ct_slices(), {"liver": LIVER})
    other = lps_grid(first=(-7.5, 20.0, -30.0))
    with pytest.raises(InputError, match=r"12x10x6 voxels .* from LPS \(-7\.5.* got a grid of 12x10x3"):
        read_labels(path, reference=other)


def test_a_damaged_segmentation_is_refused(tmp_path: Path) -> None:
    import pydicom

    path = write_dicom_seg(tmp_path / "seg.dcm", ct_slices(), {"liver": LIVER})
    dataset = pydicom.dcmread(path)
    del dataset.SegmentSequence
    dataset.save_as(path)
    with pytest.raises(InputError, match="a segmentation that cannot be read"):
        read_labels(path)
