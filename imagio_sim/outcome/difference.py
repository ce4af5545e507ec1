# SPDX-License-Identifier: LGPL-3.0-or-later
"""What one plan kills and another spares, voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

ONLY_FIRST, ONLY_SECOND, BOTH = 1, 2, 3
"""Values of a difference map; 0 lives in both."""
_SAME_PLACE = 1e-3
"""How far [voxels] two grids may be from sharing their voxels."""


@dataclass(frozen=True, eq=False)
class Difference:
    """Where two zones differ.

    Attributes
    ----------
    labels
        (i, j, k): 1 what only the first kills, 2 what only the second kills, 3 what both kill.
    grid
        Where the voxels lie (LPS mm).
    """

    labels: NDArray[np.uint8]
    grid: Grid

    def volume_ml(self, value: int) -> float:
        """Volume of the voxels that hold ``value``."""
        return float((self.labels == value).sum()) * self.grid.voxel_volume_mm3 / 1000.0

    @property
    def dice(self) -> float | None:
        """Overlap of the two zones: twice the common volume over the sum of both; None without any."""
        first, second, both = (int((self.labels == value).sum()) for value in (ONLY_FIRST, ONLY_SECOND, BOTH))
        total = first + second + 2 * both
        return 2.0 * both / total if total else None


@dataclass(frozen=True, eq=False)
class Killed:
    """What one plan kills, by what it lies in.

    Attributes
    ----------
    numbers
        (i, j, k): 0 alive, else from 1 the place of its region in ``regions``.
    grid
        Where the voxels lie (LPS mm).
    """

    numbers: NDArray[np.uint8]
    regions: tuple[str, ...]
    grid: Grid


def volumes_by_region(found: Difference, first: Killed, second: Killed) -> dict[str, NDArray[np.float64]]:
    """Volumes (3,) [ml] by region: what only the first kills, only the second, and both (as it lies in the first).

    Parameters
    ----------
    found
        Of the zones of the same two plans on the same grids.
    """
    voxel_ml = found.grid.voxel_volume_mm3 / 1000.0
    parts = [_counts(found, first, ONLY_FIRST), _counts(found, second, ONLY_SECOND), _counts(found, first, BOTH)]
    names = dict.fromkeys((*first.regions, *second.regions))
    return {name: np.array([voxel_ml * part.get(name, 0) for part in parts]) for name in names}


def _counts(found: Difference, killed: Killed, value: int) -> dict[str, int]:
    """Voxels of the difference that hold ``value``, by region."""
    start = np.rint(found.grid.to_index(killed.grid.affine[None, :3, 3])[0]).astype(np.int64)
    numbers = killed.numbers[_part(found.labels, start, killed.numbers.shape) == value]
    return {region: int((numbers == place).sum()) for place, region in enumerate(killed.regions, start=1)}


def difference(
    first: NDArray[np.bool_], first_grid: Grid, second: NDArray[np.bool_], second_grid: Grid
) -> Difference | None:
    """Compare two zones (i, j, k) on grids whose voxels coincide where they overlap; None where they do not.

    The map covers both grids, so nothing of either zone is lost.
    """
    offset = _offset(first_grid, second_grid)
    if offset is None:
        return None
    lower = np.minimum(offset, 0)
    shape = np.maximum(offset + second.shape, first.shape) - lower
    labels = np.zeros(tuple(int(count) for count in shape), dtype=np.uint8)
    _part(labels, -lower, first.shape)[first] |= ONLY_FIRST
    _part(labels, offset - lower, second.shape)[second] |= ONLY_SECOND
    return Difference(labels, first_grid.part(lower, lower + shape))


def _offset(first: Grid, second: Grid) -> NDArray[np.int64] | None:
    """Index (3,) in the first grid of the second's first voxel, if both have the same axes and share their voxels."""
    if np.abs(first.affine[:3, :3] - second.affine[:3, :3]).max() * max(second.shape) > _SAME_PLACE * _least(first):
        return None
    exact = first.to_index(second.affine[None, :3, 3])[0]
    nearest = np.rint(exact).astype(np.int64)
    return nearest if np.abs(exact - nearest).max() <= _SAME_PLACE else None


def _least(grid: Grid) -> float:
    return float(grid.spacing_mm.min())


def _part(labels: NDArray[np.uint8], start: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    i, j, k = (slice(int(begin), int(begin) + count) for begin, count in zip(start, shape, strict=True))
    return labels[i, j, k]
