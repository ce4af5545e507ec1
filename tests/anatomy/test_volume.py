# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.volume import Grid
from tests.anatomy.made_files import FIRST_VOXEL, SPACING, lps_grid, two_labels


def test_the_voxel_around_a_point_is_found() -> None:
    index, inside = lps_grid().nearest(np.array([[-8.7, 20.9, -28.6], [-8.8, 20.0, -30.0]]))
    assert index[0].tolist() == [0, 0, 0]
    assert inside.tolist() == [True, False]


def test_bounds_hold_the_whole_voxels() -> None:
    lower, upper = lps_grid().bounds_mm
    assert np.allclose(lower, np.array(FIRST_VOXEL) - np.array(SPACING) / 2.0)
    assert np.allclose(upper - lower, np.array([12, 10, 6]) * np.array(SPACING))


def test_a_grid_around_a_box_covers_it() -> None:
    grid = Grid.around(np.array([-1.0, 2.0, 3.0]), np.array([4.5, 6.0, 8.2]), 1.0)
    lower, upper = grid.bounds_mm
    assert np.all(lower <= [-1.0, 2.0, 3.0])
    assert np.all(upper >= [4.5, 6.0, 8.2])


def test_a_description_names_voxels_spacing_orientation_and_place() -> None:
    assert lps_grid().describe() == "12x10x6 voxels of 1.5x2x3 mm (LPS) from LPS (-8.0, 20.0, -30.0) mm"


def test_an_organ_at_the_edge_of_the_image_is_cut_by_it() -> None:
    volume = two_labels()
    assert not volume.touches_border("liver")
    volume.labels[4, 4, 5] = 1
    assert volume.touches_border("liver")


def test_the_volume_of_a_label_is_its_voxels() -> None:
    assert two_labels().volume_ml("liver_tumour") == pytest.approx(3 * 2 * 2 * 9.0 / 1000.0)


def test_a_lesions_surface_encloses_its_exact_volume_and_points_outwards() -> None:
    lesion = VirtualLesion((10.0, -20.0, 30.0), (15.0, 10.0, 20.0), "tumour_liver")
    surface = lesion.surface()
    assert surface.signed_volume_ml == pytest.approx(4.0 / 3.0 * np.pi * 3.0, rel=1e-9)
    assert surface.volume_ml == pytest.approx(lesion.volume_ml, rel=1e-9)
    distance = np.linalg.norm((surface.points_mm - lesion.centre_mm) / np.array(lesion.semi_axes_mm), axis=1)
    assert np.allclose(distance, 1.0, atol=1e-3)


def test_a_sphere_has_the_area_of_a_sphere() -> None:
    surface = VirtualLesion((0.0, 0.0, 0.0), (15.0, 15.0, 15.0), "hcc").surface()
    assert surface.area_mm2 == pytest.approx(4.0 * np.pi * 15.0**2, rel=1e-3)
    assert surface.outward() is surface
