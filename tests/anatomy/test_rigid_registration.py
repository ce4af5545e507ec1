# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest
import pyvista as pv
from scipy.spatial.transform import Rotation

from imagio_sim.anatomy.rigid_registration import RigidTransform, register
from imagio_sim.anatomy.volume import ClosedSurface


def organ() -> ClosedSurface:
    """A lump without symmetry, far from the origin."""
    mesh = pv.ParametricEllipsoid(45.0, 30.0, 22.0, u_res=40, v_res=40, w_res=40).clean().triangulate()
    points = np.asarray(mesh.points, dtype=float)
    points = points + 0.006 * points[:, [1]] ** 2 * [1.0, 0.0, 0.5] + 0.004 * points[:, [0]] ** 2 * [0.0, 1.0, 0.0]
    return ClosedSurface(
        points + np.array([80.0, -150.0, 400.0]), np.asarray(mesh.regular_faces, dtype=np.int64)
    ).outward()


def test_a_moved_organ_is_laid_back_over_itself() -> None:
    fixed = organ()
    rotation = Rotation.from_euler("xyz", [8.0, -12.0, 5.0], degrees=True).as_matrix()
    moved = RigidTransform(rotation, np.array([30.0, -12.0, 45.0])).of_surface(fixed)
    found = register(moved, fixed)
    error = np.linalg.norm(found.of_points(moved.points_mm) - fixed.points_mm, axis=1)
    assert error.mean() < 0.5
    assert error.max() < 1.2
    assert found.angle_degrees == pytest.approx(np.degrees(Rotation.from_matrix(rotation).magnitude()), abs=0.7)


def test_what_lies_right_stays_where_it_is() -> None:
    found = register(organ(), organ())
    assert found.angle_degrees < 0.2
    assert np.linalg.norm(found.of_points(organ().points_mm) - organ().points_mm, axis=1).max() < 0.2
