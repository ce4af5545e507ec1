# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.anatomy.frame import affine_from_lps, affine_to_lps, orientation
from imagio_sim.anatomy.nifti import read_nifti_image
from tests.anatomy.made_files import write_plain_nifti

FRAMES = ("LPS", "RAS", "LAS", "RPI")


@pytest.mark.parametrize("frame", FRAMES)
@given(entries=st.lists(st.floats(-500, 500), min_size=12, max_size=12))
def test_going_to_lps_and_back_changes_nothing(frame: str, entries: list[float]) -> None:
    affine = np.vstack([np.reshape(entries, (3, 4)), [0, 0, 0, 1]])
    assert np.array_equal(affine_from_lps(affine_to_lps(affine, frame), frame), affine)


def test_orientation_names_where_each_voxel_axis_points() -> None:
    assert orientation(np.diag([1.0, 1.0, 1.0, 1.0])) == "LPS"
    assert orientation(np.diag([-2.0, 1.0, -3.0, 1.0])) == "RPI"
    turned = np.eye(4)[[2, 0, 1, 3]]
    assert orientation(turned) == "PSL"


def test_orientation_of_an_oblique_grid_uses_each_patient_axis_once() -> None:
    angle = np.radians(45.0)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert sorted(orientation(affine).translate(str.maketrans("RAI", "LPS"))) == ["L", "P", "S"]


def test_nifti_geometry_is_that_of_an_independent_reader(tmp_path: Path) -> None:
    angle = np.radians(20.0)
    affine = np.array([[-2, 0, 0, 11], [0, 1.5, 0, -7], [0, 0, 3, 40], [0, 0, 0, 1.0]])
    affine[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]] @ affine[:3, :3]
    path = write_plain_nifti(tmp_path / "oblique.nii.gz", np.zeros((5, 6, 7), np.int16), affine)
    image = SimpleITK.ReadImage(str(path))
    expected = image.TransformContinuousIndexToPhysicalPoint((1.0, 2.0, 3.0))
    assert read_nifti_image(path).grid.to_lps(np.array([[1.0, 2.0, 3.0]]))[0] == pytest.approx(expected, abs=1e-4)
