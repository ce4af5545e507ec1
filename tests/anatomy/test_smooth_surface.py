# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.smooth_surface import organ_blur_mm, smooth_surface, vessel_blur_mm
from imagio_sim.anatomy.volume import ClosedSurface, Grid
from imagio_sim.errors import InputError
from tests.anatomy.made_files import lps_grid


def centred_grid(count: int, spacing: tuple[float, float, float]) -> Grid:
    first = tuple(-length * (count - 1) / 2.0 + 0.2 for length in spacing)
    return lps_grid((count, count, count), spacing, (first[0], first[1], first[2]))


def coordinates(grid: Grid) -> np.ndarray:
    return grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float)).reshape(*grid.shape, 3)


def open_edges(surface: ClosedSurface) -> int:
    return int(pv.PolyData.from_regular_faces(surface.points_mm, surface.triangles).n_open_edges)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.5), (1.5, 1.5, 1.5)])
def test_a_sphere_keeps_its_volume_and_area(spacing: tuple[float, float, float]) -> None:
    grid = centred_grid(60, spacing)
    mask = np.linalg.norm(coordinates(grid), axis=-1) < 15.0
    surface = smooth_surface(mask, grid, blur_mm=organ_blur_mm(grid), where="ball")
    assert surface.volume_ml == pytest.approx(mask.sum() * grid.voxel_volume_mm3 / 1000.0, rel=0.0051)
    assert surface.area_mm2 == pytest.approx(4.0 * np.pi * 15.0**2, rel=0.02)
    assert np.linalg.norm(surface.points_mm, axis=1) == pytest.approx(15.0, abs=0.6 * max(spacing))
    assert surface.signed_volume_ml > 0.0
    assert open_edges(surface) == 0


def test_a_thin_vessel_keeps_its_wall_area() -> None:
    grid = centred_grid(60, (1.0, 1.0, 1.0))
    points = coordinates(grid)
    mask = (np.hypot(points[..., 0] - 0.3 * points[..., 2], points[..., 1]) < 3.0) & (np.abs(points[..., 2]) < 20.0)
    surface = smooth_surface(mask, grid, blur_mm=vessel_blur_mm(grid), where="vein")
    section = np.pi * 9.0
    # Wall of an oblique cylinder (integral over its circular horizontal sections) and two flat ends.
    turn = np.linspace(0.0, 2.0 * np.pi, 4001)[:-1]
    wall = 40.0 * 3.0 * np.mean(np.sqrt(1.0 + (0.3 * np.cos(turn)) ** 2)) * 2.0 * np.pi
    assert surface.area_mm2 == pytest.approx(wall + 2.0 * section, rel=0.04)


def test_a_structure_cut_by_the_image_has_a_closed_surface() -> None:
    grid = centred_grid(12, (2.0, 2.0, 2.0))
    surface = smooth_surface(np.ones(grid.shape, bool), grid, blur_mm=organ_blur_mm(grid), where="organ")
    assert open_edges(surface) == 0
    assert surface.volume_ml == pytest.approx(12**3 * 8.0 / 1000.0, rel=0.0051)


def test_a_single_voxel_has_a_surface_of_its_volume() -> None:
    grid = centred_grid(5, (1.0, 2.0, 3.0))
    mask = np.zeros(grid.shape, bool)
    mask[2, 2, 2] = True
    assert smooth_surface(mask, grid, blur_mm=organ_blur_mm(grid), where="dot").volume_ml == pytest.approx(
        0.006, rel=0.01
    )


def test_a_surface_lies_outwards_on_a_right_anterior_superior_grid_too() -> None:
    grid = centred_grid(20, (1.0, 1.0, 1.0))
    turned = Grid(grid.shape, np.diag([-1.0, 1.0, 1.0, 1.0]) @ grid.affine)
    mask = np.linalg.norm(coordinates(turned), axis=-1) < 6.0
    assert smooth_surface(mask, turned, blur_mm=organ_blur_mm(turned), where="ball").signed_volume_ml > 0.0


def test_an_empty_label_has_no_surface() -> None:
    with pytest.raises(InputError, match="vein: expected a structure of at least one voxel"):
        smooth_surface(
            np.zeros((3, 3, 3), bool),
            Grid((3, 3, 3), np.eye(4)),
            blur_mm=vessel_blur_mm(Grid((3, 3, 3), np.eye(4))),
            where="vein",
        )
