# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rigid registration of one structure seen twice: before the treatment and on the images of the measured zone.

It must be a structure that the treatment has left alone (an organ, a vessel, a bone), never the zone itself: that
would move the very error that is to be measured out of sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.surfaces import rasterised
from imagio_sim.anatomy.volume import ClosedSurface, Grid

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

Floats = NDArray[np.float64]

SPACING_MM = 2.0
REACH_MM = 15.0
"""Distance from the structure beyond which its neighbourhood plays no part."""
_ITERATIONS = 300


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """Takes points x of the moving frame to ``rotation @ x + translation_mm``."""

    rotation: Floats
    translation_mm: Floats

    @property
    def angle_degrees(self) -> float:
        """Angle of the rotation."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.rotation) - 1.0) / 2.0, -1.0, 1.0))))

    def of_points(self, points_mm: Floats) -> Floats:
        """Points (n, 3) in the fixed frame."""
        return np.asarray(points_mm @ self.rotation.T + self.translation_mm)

    def of_surface(self, surface: ClosedSurface) -> ClosedSurface:
        """A surface in the fixed frame."""
        return ClosedSurface(self.of_points(surface.points_mm), surface.triangles)


def register(moving: ClosedSurface, fixed: ClosedSurface) -> RigidTransform:
    """Lay a structure's surface over the same structure in the frame of the plan.

    The signed distances to both surfaces (cut off at :data:`REACH_MM`) are matched by least squares, from the position
    where their centroids meet; the structure may be turned by some tens of degrees, not upside down.
    """
    import SimpleITK as sitk  # noqa: N813

    method = sitk.ImageRegistrationMethod()
    target, source = _distance_image(fixed), _distance_image(moving)
    start = sitk.Euler3DTransform()
    middle = fixed.points_mm.mean(axis=0)
    start.SetCenter([float(x) for x in middle])
    start.SetTranslation([float(x) for x in moving.points_mm.mean(axis=0) - middle])
    method.SetMetricAsMeanSquares()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-4, _ITERATIONS, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(target, source)
    return _inverse(start)


def _inverse(found: sitk.Euler3DTransform) -> RigidTransform:
    """SimpleITK's transform takes points of the fixed image to the moving one."""
    rotation = np.array(found.GetMatrix()).reshape(3, 3)
    centre, shift = np.array(found.GetCenter()), np.array(found.GetTranslation())
    return RigidTransform(rotation.T, rotation.T @ (rotation @ centre - centre - shift))


def _distance_image(surface: ClosedSurface) -> sitk.Image:
    """Signed distance to a surface on a grid around it, negative inside."""
    import SimpleITK as sitk  # noqa: N813

    reach = REACH_MM + 2.0 * SPACING_MM
    grid = Grid.around(surface.points_mm.min(axis=0) - reach, surface.points_mm.max(axis=0) + reach, SPACING_MM)
    mask = sitk.GetImageFromArray(rasterised(surface, grid).astype(np.uint8).transpose(2, 1, 0))
    mask.SetSpacing((SPACING_MM,) * 3)
    mask.SetOrigin([float(x) for x in grid.affine[:3, 3]])
    distance = sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)
    return sitk.Clamp(sitk.Cast(distance, sitk.sitkFloat32), lowerBound=-REACH_MM, upperBound=REACH_MM)
