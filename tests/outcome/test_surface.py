# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.outcome.surface import Surface
from tests.outcome.meshes import sphere


def test_a_sphere_far_from_the_origin_has_its_volume_area_and_centroid() -> None:
    ball = sphere(10.0, centre=(150.0, -900.0, 1200.0))
    assert ball.volume_mm3 == pytest.approx(4 / 3 * np.pi * 1000, rel=2e-3)
    assert ball.area_mm2 == pytest.approx(400 * np.pi, rel=1e-3)
    assert ball.centroid_mm == pytest.approx([150.0, -900.0, 1200.0], abs=1e-6)


def test_surface_samples_carry_the_whole_area_and_keep_their_spacing() -> None:
    samples = sphere(10.0).samples(1.0)
    assert samples.weights.sum() == pytest.approx(sphere(10.0).area_mm2)
    assert np.linalg.norm(samples.points_mm, axis=1) == pytest.approx(np.full(len(samples.weights), 10.0), abs=0.02)
    assert 800 < len(samples.weights) < 3000


def test_large_triangles_are_divided_into_samples() -> None:
    triangle = Surface(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]), np.array([[0, 1, 2]]))
    samples = triangle.samples(1.0)
    assert len(samples.weights) > 50
    assert (samples.weights[:, None] * samples.points_mm).sum(axis=0) / 50.0 == pytest.approx(
        [10 / 3, 10 / 3, 0], abs=0.1
    )


def test_interior_samples_integrate_the_volume_and_its_moment() -> None:
    ball = sphere(10.0, centre=(3.0, 4.0, 5.0))
    samples = ball.interior_samples(0.7)
    assert samples.weights.sum() == pytest.approx(ball.volume_mm3, rel=2e-3)
    moment = (samples.weights[:, None] * samples.points_mm).sum(axis=0) / samples.weights.sum()
    assert moment == pytest.approx([3.0, 4.0, 5.0], abs=0.02)


def test_interior_samples_of_a_surface_aligned_with_the_lattice_are_found() -> None:
    square = np.array([[x, y, z] for x in (0.0, 4) for y in (0.0, 4) for z in (0.0, 4)])
    faces = [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
    ]
    faces += [[1, 5, 7], [1, 7, 3]]
    samples = Surface(square, np.array(faces)).interior_samples(0.5)
    assert samples.weights.sum() == pytest.approx(64.0)


def test_a_surface_with_a_hole_is_refused() -> None:
    ball = sphere(10.0)
    with pytest.raises(InputError, match="holes"):
        Surface(ball.points_mm, ball.triangles[: len(ball.triangles) // 2]).interior_samples(1.0)


def test_distance_to_a_sphere_is_the_difference_of_radii() -> None:
    points = np.random.default_rng(3).uniform(-25, 25, (500, 3))
    expected = np.abs(np.linalg.norm(points, axis=1) - 10.0)
    assert sphere(10.0).distance_mm(points) == pytest.approx(expected, abs=0.02)


def test_distance_to_a_large_triangle_knows_face_edge_and_corner() -> None:
    triangle = Surface(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]), np.array([[0, 1, 2]]))
    points = np.array([[2.0, 2, 3], [5, -4, 0], [-3, -4, 0], [10, 10, 0]])
    assert triangle.distance_mm(points) == pytest.approx([3.0, 4.0, 5.0, np.sqrt(50)])


def test_distance_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="without triangles"):
        Surface(np.zeros((1, 3)), np.empty((0, 3), dtype=np.int64)).distance_mm(np.zeros((1, 3)))


def test_closest_approach_finds_the_nearest_of_many_points() -> None:
    points = np.random.default_rng(4).uniform(30, 80, (2000, 3))
    distance, number = sphere(10.0).closest_approach(points)
    radii = np.linalg.norm(points, axis=1)
    assert distance == pytest.approx(radii.min() - 10.0, abs=0.02)
    assert number == radii.argmin()


def test_a_plane_cuts_a_sphere_in_a_circle() -> None:
    segments = sphere(10.0).section(np.array([0.0, 0.0, 6.0]), np.array([0.0, 0.0, 1.0]))
    assert np.hypot(segments[:, :, 0], segments[:, :, 1]) == pytest.approx(np.full(segments.shape[:2], 8.0), abs=0.1)
    assert np.linalg.norm(segments[:, 0] - segments[:, 1], axis=1).sum() == pytest.approx(16 * np.pi, rel=5e-3)


def test_points_are_told_inside_from_outside_also_with_a_hollow() -> None:
    points = np.random.default_rng(3).uniform(-12.0, 12.0, (4000, 3)) + np.array([100.0, -50.0, 20.0])
    outer, inner = sphere(10.0, centre=(100.0, -50.0, 20.0)), sphere(4.0, centre=(100.0, -50.0, 20.0))
    hollow = Surface(
        np.concatenate([outer.points_mm, inner.points_mm]),
        np.concatenate([outer.triangles, inner.triangles[:, ::-1] + len(outer.points_mm)]),
    )
    radius = np.linalg.norm(points - [100.0, -50.0, 20.0], axis=1)
    sure = (np.abs(radius - 10.0) > 0.05) & (np.abs(radius - 4.0) > 0.05)
    assert (hollow.contains(points) == ((radius < 10.0) & (radius > 4.0)))[sure].all()


def test_points_far_outside_are_outside() -> None:
    assert not sphere(5.0).contains(np.array([[100.0, 0, 0], [0, -100.0, 0], [0, 0, 100.0], [-50.0, 50.0, 3.0]])).any()


def test_chords_have_the_volume_and_share_their_columns() -> None:
    (columns, ends), (others, _) = sphere(6.0).chords(0.5), sphere(4.0, centre=(1.0, 0.0, 0.0)).chords(0.5)
    assert np.diff(ends, axis=1).sum() * 0.25 == pytest.approx(sphere(6.0).volume_mm3, rel=5e-3)
    assert np.isin((others * 1e6).round(), (columns * 1e6).round()).all()
