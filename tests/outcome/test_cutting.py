# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from imagio_sim.outcome.cutting import dead_pieces, interface_pieces, key_points, off_zero

UNIT_TETRAHEDRON = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
CELL = np.array([[0, 1, 2, 3]])
levels = st.lists(st.floats(-1, 1).filter(lambda v: abs(v) > 1e-3), min_size=4, max_size=4).map(np.array)


def dead_volume(level: np.ndarray) -> float:
    corners = key_points(dead_pieces(CELL, level > 0).keys, UNIT_TETRAHEDRON, level)
    return float(np.linalg.det(corners[:, 1:] - corners[:, :1]).sum() / 6.0)


@given(levels)
@settings(max_examples=200, deadline=None)
def test_the_dead_and_the_living_part_fill_the_cell_without_overlap(level: np.ndarray) -> None:
    # Signed volumes: overlapping or reversed pieces would not add up.
    assert dead_volume(level) + dead_volume(-level) == pytest.approx(1 / 6)


@given(levels)
@settings(max_examples=200, deadline=None)
def test_the_dead_volume_is_that_of_the_convex_hull_of_its_corners(level: np.ndarray) -> None:
    keys = np.unique(dead_pieces(CELL, level > 0).keys)
    if len(keys) >= 4:
        hull = ConvexHull(key_points(keys, UNIT_TETRAHEDRON, level), qhull_options="QJ Pp")
        assert dead_volume(level) == pytest.approx(hull.volume, abs=1e-6)


@given(levels)
@settings(max_examples=200, deadline=None)
def test_the_interface_lies_on_the_zero_level_and_faces_the_living_side(level: np.ndarray) -> None:
    facets = key_points(interface_pieces(CELL, level > 0).keys, UNIT_TETRAHEDRON, level)
    gradient = level[1:] - level[0]
    values = level[0] + facets @ gradient
    assert values == pytest.approx(np.zeros(values.shape), abs=1e-9)
    normals = np.cross(facets[:, 1] - facets[:, 0], facets[:, 2] - facets[:, 0])
    assert (normals @ gradient <= 0).all()


def test_one_dead_corner_leaves_the_product_of_edge_shares() -> None:
    level = np.array([1.0, -1.0, -3.0, -0.25])
    assert dead_volume(level) * 6 == pytest.approx(1 / 2 * 1 / 4 * 4 / 5)


def test_a_level_of_exactly_zero_at_a_node_is_no_crack() -> None:
    level = off_zero(np.array([0.0, 1.0, -1.0, 0.0]))
    assert dead_volume(level) + dead_volume(-level) == pytest.approx(1 / 6)


def test_triangles_are_cut_by_the_same_rule() -> None:
    points = np.array([[0.0, 0], [1, 0], [0, 1]])
    level = np.array([1.0, -1.0, -1.0])
    corners = key_points(dead_pieces(np.array([[0, 1, 2]]), level > 0).keys, points, level)
    assert np.linalg.det(corners[:, 1:] - corners[:, :1]).sum() / 2 == pytest.approx(1 / 8)
