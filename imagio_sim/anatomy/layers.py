# SPDX-License-Identifier: LGPL-3.0-or-later
"""Layers of a phantom: slabs along the z axis, or coaxial cylinders about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layers:
    """Tissues by height z or by distance from the z axis.

    Attributes
    ----------
    by
        What of a point decides.
    limits_mm
        Where each layer but the last ends, rising.
    tissues
        Of each layer, one more than limits.
    """

    by: Literal["height", "radius"]
    limits_mm: tuple[float, ...]
    tissues: tuple[str, ...]

    def numbers_at(self, points_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number (n,) of the layer at each point (n, 3) in LPS mm."""
        place = points_mm[:, 2] if self.by == "height" else np.hypot(points_mm[:, 0], points_mm[:, 1])
        return np.asarray(np.searchsorted(self.limits_mm, place, side="right"))
