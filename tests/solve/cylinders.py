# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two long parallel cylinders at opposite potentials, in bipolar coordinates: a mesh and the closed form on it.

Both electrodes and every line of force are circles in these coordinates (tau, theta),

    x = c sinh(tau) / (cosh(tau) - cos(theta)),   y = c sin(theta) / (cosh(tau) - cos(theta)),

so a region that ends on two lines of force is exact when its outside is insulated. The potential is linear in tau.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.meshing.topology import oriented
from tests.solve.conftest import Floats


@dataclass(frozen=True)
class Cylinders:
    """Two cylinders of a radius [mm], their axes a distance [mm] apart; the outermost line of force has ``theta``."""

    radius_mm: float
    distance_mm: float
    theta: float

    @property
    def focus_mm(self) -> float:
        """Half the distance of the foci."""
        return float(np.sqrt(0.25 * self.distance_mm**2 - self.radius_mm**2))

    @property
    def tau(self) -> float:
        """Coordinate of the electrode on the right."""
        return float(np.arccosh(0.5 * self.distance_mm / self.radius_mm))

    def domain(self, n: int) -> Domain:
        """The plane region in 2 n by 4 n rectangles of two triangles, surfaces ``left`` and ``right``."""
        square = half_plane(1.0, 1.0, 2 * n, 4 * n)
        return self._mapped(square, {"left": square.surfaces["axis"], "right": square.surfaces["side"]})

    def slab(self, n: int, height_mm: float) -> Domain:
        """The region of that height with insulated ends, in n^3 bricks of six tetrahedra."""
        cube = box(n, 1.0)
        domain = self._mapped(cube, {"left": cube.surfaces["x_min"], "right": cube.surfaces["x_max"]})
        points = np.column_stack([domain.points_mm[:, :2], height_mm * cube.points_mm[:, 2]])
        return Domain(points, oriented(points, cube.cells), domain.surfaces, 0.0)

    def _mapped(self, unit: Domain, surfaces: dict[str, np.ndarray]) -> Domain:
        tau = self.tau * (2.0 * unit.points_mm[:, 0] - 1.0)
        theta = self.theta + 2.0 * (np.pi - self.theta) * unit.points_mm[:, 1]
        stretch = self.focus_mm / (np.cosh(tau) - np.cos(theta))
        points = np.column_stack([stretch * np.sinh(tau), stretch * np.sin(theta), unit.points_mm[:, 2:]])
        flat = oriented(points, unit.cells) if points.shape[1] == unit.cells.shape[1] - 1 else unit.cells
        return Domain(points, flat, surfaces, 0.0)

    def potential(self, points: Floats) -> Floats:
        """Potential (n,) per volt between the electrodes, zero half way, at points (n, 2 or 3) [m]."""
        x, y, c = points[:, 0], points[:, 1], 1e-3 * self.focus_mm
        return np.asarray(0.25 / self.tau * np.log(((x + c) ** 2 + y**2) / ((x - c) ** 2 + y**2)))

    def field(self, points: Floats) -> Floats:
        """Field strength (n,) [1/m] per volt at points (n, 2 or 3) [m]."""
        x, y, c = points[:, 0], points[:, 1], 1e-3 * self.focus_mm
        apart = np.hypot(x + c, y) * np.hypot(x - c, y)
        return np.asarray(c / (self.tau * apart))

    @property
    def conductance(self) -> float:
        """Per conductivity and height, of the region up to its outermost line of force."""
        return float((np.pi - self.theta) / self.tau)
