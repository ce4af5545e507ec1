# SPDX-License-Identifier: LGPL-3.0-or-later
"""A Y of arteries in a block of liver that the tests of deliveries share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.draw import line_nd

from imagio_sim.anatomy.volume import Grid

Mask = NDArray[np.bool_]

SHAPE = (41, 31, 21)
MIDDLE = 20
TRUNK = np.array([MIDDLE, 2, 10])
FORK = np.array([MIDDLE, 10, 10])
LEFT, RIGHT = np.array([10, 18, 10]), np.array([30, 18, 10])


def grid(spacing: float = 2.0) -> Grid:
    """Voxels of which the first is at the origin."""
    return Grid(SHAPE, np.diag([spacing, spacing, spacing, 1.0]))


def arteries(*, wide_trunk: bool = True) -> Mask:
    """A trunk along j that forks into two equal branches, mirrored at i = 20; voxels of 3 x 3 across the trunk."""
    mask = np.zeros(SHAPE, dtype=bool)
    for start, end in ((TRUNK, FORK), (FORK, LEFT), (FORK, RIGHT)):
        mask[line_nd(start, end, endpoint=True)] = True
    if wide_trunk:
        mask[MIDDLE - 1 : MIDDLE + 2, 1:7, 9:12] = True
    return mask


def block() -> Mask:
    """The organ: everything but the outermost voxels."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[1:-1, 1:-1, 1:-1] = True
    return mask


def at(index: NDArray[np.int64], spacing: float = 2.0) -> NDArray[np.float64]:
    """A voxel's centre (3,) in mm."""
    return np.asarray(index * spacing, dtype=float)
