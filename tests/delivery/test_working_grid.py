# SPDX-License-Identifier: LGPL-3.0-or-later
"""The grid deliveries are worked out on: whole blocks or parts of the segmentation's voxels, volumes kept."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.delivery.working_grid import (
    CLUSTERED_MM,
    COARSEST_MM,
    MARGIN_MM,
    WorkingGrid,
    grid_over,
    held_on,
)


def ball(grid: Grid, radius: float) -> np.ndarray:
    centre = grid.bounds_mm.mean(axis=0)
    points = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float))
    return (np.linalg.norm(points - centre, axis=1) <= radius).reshape(grid.shape)


def turned(spacing: tuple[float, float, float], shape: tuple[int, int, int]) -> Grid:
    """A grid whose axes are flipped and moved."""
    affine = np.diag([-spacing[0], spacing[1], -spacing[2], 1.0])
    affine[:3, 3] = (31.0, -17.0, 5.0)
    return Grid(shape, affine)


@pytest.mark.parametrize(
    ("spacing", "shape", "blocks", "parts"),
    [
        ((0.7, 0.7, 1.0), (110, 110, 80), (2, 2, 2), (1, 1, 1)),
        ((1.0, 1.0, 1.0), (80, 80, 80), (2, 2, 2), (1, 1, 1)),
        ((1.5, 1.5, 1.5), (60, 60, 60), (1, 1, 1), (1, 1, 1)),
        ((3.0, 3.0, 3.0), (40, 40, 40), (1, 1, 1), (1, 1, 1)),
        ((0.8, 0.8, 10.0), (100, 100, 9), (2, 2, 1), (1, 1, 4)),
    ],
)
def test_voxels_are_put_together_or_cut_and_a_ball_keeps_place_and_volume(
    spacing: tuple[float, float, float],
    shape: tuple[int, int, int],
    blocks: tuple[int, int, int],
    parts: tuple[int, int, int],
) -> None:
    grid = turned(spacing, shape)
    mask = ball(grid, 20.0)
    working = WorkingGrid.around(mask, grid)
    assert (working.blocks, working.parts) == (blocks, parts)
    assert working.grid.spacing_mm.max() <= COARSEST_MM + 1e-9
    mine = working.mask(mask)
    volumes = mine.sum() * working.grid.voxel_volume_mm3, mask.sum() * grid.voxel_volume_mm3
    assert volumes[0] == pytest.approx(volumes[1], rel=0.01)
    centres = [
        own.to_lps(np.argwhere(held).astype(float)).mean(axis=0) for own, held in ((working.grid, mine), (grid, mask))
    ]
    assert np.abs(centres[0] - centres[1]).max() < 0.1


def test_only_what_is_asked_for_and_its_margin_is_kept() -> None:
    grid = turned((1.5, 1.5, 1.5), (120, 120, 120))
    mask = np.zeros(grid.shape, dtype=bool)
    mask[50:60, 50:60, 50:60] = True
    working = WorkingGrid.around(mask, grid)
    assert working.grid.shape == (10 + 2 * int(np.ceil(MARGIN_MM / 1.5)),) * 3
    assert working.mask(mask).sum() == 1000


def test_a_mask_at_the_end_of_the_image_is_kept_whole() -> None:
    grid = turned((1.0, 1.0, 1.0), (31, 31, 31))
    mask = np.zeros(grid.shape, dtype=bool)
    mask[28:, 28:, 28:] = True
    working = WorkingGrid.around(mask, grid)
    assert working.mask(mask).any()
    held = 31 - np.array(working.lower)
    whole = working.mask(np.ones(grid.shape, dtype=bool)).sum() * working.grid.voxel_volume_mm3
    assert whole == pytest.approx(held.prod(), rel=0.02)


def test_a_flat_side_along_the_grid_is_not_moved_by_blocks_that_it_halves() -> None:
    grid = turned((1.0, 1.0, 1.0), (60, 60, 60))
    slab = np.zeros(grid.shape, dtype=bool)
    slab[20:35] = True
    slab[:, :20], slab[:, 40:], slab[:, :, :20], slab[:, :, 40:] = False, False, False, False
    working = WorkingGrid.around(slab, grid)
    assert working.mask(slab).sum() * 8 == pytest.approx(slab.sum(), rel=0.03)


def two_parts(spacing: tuple[float, float, float], **finer: float) -> tuple[Grid, Grid]:
    """Working grids of two parts of one patient; the second may be asked to be finer."""
    grid = turned(spacing, (90, 90, 90))
    masks = np.zeros((2, *grid.shape), dtype=bool)
    masks[0, 31:37, 33:39, 35:40], masks[1, 50:57, 20:28, 51:60] = True, True
    first, second = masks
    return WorkingGrid.around(first, grid).grid, WorkingGrid.around(second, grid, **finer).grid


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 0.7), (1.0, 1.0, 1.0), (3.0, 3.0, 3.0), (1.5, 1.5, 5.0)])
@pytest.mark.parametrize("finer", [{}, {"coarsest_mm": CLUSTERED_MM}])
def test_one_grid_holds_what_both_hold_and_no_amount_is_lost(
    spacing: tuple[float, float, float], finer: dict[str, float]
) -> None:
    grids = two_parts(spacing, **finer)
    over = grid_over(grids)
    assert over.voxel_volume_mm3 == pytest.approx(min(grid.voxel_volume_mm3 for grid in grids))
    for grid in grids:
        values = np.random.default_rng(1).random(grid.shape)
        moved = held_on(values, grid, over)
        amounts = [own.sum() * where.voxel_volume_mm3 for own, where in ((values, grid), (moved, over))]
        assert amounts[1] == pytest.approx(amounts[0], rel=1e-12)
        assert moved.max() == values.max()


def test_a_grid_over_itself_is_itself() -> None:
    grid, _ = two_parts((1.5, 1.5, 1.5))
    assert grid_over([grid, grid]).matches(grid)
    values = np.ones(grid.shape)
    assert held_on(values, grid, grid) is values


def test_voxels_are_cut_finer_where_it_is_asked_for() -> None:
    coarse, fine = two_parts((1.5, 1.5, 5.0), coarsest_mm=CLUSTERED_MM)
    assert np.allclose(coarse.spacing_mm, (1.5, 1.5, 2.5))
    assert np.allclose(fine.spacing_mm, (1.5, 1.5, 1.25))
