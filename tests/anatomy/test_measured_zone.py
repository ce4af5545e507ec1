# SPDX-License-Identifier: LGPL-3.0-or-later
from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.measured_zone import read_measured_zone
from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.slice_stack import SliceStack, write_slice_stack
from imagio_sim.anatomy.volume import Grid
from imagio_sim.errors import InputError
from imagio_sim.export.nrrd_file import Segment, write_segmentation
from tests.anatomy.made_files import SHAPE, block, ct_slices, lps_grid, write_dicom_seg

MIDDLE = np.array([40.0, -30.0, 100.0])
VOLUME_ML = 4.0 / 3.0 * np.pi * 1.0


def ball(grid: Grid, radius: float = 10.0) -> np.ndarray:
    points = grid.to_lps(np.indices(grid.shape, dtype=float).reshape(3, -1).T)
    return (np.linalg.norm(points - MIDDLE, axis=1) < radius).reshape(grid.shape)


LIVER, LESION = block(SHAPE, (1, 1, 1), (9, 9, 5)), block(SHAPE, (3, 4, 1), (6, 7, 4))
GRID = Grid.around(MIDDLE - 14.0, MIDDLE + 14.0, 1.0)


def made(folder: Path, kind: str) -> Path:
    """The same ball in a file of each kind."""
    if kind == "nifti":
        write_nifti(folder / "zone.nii.gz", ball(GRID).astype(np.uint8), GRID)
        return folder / "zone.nii.gz"
    if kind == "seg.nrrd":
        write_segmentation(folder / "zone.seg.nrrd", [Segment("zone", ball(GRID), (1.0, 0.0, 0.0))], GRID)
        return folder / "zone.seg.nrrd"
    if kind == "yaml":
        around = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
        heights = np.arange(-9.0, 10.0, 2.0)
        outlines = tuple((np.sqrt(100.0 - h * h) * np.column_stack([np.cos(around), np.sin(around)]),) for h in heights)
        write_slice_stack(folder / "zone.yaml", SliceStack(MIDDLE, np.eye(3), heights, outlines), source="a test")
        return folder / "zone.yaml"
    pv.Sphere(radius=10.0, center=MIDDLE, theta_resolution=60, phi_resolution=60).save(folder / f"zone.{kind}")
    return folder / f"zone.{kind}"


@pytest.mark.parametrize("kind", ["nifti", "seg.nrrd", "stl", "vtp", "vtk", "yaml"])
def test_a_zone_is_the_same_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    found = read_measured_zone(made(tmp_path, kind))
    assert found.surface.volume_ml == pytest.approx(VOLUME_ML, rel=0.02)
    assert found.surface.points_mm.mean(axis=0) == pytest.approx(MIDDLE, abs=0.3)
    assert found.surface.signed_volume_ml > 0.0
    assert len(found.files) == 1


def test_a_dicom_segment_is_chosen_by_name_and_brings_its_frame(tmp_path: Path) -> None:
    file = write_dicom_seg(tmp_path / "zone.dcm", ct_slices(frame_uid="1.2.3"), {"liver": LIVER, "lesion": LESION})
    with pytest.raises(InputError, match=r"2 structures .liver, lesion.*--structure"):
        read_measured_zone(file)
    found = read_measured_zone(file, structure="lesion")
    assert found.frame_of_reference == "1.2.3"
    assert found.surface.volume_ml == pytest.approx(LESION.sum() * 9.0 / 1000.0, rel=0.01)
    assert found.resolution_mm == 3.0


def test_an_empty_zone_is_refused(tmp_path: Path) -> None:
    write_nifti(tmp_path / "zone.nii.gz", np.zeros(GRID.shape, dtype=np.uint8), GRID)
    nothing = SliceStack(MIDDLE, np.eye(3), np.array([0.0, 5.0]), ((), ()))
    write_slice_stack(tmp_path / "zone.yaml", nothing, source="a test")
    for name in ("zone.nii.gz", "zone.yaml"):
        with pytest.raises(InputError, match="an empty zone"):
            read_measured_zone(tmp_path / name)


def test_what_holds_no_zone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zone.txt").write_text("a zone", encoding="utf-8")
    for name, says in (("zone.txt", "no known format"), ("nowhere.nii", "no such file")):
        with pytest.raises(InputError, match=says):
            read_measured_zone(tmp_path / name)


def test_an_image_is_no_zone(tmp_path: Path) -> None:
    write_nifti(tmp_path / "ct.nii.gz", np.full(lps_grid().shape, -100.5, dtype=np.float32), lps_grid())
    with pytest.raises(InputError, match="no label numbers"):
        read_measured_zone(tmp_path / "ct.nii.gz")
