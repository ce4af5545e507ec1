# SPDX-License-Identifier: LGPL-3.0-or-later
"""A voxel field on coarse cells: what is kept exactly, and that no level surface is drawn inwards."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erfc, erfcinv

from imagio_sim.anatomy.volume import Grid
from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.meshing.projection import projected
from imagio_sim.meshing.transfer import node_volumes_mm3
from imagio_sim.outcome.zone import ablation_zone

SIDE_MM, RADIUS_MM, FALLS_OFF_MM = 56.0, 20.0, 3.5
MIDDLE = np.full(3, 0.5 * SIDE_MM)


def voxels(spacing: float = 1.0) -> tuple[Grid, np.ndarray]:
    """A grid around a box, and its voxel centres (i, j, k, 3)."""
    grid = Grid.around(np.full(3, -6.0), np.full(3, SIDE_MM + 6.0), spacing)
    return grid, grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float)).reshape(*grid.shape, 3)


def plateau(points: np.ndarray) -> np.ndarray:
    """1 within a ball, falling off around its surface as a dose does."""
    return np.asarray(0.5 * erfc((np.linalg.norm(points - MIDDLE, axis=-1) - RADIUS_MM) / FALLS_OFF_MM))


def zone_ml(level: np.ndarray, count: int, *, by_nodes: bool = False) -> float:
    """Volume in which the plateau is above a level, on a mesh of so many bricks along an edge."""
    domain = box(count, SIDE_MM)
    grid, centres = voxels()
    nodal = plateau(domain.points_mm) if by_nodes else projected(plateau(centres), grid, domain)
    return ablation_zone(domain, nodal - level, np.array([0.0, 0.0, 1.0])).volume_ml


def test_a_linear_field_is_itself() -> None:
    domain = box(4, SIDE_MM)
    grid, centres = voxels(2.0)
    slope = np.array([0.3, -0.2, 0.1])
    assert projected(5.0 + centres @ slope, grid, domain) == pytest.approx(5.0 + domain.points_mm @ slope, abs=1e-6)


@pytest.mark.parametrize("count", [8, 10, 14])
def test_the_integral_is_kept_though_the_field_falls_off_within_a_cell(count: int) -> None:
    """Cut off above and below without redistribution, bricks of 7 mm have 5 % too much."""
    domain = box(count, SIDE_MM)
    grid, centres = voxels()
    values = plateau(centres)
    amount = float(node_volumes_mm3(domain) @ projected(values, grid, domain))
    assert amount == pytest.approx(float(values.sum()) * grid.voxel_volume_mm3, rel=0.001)


@pytest.mark.parametrize("count", [8, 10, 14])
def test_nothing_lies_above_the_plateau(count: int) -> None:
    """The closest field overshoots by 15 to 5 %, so that tissue would die where no dose is lethal."""
    domain = box(count, SIDE_MM)
    grid, centres = voxels()
    nodal = projected(plateau(centres), grid, domain)
    assert nodal.max() <= 1.0 + 1e-9
    assert ablation_zone(domain, nodal - 1.02, np.array([0.0, 0.0, 1.0])).volume_ml == 0.0


def test_a_spike_stays_within_its_own_cells_and_range() -> None:
    """A cluster in one voxel: as much as it holds, nowhere more than it, and nothing beyond the cells around it."""
    domain = box(8, SIDE_MM)
    grid, _ = voxels(2.0)
    values = np.ones(grid.shape)
    values[tuple(size // 2 for size in grid.shape)] = 50.0
    nodal = projected(values, grid, domain)
    far = np.linalg.norm(domain.points_mm - MIDDLE, axis=1) > 2.0 * SIDE_MM / 8
    assert nodal[far] == pytest.approx(1.0, abs=1e-9)
    assert nodal.min() >= 1.0 - 1e-9
    assert 1.05 < nodal.max() < 50.0


def test_the_zone_at_the_rim_of_a_plateau_hardly_depends_on_the_mesh() -> None:
    """At 90 % of the plateau bricks of 4 mm that read the field at their nodes lose more than a tenth of the zone."""
    radius = RADIUS_MM - FALLS_OFF_MM * float(erfcinv(0.2))
    whole = 4.0 / 3.0 * np.pi * radius**3 * 1e-3
    assert zone_ml(0.9, 14, by_nodes=True) < 0.9 * whole
    coarse, normal = zone_ml(0.9, 14), zone_ml(0.9, 28)
    assert coarse == pytest.approx(whole, rel=0.045)
    assert normal == pytest.approx(whole, rel=0.015)
    assert coarse == pytest.approx(normal, rel=0.03)


def test_what_is_nowhere_negative_stays_so() -> None:
    domain = box(6, SIDE_MM)
    grid, centres = voxels()
    assert 0.0 <= projected(plateau(centres), grid, domain).min() < 1e-9
    assert not projected(np.zeros(grid.shape), grid, domain).any()


def test_a_half_plane_is_refused() -> None:
    grid, centres = voxels(4.0)
    with pytest.raises(ValueError, match="in space only"):
        projected(plateau(centres), grid, half_plane(10.0, 10.0, 3, 3))
