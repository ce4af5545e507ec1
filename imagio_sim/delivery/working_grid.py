# SPDX-License-Identifier: LGPL-3.0-or-later
"""The grid on which deliveries are worked out: the segmentation's own where it suits, in whole parts or blocks of it.

Voxels thicker than 3 mm are cut, because a dose changes over such lengths; voxels so fine that whole blocks of them
stay below 2 mm are put together, because the arteries' territories are no finer. Only the box around what is asked for
is kept, with so much around it as beta radiation reaches. Boxes begin at whole blocks, so that the grids of several
infusions into one patient are parts of one lattice, or of whole parts of its voxels where one is cut finer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid

Mask = NDArray[np.bool_]

COARSEST_MM, FINE_ENOUGH_MM = 3.0, 2.0
MARGIN_MM = 15.0
"""Kept around what is asked for: beyond the range of the beta radiation of yttrium-90 (11 mm) and beyond a terminal."""
CLUSTERED_MM = 2.0
"""Voxels are no thicker where clusters are drawn: several lie within the reach of the radiation of each."""
_ROUND_OFF = 1e-9
# Voxels of one lattice agree within this share of a voxel.
_ALIGNED = 1e-3


@dataclass(frozen=True, eq=False)
class WorkingGrid:
    """A grid made of a part of another one.

    Attributes
    ----------
    grid
        The grid itself.
    source_shape
        Shape of the grid that it is made of.
    lower
        Index (3,) in that of the first voxel.
    blocks
        Voxels of that one put together along each axis.
    parts
        Into how many each of its voxels is cut along each axis; one of both is 1.
    """

    grid: Grid
    source_shape: tuple[int, int, int]
    lower: tuple[int, int, int]
    blocks: tuple[int, int, int]
    parts: tuple[int, int, int]

    @classmethod
    def around(cls, held: Mask, grid: Grid, *, coarsest_mm: float = COARSEST_MM) -> WorkingGrid:
        """The one that holds these voxels (i, j, k), of which there is one at least, with voxels no thicker."""
        spacing = grid.spacing_mm
        blocks = np.maximum(np.floor(FINE_ENOUGH_MM / spacing + _ROUND_OFF), 1.0).astype(int)
        parts = np.ceil(spacing / COARSEST_MM - _ROUND_OFF).astype(int)
        # Finer ones are parts of those parts, so that what one grid holds can be told on the other.
        parts *= np.ceil(spacing / parts / coarsest_mm - _ROUND_OFF).astype(int)
        margin = np.ceil(MARGIN_MM / spacing).astype(int)
        occupied = np.argwhere(held)
        lower = np.maximum(occupied.min(axis=0) - margin, 0) // blocks * blocks
        upper = np.minimum(occupied.max(axis=0) + 1 + margin, held.shape)
        count = np.ceil((upper - lower) / blocks).astype(int) * parts
        scale = blocks / parts
        affine = grid.affine.copy()
        affine[:3, :3] = grid.affine[:3, :3] * scale
        affine[:3, 3] = grid.to_lps((lower + 0.5 * (scale - 1.0))[None])[0]
        made = Grid(_triple(count), affine)
        return cls(made, _triple(np.array(held.shape)), _triple(lower), _triple(blocks), _triple(parts))

    def mask(self, source: Mask) -> Mask:
        """A mask on the source's grid, as one on this: a block counts that is filled by more than half.

        Of those that are filled by half every other one counts, by its place: surfaces along the grid would move.
        """
        block = source[tuple(slice(start, None) for start in self.lower)]
        for axis, (blocks, parts, count) in enumerate(zip(self.blocks, self.parts, self.grid.shape, strict=True)):
            block = np.repeat(block, parts, axis=axis) if parts > 1 else block
            wanted = count * blocks
            lacking = [(0, max(wanted - length, 0) if own == axis else 0) for own, length in enumerate(block.shape)]
            block = np.pad(block, lacking).take(range(wanted), axis=axis)
        i, j, k = self.grid.shape
        filled = block.reshape(i, self.blocks[0], j, self.blocks[1], k, self.blocks[2]).mean(axis=(1, 3, 5))
        every_other = np.indices(self.grid.shape).sum(axis=0) % 2 == 0
        return np.asarray((filled > 0.5) | ((filled == 0.5) & every_other))


def grid_over(grids: Sequence[Grid]) -> Grid:
    """The grid that holds all of these of one patient, with the smallest voxels among theirs."""
    finest = min(grids, key=lambda grid: grid.voxel_volume_mm3)
    corners = np.concatenate([finest.to_index(_corners(grid)) for grid in grids])
    lower = np.floor(corners.min(axis=0) + 0.5 + _ALIGNED).astype(int)
    upper = np.ceil(corners.max(axis=0) + 0.5 - _ALIGNED).astype(int)
    affine = finest.affine.copy()
    affine[:3, 3] = finest.to_lps(lower[None].astype(float))[0]
    return Grid(_triple(upper - lower), affine)


def _corners(grid: Grid) -> NDArray[np.float64]:
    """The eight corners (8, 3) of a grid's voxels [LPS mm]."""
    ends = np.array(list(np.ndindex(2, 2, 2))) * np.array(grid.shape) - 0.5
    return grid.to_lps(ends)


def held_on(values: NDArray[np.float64], source: Grid, target: Grid) -> NDArray[np.float64]:
    """What the voxels (i, j, k) of a grid hold, per volume, on another one; 0 beyond their own.

    Every voxel takes that of the voxel its centre lies in: exact where both are of one lattice or one is cut finer.
    """
    if source.matches(target):
        return values
    index, inside = source.nearest(target.to_lps(np.indices(target.shape).reshape(3, -1).T.astype(float)))
    found = np.zeros(len(index))
    found[inside] = values[tuple(index[inside].T)]
    return found.reshape(target.shape)


def _triple(numbers: NDArray[np.integer]) -> tuple[int, int, int]:
    i, j, k = (int(number) for number in numbers)
    return i, j, k
