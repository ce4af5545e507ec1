# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.meshing.region import Box, Capsule, Region, Sphere, enclosing_region
from tests.meshing.needles import ball_points

BODIES: list[Region] = [
    Sphere((1.0, 2.0, 3.0), 10.0),
    Capsule((0.0, 0.0, -8.0), (1.0, 2.0, 8.0), 6.0),
    Box((-5.0, -6.0, -7.0), (5.0, 8.0, 9.0)),
]


@pytest.mark.parametrize("body", BODIES)
def test_volume_agrees_with_the_signed_distance(body: Region) -> None:
    half = body.bounding_radius_mm
    points = np.random.default_rng(0).uniform(-half, half, (400_000, 3)) + body.centre_mm
    inside = np.mean(body.signed_distance_mm(points) < 0.0) * (2.0 * half) ** 3
    assert inside == pytest.approx(body.volume_mm3, rel=0.01)


@pytest.mark.parametrize("body", BODIES)
def test_scaling_multiplies_the_volume_by_the_cube(body: Region) -> None:
    assert body.scaled(1.25).volume_mm3 == pytest.approx(1.25**3 * body.volume_mm3)
    assert body.scaled(1.25).centre_mm == pytest.approx(body.centre_mm)


@pytest.mark.parametrize("shape", ["sphere", "capsule", "box", "auto"])
def test_the_enclosing_body_holds_every_margin(shape: str) -> None:
    points = np.random.default_rng(2).normal(size=(50, 3)) * [30.0, 5.0, 5.0]
    margins = np.linspace(5.0, 20.0, 50)
    body = enclosing_region(points, margins, shape)  # type: ignore[arg-type]
    assert np.all(body.signed_distance_mm(points) <= -margins + 0.1)


def test_a_long_arrangement_gets_a_capsule_and_a_round_one_a_ball() -> None:
    line = np.column_stack([np.linspace(-80.0, 80.0, 50), np.zeros(50), np.zeros(50)])
    assert isinstance(enclosing_region(line, np.full(50, 30.0), "auto"), Capsule)
    assert isinstance(enclosing_region(ball_points((0, 0, 0), 20.0), np.full(300, 30.0), "auto"), Sphere)


def test_noise_in_the_points_does_not_change_the_region() -> None:
    points = ball_points((1.0, 2.0, 3.0), 20.0)
    body = enclosing_region(points, np.full(300, 20.0), "sphere")
    assert enclosing_region(points + 1e-9, np.full(300, 20.0), "sphere") == body
