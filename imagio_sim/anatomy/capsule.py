# SPDX-License-Identifier: LGPL-3.0-or-later
"""The inside of an organ's capsule from a segmentation that leaves out the vessels and ducts running through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLOSING_MM = 6.0
"""Radius of the closing: a vessel up to twice as thick between organ voxels counts as inside the organ."""


def filled_organ(
    solid: NDArray[np.bool_], inclusions: NDArray[np.bool_], spacing_mm: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Organ's solid voxels (i, j, k) together with those of its inclusions that a closing of it reaches."""
    margin = np.ceil(CLOSING_MM / spacing_mm).astype(int) + 1
    occupied = np.argwhere(solid)
    # Only the box around the organ: distance maps of a whole CT would take gigabytes.
    box = tuple(slice(int(a), int(b) + 1) for a, b in zip(occupied.min(axis=0), occupied.max(axis=0), strict=True))
    padded = np.pad(solid[box], [(int(width),) * 2 for width in margin])
    closed = closed_by_ball(padded, spacing_mm)[tuple(slice(int(width), -int(width)) for width in margin)]
    filled = solid.copy()
    filled[box] |= inclusions[box] & closed
    return filled


def closed_by_ball(mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Morphological closing of a mask (i, j, k) by a ball of ``CLOSING_MM``, through distance maps."""
    from scipy.ndimage import distance_transform_edt

    grown = distance_transform_edt(~mask, sampling=spacing_mm) <= CLOSING_MM
    return np.asarray(distance_transform_edt(grown, sampling=spacing_mm) > CLOSING_MM)
