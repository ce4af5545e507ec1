# SPDX-License-Identifier: LGPL-3.0-or-later
"""What one zone has and another has not, on grids that share their voxels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.outcome.difference import BOTH, ONLY_FIRST, ONLY_SECOND, Killed, difference, volumes_by_region


def grid(shape: tuple[int, int, int], corner: tuple[float, float, float], spacing: float = 2.0) -> Grid:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = corner
    return Grid(shape, affine)


def ball(where: Grid, centre: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    points = where.to_lps(np.indices(where.shape).reshape(3, -1).T.astype(float))
    inside = np.linalg.norm(points - centre, axis=1) <= radius
    return np.asarray(inside.reshape(where.shape))


WIDE = grid((30, 30, 30), (-30.0, -30.0, -30.0))


def test_three_parts_make_the_union() -> None:
    first, second = ball(WIDE, (-4.0, 0.0, 0.0), 12.0), ball(WIDE, (4.0, 0.0, 0.0), 12.0)

    found = difference(first, WIDE, second, WIDE)

    assert found is not None
    voxel = WIDE.voxel_volume_mm3 / 1000.0
    assert found.volume_ml(ONLY_FIRST) + found.volume_ml(BOTH) == pytest.approx(first.sum() * voxel)
    assert found.volume_ml(ONLY_SECOND) + found.volume_ml(BOTH) == pytest.approx(second.sum() * voxel)
    assert found.volume_ml(ONLY_FIRST) == pytest.approx(found.volume_ml(ONLY_SECOND))  # mirror images


def test_a_zone_does_not_differ_from_itself() -> None:
    zone = ball(WIDE, (0.0, 0.0, 0.0), 10.0)

    found = difference(zone, WIDE, zone, WIDE)

    assert found is not None
    assert found.volume_ml(ONLY_FIRST) == found.volume_ml(ONLY_SECOND) == 0.0
    assert found.dice == 1.0


def test_two_empty_zones_have_no_overlap_to_speak_of() -> None:
    nothing = np.zeros(WIDE.shape, dtype=bool)

    found = difference(nothing, WIDE, nothing, WIDE)

    assert found is not None
    assert found.dice is None


@given(st.tuples(st.integers(-40, 40), st.integers(-40, 40), st.integers(-40, 40)))
def test_nothing_is_lost_where_grids_only_partly_overlap(offset: tuple[int, int, int]) -> None:
    i, j, k = (2.0 * step for step in offset)
    other = grid((10, 12, 14), (i, j, k))
    first, second = ball(WIDE, (0.0, 0.0, 0.0), 9.0), ball(other, (i + 10.0, j + 10.0, k + 12.0), 7.0)

    found = difference(first, WIDE, second, other)

    assert found is not None
    voxel = WIDE.voxel_volume_mm3 / 1000.0
    assert found.volume_ml(ONLY_SECOND) + found.volume_ml(BOTH) == pytest.approx(second.sum() * voxel)
    dead = found.grid.to_lps(np.argwhere(np.isin(found.labels, (ONLY_SECOND, BOTH))).astype(float))
    assert np.allclose(dead.mean(axis=0), other.to_lps(np.argwhere(second).astype(float)).mean(axis=0))


@pytest.mark.parametrize("other", [grid((9, 9, 9), (0.7, 0.0, 0.0)), grid((9, 9, 9), (0.0, 0.0, 0.0), spacing=1.0)])
def test_grids_that_share_no_voxels_are_not_compared(other: Grid) -> None:
    zone = np.ones(other.shape, dtype=bool)

    assert difference(ball(WIDE, (0.0, 0.0, 0.0), 5.0), WIDE, zone, other) is None


def killed(zone: NDArray[np.bool_], where: Grid, target: NDArray[np.bool_]) -> Killed:
    return Killed(np.where(zone, np.where(target, 2, 1), 0).astype(np.uint8), ("elsewhere", "target"), where)


def test_what_differs_is_told_by_where_it_lies_also_on_grids_of_their_own() -> None:
    near, far = grid((20, 20, 20), (-20.0, -20.0, -20.0)), grid((22, 20, 20), (-12.0, -20.0, -20.0))
    first, second = ball(near, (-4.0, 0.0, 0.0), 12.0), ball(far, (6.0, 0.0, 0.0), 12.0)
    targets = [ball(where, (0.0, 0.0, 0.0), 7.0) for where in (near, far)]
    found = difference(first, near, second, far)
    assert found is not None

    told = volumes_by_region(found, killed(first, near, targets[0]), killed(second, far, targets[1]))

    whole = [found.volume_ml(value) for value in (ONLY_FIRST, ONLY_SECOND, BOTH)]
    assert np.sum(list(told.values()), axis=0) == pytest.approx(whole)
    voxel = near.voxel_volume_mm3 / 1000.0
    assert told["target"][0] + told["target"][2] == pytest.approx((first & targets[0]).sum() * voxel)
    assert told["target"][1] + told["target"][2] == pytest.approx((second & targets[1]).sum() * voxel)
    assert told["target"][0] > 0.0


def test_a_region_that_only_one_of_two_plans_names_is_told_as_well() -> None:
    zone = ball(WIDE, (0.0, 0.0, 0.0), 10.0)
    found = difference(zone, WIDE, np.zeros_like(zone), WIDE)
    assert found is not None
    nothing = Killed(np.zeros(WIDE.shape, dtype=np.uint8), ("elsewhere", "vein"), WIDE)

    told = volumes_by_region(found, killed(zone, WIDE, zone), nothing)

    assert list(told) == ["elsewhere", "target", "vein"]
    assert told["target"].tolist() == [found.volume_ml(ONLY_FIRST), 0.0, 0.0]
    assert told["vein"].tolist() == [0.0, 0.0, 0.0]
