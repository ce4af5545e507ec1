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


def test_the_integral_is_kept_though_the_field_falls_off_within_a_cell() -> None:
    domain = box(8, SIDE_MM)
    grid, centres = voxels()
    signed = plateau(centres) - 1e-12
    amount = float(node_volumes_mm3(domain) @ projected(signed, grid, domain))
    assert amount == pytest.approx(float(plateau(centres).sum()), rel=0.01)


def test_the_zone_at_the_rim_of_a_plateau_hardly_depends_on_the_mesh() -> None:
    """At 90 % of the plateau bricks of 4 mm that read the field at their nodes lose more than a tenth of the zone."""
    radius = RADIUS_MM - FALLS_OFF_MM * float(erfcinv(0.2))
    whole = 4.0 / 3.0 * np.pi * radius**3 * 1e-3
    assert zone_ml(0.9, 14, by_nodes=True) < 0.9 * whole
    assert zone_ml(0.9, 14) == pytest.approx(whole, rel=0.04)
    assert zone_ml(0.9, 28) == pytest.approx(whole, rel=0.015)


def test_what_is_nowhere_negative_stays_so() -> None:
    domain = box(6, SIDE_MM)
    grid, centres = voxels()
    assert projected(plateau(centres), grid, domain).min() == 0.0
    assert not projected(np.zeros(grid.shape), grid, domain).any()


def test_a_half_plane_is_refused() -> None:
    grid, centres = voxels(4.0)
    with pytest.raises(ValueError, match="in space only"):
        projected(plateau(centres), grid, half_plane(10.0, 10.0, 3, 3))
