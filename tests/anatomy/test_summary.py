# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.summary import summarise
from tests.anatomy.made_files import (
    SHAPE,
    SPACING,
    ct_slices,
    lps_grid,
    rectangle,
    two_labels,
    write_rtstruct,
    write_slices,
)


def test_a_segmentation_shows_its_labels_and_their_tissues(tmp_path: Path) -> None:
    volume = two_labels({1: "liver", 2: "sphere"})
    volume.labels[0, 4, 3] = 1
    write_nifti(tmp_path / "seg.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    (summary,) = summarise([tmp_path / "seg.nii.gz"], pack="liver", names={})
    assert (summary.kind, summary.shape, summary.spacing_mm, summary.orientation) == ("labels", SHAPE, SPACING, "LPS")
    liver, sphere = summary.labels
    assert (liver.tissue, liver.role, liver.cut_by_field_of_view) == ("liver", "organ", True)
    assert liver.volume_ml == pytest.approx(volume.volume_ml("liver"))
    assert (sphere.tissue, sphere.role, sphere.cut_by_field_of_view) == (None, None, False)
    assert sphere.nearest_known


def test_an_image_shows_its_range_and_extent(tmp_path: Path) -> None:
    values = np.linspace(-1000, 900, int(np.prod(SHAPE))).reshape(SHAPE).astype(np.int16)
    write_nifti(tmp_path / "ct.nii.gz", values, lps_grid())
    (summary,) = summarise([tmp_path / "ct.nii.gz"], pack="liver", names={})
    assert (summary.kind, summary.value_range, summary.labels) == ("image", (-1000.0, 900.0), ())
    assert summary.lower_mm == pytest.approx(lps_grid().bounds_mm[0])


def test_an_image_without_negative_values_is_no_segmentation(tmp_path: Path) -> None:
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    write_nifti(tmp_path / "mr.nii.gz", values, lps_grid())
    assert summarise([tmp_path / "mr.nii.gz"], pack="liver", names={})[0].kind == "image"


def test_contours_are_shown_on_the_series_named_beside_them(tmp_path: Path) -> None:
    ct = write_slices(tmp_path / "ct", ct_slices(frame_uid="1.2"))
    path = write_rtstruct(tmp_path / "rs.dcm", "1.2", {"GTV": [rectangle((2, 3), (6, 7), 1)]})
    contours, image = summarise([path, ct], pack="soft_tissue", names={})
    assert (contours.labels[0].name, contours.labels[0].role) == ("GTV", "tumour")
    assert image.kind == "image"
