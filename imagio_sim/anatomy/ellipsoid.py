# SPDX-License-Identifier: LGPL-3.0-or-later
"""An ellipsoid along the axes of patient space, LPS mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ellipsoid:
    """Ellipsoid along L, P and S: ``centre_mm`` in LPS, ``semi_axes_mm`` (three equal: a sphere)."""

    centre_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float, float]

    @property
    def box_mm(self) -> NDArray[np.float64]:
        """Lower and upper LPS corner (2, 3) of the box around it."""
        centre, reach = np.array(self.centre_mm), np.array(self.semi_axes_mm)
        return np.array([centre - reach, centre + reach])

    def contains(self, points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points (n, 3) in LPS mm lie in the ellipsoid."""
        scaled = (points_mm - np.array(self.centre_mm)) / np.array(self.semi_axes_mm)
        return np.asarray((scaled**2).sum(axis=1) <= 1.0)
