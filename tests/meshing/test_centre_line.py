# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.meshing.centre_line import (
    arc_lengths,
    densified,
    distance_between,
    is_straight,
    point_at,
    project,
    stretch,
)

BENT = ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0), (4.0, 0.0, 3.0))


def test_arc_length_runs_along_the_corners() -> None:
    assert arc_lengths(BENT) == pytest.approx([0.0, 3.0, 7.0])
    assert point_at(BENT, 5.0) == pytest.approx([2.0, 0.0, 3.0])


def test_a_stretch_keeps_the_corners_between_its_ends() -> None:
    assert stretch(BENT, 1.0, 5.0) == pytest.approx(np.array([[0, 0, 1], [0, 0, 3], [2, 0, 3]]))


def test_a_stretch_that_ends_at_a_corner_has_it_once() -> None:
    assert len(stretch(BENT, 0.0, 3.0 + 1e-12)) == 2


def test_projection_finds_distance_and_place() -> None:
    distance, arc = project(BENT, np.array([[1.0, 0.0, 1.0], [2.0, 5.0, 3.0], [9.0, 0.0, 3.0]]))
    assert distance == pytest.approx([1.0, 5.0, 5.0])
    assert arc == pytest.approx([1.0, 5.0, 7.0])


def test_only_a_bent_line_is_not_straight() -> None:
    assert is_straight(((0, 0, 0), (1, 1, 1), (3, 3, 3)))
    assert not is_straight(BENT)


def test_distance_of_polylines_agrees_with_brute_force() -> None:
    random = np.random.default_rng(1)
    for _ in range(10):
        one, other = random.normal(size=(3, 3)), random.normal(size=(4, 3))
        points = densified(one, 0.01)[:, None] - densified(other, 0.01)[None]
        brute = np.linalg.norm(points, axis=2).min()
        assert distance_between(one, other) == pytest.approx(brute, abs=0.01)
        assert distance_between(one, other) <= brute + 1e-12


def test_crossing_lines_have_no_distance() -> None:
    assert distance_between(((-1, 0, 0), (1, 0, 0)), ((0, -1, 0), (0, 1, 0))) == pytest.approx(0.0)
