# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bringing volumes onto another grid without interpolation: reordered axes, flips and cut-outs of one voxel lattice.

Files of one patient often store the same voxels in another order (DICOM LPS, NIfTI RAS or LAS), and DICOM-SEG and
Slicer keep only the slices or the box that holds a segment. Anything else is a different image and is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid, Image, LabelVolume
from imagio_sim.errors import InputError

TOLERANCE_MM = 0.02
Values = TypeVar("Values", bound=np.generic)


@dataclass(frozen=True)
class LatticeMap:
    """How voxels of a source grid lie in a target grid of the same lattice.

    Target axis a runs along source axis ``axes[a]``, backwards where ``flipped[a]``; the source's block starts at
    index ``lower`` of the target (negative or beyond the shape where it sticks out).
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    lower: tuple[int, int, int]

    def reordered(self, values: NDArray[Values]) -> NDArray[Values]:
        """Reorder the source's values (i, j, k) into the target's axis order."""
        return np.flip(values.transpose(self.axes), [axis for axis in range(3) if self.flipped[axis]])


def lattice_map(source: Grid, target: Grid) -> LatticeMap | None:
    """Map from source to target, or None where their voxel centres do not coincide."""
    step = np.linalg.solve(target.affine, source.affine)
    signed = np.round(step[:3, :3])
    if np.any(np.abs(signed).sum(axis=0) != 1) or np.any(np.abs(signed).sum(axis=1) != 1):
        return None
    first = np.round(step[:3, 3])
    corners = np.array(np.meshgrid(*[(0, count - 1) for count in source.shape]), float).reshape(3, -1).T
    if np.abs(source.to_lps(corners) - target.to_lps(corners @ signed.T + first)).max() > TOLERANCE_MM:
        return None
    i, j, k = (int(axis) for axis in np.argmax(np.abs(signed), axis=1))
    flipped = signed.sum(axis=1) < 0
    lower = first - np.where(flipped, np.array([source.shape[axis] for axis in (i, j, k)]) - 1, 0)
    return LatticeMap(
        (i, j, k), (bool(flipped[0]), bool(flipped[1]), bool(flipped[2])), (int(lower[0]), int(lower[1]), int(lower[2]))
    )


def same_voxels(source: Grid, target: Grid) -> LatticeMap | None:
    """Map where both grids hold exactly the same voxels, in whatever order; None otherwise."""
    found = lattice_map(source, target)
    if found is None or found.lower != (0, 0, 0) or tuple(source.shape[axis] for axis in found.axes) != target.shape:
        return None
    return found


def disagreement(where: str, source: Grid, target: Grid, what: str) -> InputError:
    """Refusal of two grids that do not fit, with both of them in the message."""
    return InputError(
        where,
        found=f"a grid of {source.describe()}",
        allowed=f"the grid of {what}, {target.describe()}",
        remedy="resample one onto the other (in 3D Slicer; nearest neighbour for labels)",
    )


def image_on(image: Image, grid: Grid) -> Image:
    """Image in the voxel order of ``grid``; refused where it holds other voxels."""
    found = same_voxels(image.grid, grid)
    if found is None:
        raise disagreement(image.origin, image.grid, grid, "the labels")
    return replace(image, values=found.reordered(image.values), grid=grid)


def labels_on(volume: LabelVolume, grid: Grid, *, where: str) -> LabelVolume:
    """Labels in the voxel order of ``grid``; refused where it holds other voxels."""
    found = same_voxels(volume.grid, grid)
    if found is None:
        raise disagreement(where, volume.grid, grid, "the reference")
    return replace(volume, labels=np.ascontiguousarray(found.reordered(volume.labels)), grid=grid)


def embedded(volume: LabelVolume, grid: Grid, *, where: str) -> LabelVolume:
    """Labels stored as a cut-out, put back into the whole ``grid``; refused off the lattice or where one sticks out."""
    found = lattice_map(volume.grid, grid)
    if found is None:
        raise disagreement(where, volume.grid, grid, "the reference")
    block = found.reordered(volume.labels)
    lower = np.array(found.lower)
    start, stop = np.maximum(lower, 0), np.minimum(lower + block.shape, grid.shape)
    inner = block[tuple(slice(a, max(a, b)) for a, b in zip(start - lower, stop - lower, strict=True))]
    if np.count_nonzero(inner) != np.count_nonzero(block):
        raise disagreement(where, volume.grid, grid, "the reference (labelled voxels lie beyond it)")
    labels = np.zeros(grid.shape, dtype=np.int32)
    labels[tuple(slice(a, max(a, b)) for a, b in zip(start, stop, strict=True))] = inner
    return replace(volume, labels=labels, grid=grid)
