# SPDX-License-Identifier: LGPL-3.0-or-later
"""Images and overlapping segments for 3D Slicer, read back by other readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from imagio_sim.anatomy.read import read_image
from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.export.nrrd_file import NOTICE, Segment, write_image, write_segmentation

GRID = Grid((4, 5, 6), np.array([[2.0, 0, 0, -10], [0, 0, 3.0, 20], [0, 1.5, 0, 5], [0, 0, 0, 1]]))


def segments() -> list[Segment]:
    """Two that overlap in one voxel."""
    zone, target = np.zeros(GRID.shape, bool), np.zeros(GRID.shape, bool)
    zone[1, 2, 3] = zone[1, 2, 4] = target[1, 2, 4] = target[3, 0, 5] = True
    return [Segment("simulated zone", zone, (0.1, 0.2, 0.3)), Segment("target", target, (0.9, 0.5, 0.0))]


def test_overlapping_segments_keep_all_their_voxels_in_layers_of_their_own(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "z.seg.nrrd", segments(), GRID)
    read = SimpleITK.ReadImage(str(tmp_path / "z.seg.nrrd"))
    layers = SimpleITK.GetArrayFromImage(read)  # k, j, i, layer
    for number, segment in enumerate(segments()):
        assert (segment.mask == layers[..., number].T).all()
        assert read.GetMetaData(f"Segment{number}_Name") == segment.name
        assert read.GetMetaData(f"Segment{number}_Layer") == str(number)
    assert read.GetMetaData("Segment0_Color") == "0.100000 0.200000 0.300000"
    assert NOTICE in (tmp_path / "z.seg.nrrd").read_bytes()[:2000].decode("latin-1")


def test_voxels_lie_where_the_grid_says(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "z.seg.nrrd", segments(), GRID)
    read = SimpleITK.ReadImage(str(tmp_path / "z.seg.nrrd"))
    place = read.TransformIndexToPhysicalPoint((1, 2, 3))
    assert place == pytest.approx(tuple(GRID.to_lps(np.array([[1.0, 2.0, 3.0]]))[0]))


def test_an_image_is_the_same_to_the_unit_when_read_again(tmp_path: Path) -> None:
    values = np.arange(120, dtype=np.float32).reshape(GRID.shape) - 60.0
    write_image(tmp_path / "ct.nrrd", Image(values, GRID, "test"))
    read = read_image(tmp_path / "ct.nrrd")
    assert (read.values == values).all()
    assert read.grid.affine == pytest.approx(GRID.affine)


def test_nothing_half_written_is_left_where_a_file_cannot_be_made(tmp_path: Path) -> None:
    wrong = [
        Segment("zone", np.zeros((2, 2, 2), bool), (0, 0, 0)),
        Segment("other", np.zeros((3, 2, 2), bool), (0, 0, 0)),
    ]
    with pytest.raises(ValueError, match="shape"):
        write_segmentation(tmp_path / "z.seg.nrrd", wrong, GRID)
    assert not list(tmp_path.iterdir())
