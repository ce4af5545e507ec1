# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.read import read_labels
from imagio_sim.anatomy.surfaces import read_surface
from imagio_sim.anatomy.volume import Grid
from imagio_sim.errors import InputError

CENTRE = (10.3, -20.4, 5.2)
"""Off the voxel centres, so that no surface point coincides with one."""
BALL_ML = 4.0 / 3.0 * np.pi * 15.0**3 / 1000.0


def write_ball(path: Path, radius: float = 15.0, centre: tuple[float, float, float] = CENTRE) -> Path:
    pv.Icosphere(radius=radius, center=centre, nsub=5).save(path)
    return path


@pytest.mark.parametrize("suffix", [".vtk", ".vtp", ".stl", ".ply"])
def test_a_surface_becomes_a_label_of_its_volume_at_its_place(tmp_path: Path, suffix: str) -> None:
    volume = read_labels(write_ball(tmp_path / f"tumour{suffix}"))
    assert volume.names == {1: "tumour"}
    assert volume.volume_ml("tumour") == pytest.approx(BALL_ML, rel=0.005)
    assert volume.surfaces["tumour"].volume_ml == pytest.approx(BALL_ML, rel=0.002)
    assert np.allclose(volume.grid.spacing_mm, 1.0)
    centre = volume.grid.to_lps(np.argwhere(volume.mask("tumour")).astype(float)).mean(axis=0)
    assert np.allclose(centre, CENTRE, atol=0.05)


def test_a_surface_comes_onto_an_oblique_grid(tmp_path: Path) -> None:
    angle = np.radians(30.0)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]) * 1.2
    affine[:3, 3] = np.array(CENTRE) - affine[:3, :3] @ np.full(3, 20.0)
    volume = read_labels(write_ball(tmp_path / "tumour.stl"), reference=Grid((41, 41, 41), affine))
    assert volume.volume_ml("tumour") == pytest.approx(BALL_ML, rel=0.01)
    points = volume.grid.to_lps(np.argwhere(volume.mask("tumour")).astype(float))
    assert np.linalg.norm(points - CENTRE, axis=1).max() <= 15.0


def test_a_surface_beyond_the_grid_leaves_no_voxel(tmp_path: Path) -> None:
    volume = read_labels(write_ball(tmp_path / "tumour.stl"), reference=Grid((5, 5, 5), np.eye(4)))
    assert not volume.labels.any()


def test_a_surface_half_in_the_grid_fills_the_part_inside(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, 3] = [-10.0, -40.0, CENTRE[2] + 0.5]
    volume = read_labels(write_ball(tmp_path / "tumour.stl"), reference=Grid((41, 41, 41), affine))
    assert volume.volume_ml("tumour") == pytest.approx(BALL_ML / 2.0, rel=0.01)


def test_in_a_folder_the_smaller_surface_wins(tmp_path: Path) -> None:
    write_ball(tmp_path / "tumour.vtk", 5.0)
    write_ball(tmp_path / "a_liver.vtk", 15.0)
    volume = read_labels(tmp_path, names={"a_liver": "liver"})
    assert set(volume.names.values()) == {"liver", "tumour"}
    assert volume.volume_ml("tumour") == pytest.approx(BALL_ML / 27.0, rel=0.03)
    assert volume.volume_ml("liver") == pytest.approx(BALL_ML * 26.0 / 27.0, rel=0.01)


def test_structures_choose_and_order_the_surfaces(tmp_path: Path) -> None:
    write_ball(tmp_path / "tumour.vtk", 5.0)
    write_ball(tmp_path / "liver.vtk", 15.0)
    write_ball(tmp_path / "spleen.vtk", 8.0)
    volume = read_labels(tmp_path, structures=["liver", "tumour"])
    assert set(volume.names.values()) == {"liver", "tumour"}
    assert volume.volume_ml("tumour") == 0.0


def test_the_largest_piece_of_a_surface_can_be_kept(tmp_path: Path) -> None:
    pieces = pv.Icosphere(radius=15.0, nsub=4).merge(pv.Icosphere(radius=3.0, center=(40, 0, 0), nsub=4))
    pieces.extract_surface(algorithm=None).save(tmp_path / "liver.vtk")
    assert read_surface(tmp_path / "liver.vtk", largest_component=False).points_mm[:, 0].max() > 40.0
    kept = read_surface(tmp_path / "liver.vtk", largest_component=True)
    assert kept.points_mm[:, 0].max() == pytest.approx(15.0, abs=0.1)
    assert kept.volume_ml == pytest.approx(BALL_ML, rel=0.01)


def test_an_inward_surface_is_turned_outwards(tmp_path: Path) -> None:
    ball = pv.Icosphere(radius=15.0, nsub=3)
    ball.flip_faces(inplace=True)
    ball.save(tmp_path / "liver.vtk")
    assert read_surface(tmp_path / "liver.vtk", largest_component=False).signed_volume_ml > 0.0


def test_an_open_surface_is_refused(tmp_path: Path) -> None:
    pv.Icosphere(radius=15.0).clip("z").save(tmp_path / "liver.vtk")
    with pytest.raises(InputError, match=r"closed triangulated surface .*got an open surface \(\d+ edges"):
        read_labels(tmp_path / "liver.vtk")


def test_a_file_of_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "liver.stl").write_text("no surface at all")
    with pytest.raises(InputError, match="closed triangulated surface"):
        read_labels(tmp_path / "liver.stl")


def test_a_volume_mesh_is_refused(tmp_path: Path) -> None:
    pv.ImageData(dimensions=(3, 3, 3)).save(tmp_path / "liver.vtk")
    with pytest.raises(InputError, match="ImageData with 8 cells"):
        read_labels(tmp_path / "liver.vtk")
