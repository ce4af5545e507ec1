# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ablation zone as a label map on voxel grids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from imagio_sim.anatomy.volume import Grid

InsideZone = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
"""Whether points (n, 3) in LPS mm lie in the zone."""

_POINTS_PER_AXIS = 4
_BLOCK = 2_000_000


def zone_label_map(grid: Grid, inside: InsideZone, box_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Voxels (i, j, k) of which at least half lies in the zone are 1, all others 0.

    Parameters
    ----------
    grid
        Where to write.
    inside
        Zone, applicators within it included.
    box_mm
        Corners (2, 3) of a box that holds the zone; voxels at the zone's surface are sampled at 4 x 4 x 4 points each.
    """
    labels = np.zeros(grid.shape, dtype=np.uint8)
    low, high = _index_range(grid, box_mm)
    if (high <= low).any():
        return labels
    shape = tuple(int(b - a) for a, b in zip(low, high, strict=True))
    voxels = np.indices(shape).reshape(3, -1).T + low
    share = _share(grid, inside, voxels, np.zeros((1, 3)))
    mixed = np.flatnonzero(_at_the_rim(share.reshape(shape)))
    offsets = (np.arange(_POINTS_PER_AXIS) + 0.5) / _POINTS_PER_AXIS - 0.5
    within = np.array(np.meshgrid(offsets, offsets, offsets, indexing="ij")).reshape(3, -1).T
    share[mixed] = _share(grid, inside, voxels[mixed], within)
    labels[tuple(voxels.T)] = share >= 0.5
    return labels


def _at_the_rim(centres: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Voxels (i, j, k) that have a neighbour (of 26) whose centre lies on the other side of the zone's surface."""
    return np.asarray(maximum_filter(centres, 3) != minimum_filter(centres, 3))


def _share(
    grid: Grid, inside: InsideZone, voxels: NDArray[np.int64], within: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share (n,) of the points ``within`` (k, 3) each voxel (n, 3), relative to its centre, that lies in the zone."""
    rows = max(1, _BLOCK // len(within))
    parts = [np.empty(0)]
    for start in range(0, len(voxels), rows):
        index = (voxels[start : start + rows, None, :] + within[None, :, :]).reshape(-1, 3)
        parts.append(inside(grid.to_lps(index)).reshape(-1, len(within)).mean(axis=1))
    return np.concatenate(parts)


def _index_range(grid: Grid, box_mm: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    corners = np.array(np.meshgrid(*np.asarray(box_mm).T)).reshape(3, -1).T
    index = grid.to_index(corners)
    low = np.maximum(np.floor(index.min(axis=0)).astype(np.int64), 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(np.int64) + 1, np.array(grid.shape))
    return low, high


def fine_grid(box_mm: NDArray[np.float64], spacing_mm: float = 1.0, padding_mm: float = 10.0) -> Grid:
    """Axis-aligned LPS grid of cubes around a box (2, 3), with centres at whole multiples of the spacing."""
    low = np.floor((box_mm[0] - padding_mm) / spacing_mm)
    count = np.ceil((box_mm[1] + padding_mm) / spacing_mm) - low + 1
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = low * spacing_mm
    return Grid((int(count[0]), int(count[1]), int(count[2])), affine)
