# SPDX-License-Identifier: LGPL-3.0-or-later
"""Heat from an acoustic grid to the mesh: every voxel around the focus, blocks of voxels elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.transfer import VoxelTransfer

Floats = NDArray[np.float64]

# Blocks have edges of about this length [mm]: the mesh is coarser where they are used.
_BLOCK_MM = 1.3
# Empty voxels around the fine part, so that cells at its end are covered wholly.
_RIM_MM = 4.0


class HeatTransfer:
    """Brings heat on an acoustic grid to the cells of a mesh; what lies in the mesh keeps its power."""

    def __init__(self, domain: Domain, grid: Grid) -> None:
        self._domain, self._grid = domain, grid
        self._factor = max(1, round(_BLOCK_MM / float(grid.spacing_mm.max())))
        self._blocks = VoxelTransfer(domain, _coarser(grid, self._factor))

    def cell_heat(self, heat: NDArray[Any], *, around: Floats, reach_mm: Floats) -> Floats:
        """Heat [W/m3] per cell (m,) of that per voxel, fine within a reach (3,) of a point (3,), by the grid's axes."""
        inner = self._inner(around, reach_mm)
        fine = np.zeros_like(heat)
        fine[inner] = heat[inner]
        rim = max(1, round(_RIM_MM / float(self._grid.spacing_mm.min())))
        lower = np.array([max(0, one.start - rim) for one in inner])
        upper = np.array([min(count, one.stop + rim) for one, count in zip(inner, heat.shape, strict=True)])
        part = tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))
        near = VoxelTransfer(self._domain, self._grid.part(lower, upper)).cell_densities(fine[part])
        return near + self._blocks.cell_densities(_block_means(heat - fine, self._factor))

    def power(self, heat: Floats) -> float:
        """Power [W] of heat per cell."""
        return float(heat @ self._domain.cell_volumes_mm3) * 1e-9

    def _inner(self, around: Floats, reach_mm: Floats) -> tuple[slice, ...]:
        """Whole blocks of voxels within the reach."""
        middle, half = self._grid.to_index(around[None])[0], reach_mm / self._grid.spacing_mm
        factor, shape = self._factor, np.array(self._grid.shape)
        lower = np.clip(np.floor((middle - half) / factor) * factor, 0, shape - 1).astype(int)
        upper = np.clip(np.ceil((middle + half) / factor) * factor, lower + 1, shape).astype(int)
        return tuple(slice(int(a), int(b)) for a, b in zip(lower, upper, strict=True))


def _coarser(grid: Grid, factor: int) -> Grid:
    """The grid of blocks of voxels, the last ones filled up beyond the end."""
    affine = grid.affine.copy()
    affine[:3, :3] *= factor
    affine[:3, 3] = grid.to_lps(np.full((1, 3), 0.5 * (factor - 1)))[0]
    i, j, k = (-(-count // factor) for count in grid.shape)
    return Grid((i, j, k), affine)


def _block_means(values: NDArray[Any], factor: int) -> Floats:
    """Means over blocks of voxels, with zeros beyond the end."""
    padded = np.pad(values, [(0, -count % factor) for count in values.shape])
    i, j, k = (count // factor for count in padded.shape)
    return np.asarray(padded.reshape(i, factor, j, factor, k, factor).mean(axis=(1, 3, 5), dtype=float))
