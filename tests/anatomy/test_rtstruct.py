# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.read import read_labels
from imagio_sim.errors import InputError
from tests.anatomy.made_files import SHAPE, block, ct_slices, rectangle, write_rtstruct, write_slices

FRAME = "1.2.826.1"


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    return write_slices(tmp_path / "ct", ct_slices(frame_uid=FRAME))


def test_contours_fill_the_voxels_they_surround(tmp_path: Path, ct: Path) -> None:
    contours = [rectangle((2, 3), (6, 7), k) for k in (1, 2, 3)]
    volume = read_labels(write_rtstruct(tmp_path / "rs.dcm", FRAME, {"GTV": contours}), image_path=ct)
    assert volume.names == {1: "GTV"}
    assert np.array_equal(volume.mask("GTV"), block(SHAPE, (2, 3, 1), (7, 8, 4)))


def test_a_contour_within_a_contour_is_a_hole(tmp_path: Path, ct: Path) -> None:
    contours = [rectangle((1, 1), (9, 8), 2), rectangle((4, 4), (5, 5), 2)]
    volume = read_labels(write_rtstruct(tmp_path / "rs.dcm", FRAME, {"wall": contours}), image_path=ct)
    assert np.array_equal(
        volume.mask("wall"), block(SHAPE, (1, 1, 2), (10, 9, 3)) & ~block(SHAPE, (4, 4, 2), (6, 6, 3))
    )


def test_the_smaller_structure_wins_unless_structures_say_otherwise(tmp_path: Path, ct: Path) -> None:
    structures = {"GTV": [rectangle((4, 4), (5, 5), 2)], "liver": [rectangle((1, 1), (9, 8), 2)]}
    path = write_rtstruct(tmp_path / "rs.dcm", FRAME, structures)
    assert read_labels(path, image_path=ct).mask("GTV").sum() == 4
    assert read_labels(path, image_path=ct, structures=["liver", "GTV"]).mask("GTV").sum() == 0


def test_another_frame_of_reference_is_refused(tmp_path: Path, ct: Path) -> None:
    path = write_rtstruct(tmp_path / "rs.dcm", "1.2.826.2", {"GTV": [rectangle((2, 3), (6, 7), 1)]})
    with pytest.raises(InputError, match=r"expected that of the CT, 1\.2\.826\.1, got frame of reference 1\.2\.826\.2"):
        read_labels(path, image_path=ct)


def test_contours_without_their_ct_are_refused(tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "rs.dcm", FRAME, {"GTV": [rectangle((2, 3), (6, 7), 1)]})
    with pytest.raises(InputError, match="contours without an image"):
        read_labels(path)


def test_contours_beyond_the_ct_are_refused(tmp_path: Path, ct: Path) -> None:
    path = write_rtstruct(tmp_path / "rs.dcm", FRAME, {"GTV": [rectangle((2, 3), (6, 7), 9)]})
    with pytest.raises(InputError, match=r"a contour at slice 9\.00 .* slices 0 to 5|slices 0 to 5.*slice 9\.00"):
        read_labels(path, image_path=ct)


def test_structures_of_points_are_left_out(tmp_path: Path, ct: Path) -> None:
    path = write_rtstruct(tmp_path / "rs.dcm", FRAME, {"isocentre": [rectangle((2, 3), (2, 3), 1)]}, "POINT")
    assert read_labels(path, image_path=ct).names == {}
