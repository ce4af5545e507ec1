# SPDX-License-Identifier: LGPL-3.0-or-later
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from imagio_sim.anatomy.volume import Grid
from imagio_sim.export.label_maps import fine_grid, zone_label_map
from imagio_sim.export.nifti import write_label_nifti

CENTRE = np.array([12.0, -40.0, 77.0])
BOX = np.array([CENTRE - 10.0, CENTRE + 10.0])


def inside(points: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(points - CENTRE, axis=1) <= 10.0)


def oblique_grid() -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.98, -0.17, 0.0], [0.17, 0.98, 0.0], [0.0, 0.0, 1.0]]) @ np.diag([-0.9, 1.1, 2.0])
    affine[:3, 3] = CENTRE - affine[:3, :3] @ np.array([20, 15, 10])
    return Grid((40, 30, 20), affine)


@pytest.mark.parametrize("grid", [fine_grid(BOX), oblique_grid()])
def test_a_ball_on_a_grid_keeps_volume_and_centre(grid: Grid) -> None:
    labels = zone_label_map(grid, inside, BOX)
    assert labels.sum() * grid.voxel_volume_mm3 == pytest.approx(4 / 3 * np.pi * 1000, rel=0.01)
    assert grid.to_lps(np.argwhere(labels).astype(float)).mean(axis=0) == pytest.approx(CENTRE, abs=0.1)


def test_a_zone_beyond_the_grid_is_cut_and_one_far_away_is_empty() -> None:
    grid = Grid((10, 10, 10), np.eye(4))
    assert zone_label_map(grid, inside, BOX).sum() == 0
    half = zone_label_map(grid, lambda p: p[:, 0] < 4.5, np.array([[-20.0, -20, -20], [4.5, 20, 20]]))
    assert half.sum() == 5 * 100


def test_the_fine_grid_holds_the_box_on_whole_millimetres() -> None:
    grid = fine_grid(np.array([[0.3, -1.2, 5.0], [10.7, 1.2, 6.0]]), spacing_mm=1.0, padding_mm=2.0)
    corners = grid.to_lps(np.array([[0.0, 0, 0], np.array(grid.shape) - 1.0]))
    assert (corners[0] <= [-1.7, -3.2, 3.0]).all()
    assert (corners[1] >= [12.7, 3.2, 8.0]).all()
    assert grid.affine[:3, 3] == pytest.approx(np.round(grid.affine[:3, 3]))


def test_another_library_finds_the_zone_where_it_is(tmp_path: Path) -> None:
    grid = oblique_grid()
    write_label_nifti(tmp_path / "necrosis.nii.gz", zone_label_map(grid, inside, BOX), grid)
    image = SimpleITK.ReadImage(str(tmp_path / "necrosis.nii.gz"))
    for offset, expected in ((0.0, 1), (7.0, 1), (13.0, 0)):
        index = image.TransformPhysicalPointToIndex([float(v) for v in CENTRE + np.array([offset, 0.0, 0.0])])
        assert image.GetPixel(index) == expected


@pytest.mark.parametrize(("qform_code", "sform_code"), [(0, 2), (1, 0), (1, 1)])
def test_the_orientation_of_the_segmentation_is_kept_to_the_last_bit(
    tmp_path: Path, qform_code: int, sform_code: int
) -> None:
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ oblique_grid().affine
    original = nibabel.Nifti1Image(np.zeros((40, 30, 20), dtype=np.int16), None)
    original.header.set_data_shape((40, 30, 20))
    original.header.set_qform(affine, qform_code, strip_shears=True)
    original.header.set_sform(affine, sform_code)
    nibabel.save(
        nibabel.Nifti1Image(np.zeros((40, 30, 20), dtype=np.int16), None, original.header), tmp_path / "s.nii.gz"
    )
    source = nibabel.load(tmp_path / "s.nii.gz")
    grid = Grid((40, 30, 20), np.diag([-1.0, -1.0, 1.0, 1.0]) @ source.affine)
    write_label_nifti(tmp_path / "n.nii.gz", np.zeros(grid.shape, dtype=np.uint8), grid, tmp_path / "s.nii.gz")
    written = nibabel.load(tmp_path / "n.nii.gz")
    assert written.shape == source.shape
    assert (written.affine == source.affine).all()
    for name in ("qform_code", "sform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "qoffset_x", "pixdim"):
        assert written.header[name].tobytes() == source.header[name].tobytes()


def test_the_orientation_of_another_grid_is_not_taken_over(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((40, 30, 20), dtype=np.int16), np.eye(4)), tmp_path / "other.nii.gz")
    grid = oblique_grid()
    write_label_nifti(tmp_path / "n.nii.gz", np.zeros(grid.shape, dtype=np.uint8), grid, tmp_path / "other.nii.gz")
    expected = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine
    assert nibabel.load(tmp_path / "n.nii.gz").affine == pytest.approx(expected, abs=1e-4)


def test_the_label_map_says_that_it_is_simulated(tmp_path: Path) -> None:
    grid = oblique_grid()
    write_label_nifti(tmp_path / "n.nii.gz", np.zeros(grid.shape, dtype=np.uint8), grid)
    assert b"SIMULATED, NOT FOR CLINICAL USE" in nibabel.load(tmp_path / "n.nii.gz").header["descrip"].tobytes()
    assert [file.name for file in tmp_path.iterdir()] == ["n.nii.gz"]
