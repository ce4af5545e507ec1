# SPDX-License-Identifier: LGPL-3.0-or-later
"""A smooth closed surface around the voxels of a label, below voxel size.

The mask is blurred by a Gaussian and contoured (marching cubes, scikit-image) at the level that encloses the mask's
own volume, so that smoothing shrinks nothing. Measured on spheres of 8 to 30 mm: with :func:`organ_blur_mm` the area
is within 2 % and 95 % of the surface within a quarter of the slice distance for slices up to 5 mm. Measured against
nine closed surfaces of a real liver rasterised at 1.5 mm: the tumour's area is kept within 1 %, and with
:func:`vessel_blur_mm` that of portal vein, hepatic veins and arteries within 2 %; more blur melts vessels together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import ClosedSurface, Grid
from imagio_sim.errors import InputError

ORGAN_BLUR, VESSEL_BLUR = 0.7, 0.5
"""Standard deviation of the Gaussian, in voxels."""
VOLUME_TOLERANCE = 0.005
LEVELS = (0.02, 0.98)
STEPS = 20
PADDING = 3
"""Empty voxels or deviations around the mask: the blurred mask ends inside, so the surface is closed also at a cut."""


def organ_blur_mm(grid: Grid) -> NDArray[np.float64]:
    """Blur (3,) for organs and tumours: the same along all axes, so that thick slices leave no steps."""
    return np.full(3, ORGAN_BLUR * float(grid.spacing_mm.max()))


def vessel_blur_mm(grid: Grid) -> NDArray[np.float64]:
    """Blur (3,) for thin, branching structures: no more along each axis than its voxels need."""
    return np.asarray(VESSEL_BLUR * grid.spacing_mm)


def smooth_surface(mask: NDArray[np.bool_], grid: Grid, *, blur_mm: NDArray[np.float64], where: str) -> ClosedSurface:
    """Surface of a mask (i, j, k) with the mask's volume within 0.5 %; ``blur_mm`` (3,) is the Gaussian's deviation.

    Refused where the mask is empty; ``where`` names it in the message.
    """
    from scipy.ndimage import gaussian_filter

    deviation = blur_mm / grid.spacing_mm
    block, lower = cut_out(mask, np.ceil(PADDING * np.maximum(deviation, 1.0)).astype(int), where)
    field = gaussian_filter(block.astype(np.float32), deviation)
    surface = contour_of_volume(field, float(np.count_nonzero(block)))
    return ClosedSurface(grid.to_lps(surface.points_mm + lower), surface.triangles).outward()


def cut_out(
    mask: NDArray[np.bool_], padding: NDArray[np.int64], where: str
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Box that holds all voxels of the mask, padded by so many (3,), and the index (3,) of its first voxel."""
    if not mask.any():
        raise InputError(where, found="no voxel", allowed="a structure of at least one voxel", remedy="check the label")
    spans = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        spans.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    block = np.pad(mask[tuple(spans)], [(int(width),) * 2 for width in padding])
    return block, np.array([span.start for span in spans]) - padding


def contour_of_volume(field: NDArray[np.float32], voxels: float) -> ClosedSurface:
    """Contour of a field (i, j, k) that encloses a volume of so many voxels, in index coordinates, by bisection."""
    low, high = LEVELS
    level = 0.5
    surface = contour(field, level)
    for _ in range(STEPS):
        excess = surface.volume_ml * 1000.0 / voxels - 1.0
        if abs(excess) <= VOLUME_TOLERANCE:
            break
        low, high = (level, high) if excess > 0 else (low, level)
        level = (low + high) / 2.0
        surface = contour(field, level)
    return surface


def contour(field: NDArray[np.float32], level: float) -> ClosedSurface:
    """Marching cubes in index coordinates; empty where the field stays below the level."""
    from skimage.measure import marching_cubes

    if not float(field.min()) < level < float(field.max()):
        return ClosedSurface(np.zeros((1, 3)), np.zeros((0, 3), dtype=np.int64))
    points, triangles, _, _ = marching_cubes(field, level)
    return ClosedSurface(points.astype(float), triangles.astype(np.int64))
