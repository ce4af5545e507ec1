# SPDX-License-Identifier: LGPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.outcome.zone import ablation_zone
from tests.outcome.meshes import cube, half_plane, pierced_cube

HEAD = np.array([0.0, 0.0, 1.0])
BALL_15 = 4 / 3 * np.pi * 15.0**3


def ball_level(points: np.ndarray, radius: float, centre: tuple[float, ...] = (0.0, 0.0, 0.0)) -> np.ndarray:
    return radius - np.linalg.norm(points - np.array(centre[: points.shape[1]]), axis=1)


def edges_used_once(triangles: np.ndarray) -> int:
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] != 2).sum())


def test_a_ball_has_its_volume_axes_and_sphericity() -> None:
    domain, _ = cube()
    zone = ablation_zone(domain, ball_level(domain.points_mm, 15.0), HEAD)
    assert zone.volume_mm3 == pytest.approx(BALL_15, rel=5e-3)
    assert zone.tissue_volume_mm3 == pytest.approx(zone.volume_mm3, rel=1e-9)
    assert [zone.long_axis_mm, zone.short_axis_mm, zone.transverse_axis_mm] == pytest.approx([30, 30, 30], abs=0.1)
    assert zone.sphericity == pytest.approx(1.0, abs=2e-3)
    assert zone.centroid_mm == pytest.approx([0, 0, 0], abs=0.01)
    assert len(zone.component_volumes_mm3) == 1
    assert not zone.clipped


def test_a_linear_level_is_cut_exactly() -> None:
    domain, _ = cube()
    zone = ablation_zone(domain, domain.points_mm @ np.array([0.3, -0.2, 0.5]) + 0.7, HEAD)
    living = ablation_zone(domain, -(domain.points_mm @ np.array([0.3, -0.2, 0.5]) + 0.7), HEAD)
    assert zone.volume_mm3 + living.volume_mm3 == pytest.approx(40.0**3, rel=1e-9)
    assert zone.tissue_volume_mm3 == pytest.approx(zone.volume_mm3, rel=1e-9)


def test_the_surface_is_closed_also_where_the_region_ends() -> None:
    domain, _ = cube()
    zone = ablation_zone(domain, ball_level(domain.points_mm, 15.0, (0.0, 0.0, 12.0)), HEAD)
    assert zone.clipped
    assert edges_used_once(zone.surface.triangles) == 0
    assert zone.volume_mm3 == pytest.approx(zone.tissue_volume_mm3, rel=1e-9)
    cap = np.pi * 7.0**2 * (3 * 15.0 - 7.0) / 3
    assert zone.volume_mm3 == pytest.approx(BALL_15 - cap, rel=5e-3)


def test_a_needle_is_part_of_the_zone_but_not_of_its_tissue() -> None:
    domain, _ = pierced_cube()
    zone = ablation_zone(domain, ball_level(domain.points_mm, 15.0), HEAD)
    octagon = 2 * np.sqrt(2)
    assert edges_used_once(zone.surface.triangles) == 0
    assert zone.volume_mm3 - zone.tissue_volume_mm3 == pytest.approx(octagon * 15.0, rel=0.02)
    assert zone.volume_mm3 == pytest.approx(BALL_15, rel=5e-3)


def test_axes_follow_the_needle() -> None:
    domain, _ = cube()
    needle = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    along = domain.points_mm @ needle
    head, side = domain.points_mm[:, 2], domain.points_mm @ np.array([1.0, -1.0, 0.0]) / np.sqrt(2)
    level = 1.0 - np.sqrt((along / 15) ** 2 + (head / 10) ** 2 + (side / 8) ** 2)
    zone = ablation_zone(domain, level, needle)
    assert [zone.long_axis_mm, zone.short_axis_mm, zone.transverse_axis_mm] == pytest.approx([30, 20, 16], abs=0.2)
    assert zone.sphericity is not None
    assert zone.sphericity < 0.97


def test_two_balls_are_two_components_and_the_larger_is_measured() -> None:
    domain, _ = cube()
    level = np.maximum(
        ball_level(domain.points_mm, 8.0, (-8.0, 0.0, 0.0)), ball_level(domain.points_mm, 5.0, (12.0, 0.0, 0.0))
    )
    zone = ablation_zone(domain, level, HEAD)
    assert zone.component_volumes_mm3 == pytest.approx([4 / 3 * np.pi * 512, 4 / 3 * np.pi * 125], rel=0.04)
    assert sum(zone.component_volumes_mm3) == pytest.approx(zone.tissue_volume_mm3)
    assert zone.long_axis_mm == pytest.approx(16.0, abs=0.1)


def test_a_living_core_is_no_part_of_the_zone() -> None:
    domain, _ = cube()
    radius = np.linalg.norm(domain.points_mm, axis=1)
    zone = ablation_zone(domain, np.minimum(15.0 - radius, radius - 8.0), HEAD)
    assert zone.volume_mm3 == pytest.approx(4 / 3 * np.pi * (15.0**3 - 8.0**3), rel=0.01)


def test_nothing_dead_is_an_empty_zone() -> None:
    domain, _ = cube()
    zone = ablation_zone(domain, np.full(len(domain.points_mm), -1.0), HEAD)
    assert zone.volume_mm3 == zone.tissue_volume_mm3 == zone.long_axis_mm == 0.0
    assert zone.sphericity is None
    assert zone.centroid_mm is None
    assert zone.component_volumes_mm3 == ()


def test_everything_dead_is_the_whole_region() -> None:
    domain, _ = cube()
    zone = ablation_zone(domain, np.zeros(len(domain.points_mm)), HEAD)
    assert zone.volume_mm3 == pytest.approx(40.0**3)
    assert zone.clipped


def test_a_level_with_a_hole_in_it_is_refused() -> None:
    domain, _ = cube()
    with pytest.raises(ValueError, match="finite"):
        ablation_zone(domain, np.full(len(domain.points_mm), np.nan), HEAD)


def test_a_zone_at_the_skin_is_told_from_one_that_the_region_cuts() -> None:
    domain, _ = cube()
    top = domain.points_mm[domain.surfaces["boundary"]][:, :, 2].min(axis=1) > 19.9
    surfaces = {"boundary": domain.surfaces["boundary"][~top], "skin": domain.surfaces["boundary"][top]}
    skinned = replace(domain, surfaces=surfaces)
    upwards = ablation_zone(skinned, ball_level(domain.points_mm, 15.0, (0.0, 0.0, 12.0)), HEAD)
    downwards = ablation_zone(skinned, ball_level(domain.points_mm, 15.0, (0.0, 0.0, -12.0)), HEAD)
    assert (upwards.at_skin, upwards.clipped) == (True, False)
    assert (downwards.at_skin, downwards.clipped) == (False, True)
    assert edges_used_once(upwards.surface.triangles) == 0


def test_an_axisymmetric_ball_is_revolved() -> None:
    domain = half_plane()
    zone = ablation_zone(domain, ball_level(domain.points_mm, 15.0), HEAD)
    assert zone.volume_mm3 == pytest.approx(BALL_15, rel=5e-3)
    assert zone.tissue_volume_mm3 == pytest.approx(zone.volume_mm3, rel=1e-9)
    assert [zone.long_axis_mm, zone.short_axis_mm] == pytest.approx([30, 30], abs=0.1)
    assert zone.sphericity == pytest.approx(1.0, abs=2e-3)
    assert not zone.clipped


def test_the_surface_of_an_axisymmetric_zone_is_closed_and_encloses_it() -> None:
    domain = half_plane()
    for radius, centre in ((15.0, (0.0, 0.0)), (12.0, (0.0, 15.0)), (6.0, (11.0, 0.0))):
        zone = ablation_zone(domain, ball_level(domain.points_mm, radius, centre), HEAD)
        assert edges_used_once(zone.surface.triangles) == 0
        assert zone.surface.volume_mm3 == pytest.approx(zone.volume_mm3, rel=1e-3)
        assert zone.surface.centroid_mm == pytest.approx(zone.centroid_mm, abs=0.01)


def test_the_surface_of_a_zone_around_a_needle_in_a_half_plane_is_closed_across_it() -> None:
    beside = half_plane(radius_mm=20.0)
    moved = replace(beside, points_mm=beside.points_mm + np.array([1.0, 0.0]))
    facets = moved.surfaces["boundary"]
    on_needle = np.all(np.abs(moved.points_mm[facets][:, :, 0] - 1.0) < 1e-9, axis=1)
    pierced = replace(moved, surfaces={"boundary": facets[~on_needle], "A.needle.active": facets[on_needle]})
    zone = ablation_zone(pierced, ball_level(pierced.points_mm, 10.0), HEAD)
    assert edges_used_once(zone.surface.triangles) == 0
    assert zone.surface.volume_mm3 == pytest.approx(zone.volume_mm3, rel=1e-3)
    assert zone.volume_mm3 - zone.tissue_volume_mm3 == pytest.approx(np.pi * 1.0**2 * 19.9, rel=0.01)


def test_an_axisymmetric_zone_is_closed_by_the_region() -> None:
    domain = half_plane()
    zone = ablation_zone(domain, ball_level(domain.points_mm, 12.0, (0.0, 15.0)), HEAD)
    assert zone.clipped
    assert zone.volume_mm3 == pytest.approx(zone.tissue_volume_mm3, rel=1e-9)
    assert zone.centroid_mm is not None
    assert zone.centroid_mm[0] == 0.0


def test_halving_the_elements_quarters_the_volume_error() -> None:
    errors = []
    for spacing in (1.6, 0.8):
        domain = half_plane(spacing_mm=spacing)
        errors.append(1.0 - ablation_zone(domain, ball_level(domain.points_mm, 15.0), HEAD).volume_mm3 / BALL_15)
    assert 1.7 < np.log2(errors[0] / errors[1]) < 2.3
