# SPDX-License-Identifier: LGPL-3.0-or-later
"""A virtual lesion: a sphere or ellipsoid given in the scenario, kept as its exact shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagio_sim.anatomy.ellipsoid import Ellipsoid
from imagio_sim.anatomy.volume import ClosedSurface

SUBDIVISIONS = 5
"""Of the icosahedron: 20480 triangles, 0.5 mm edges on a 3 cm sphere."""


@dataclass(frozen=True)
class VirtualLesion(Ellipsoid):
    """An ellipsoid of ``tissue``."""

    tissue: str

    @property
    def volume_ml(self) -> float:
        """Exact volume 4/3 pi a b c."""
        return float(4.0 / 3.0 * np.pi * np.prod(self.semi_axes_mm) / 1000.0)

    def surface(self) -> ClosedSurface:
        """Triangles on the ellipsoid, grown by a hair so that they enclose its exact volume."""
        import pyvista as pv

        ball = pv.Icosphere(radius=1.0, nsub=SUBDIVISIONS).clean()
        unit = np.asarray(ball.points, dtype=float)
        triangles = np.asarray(ball.regular_faces, dtype=np.int64)
        growth = (4.0 / 3.0 * np.pi / 1000.0 / ClosedSurface(unit, triangles).volume_ml) ** (1.0 / 3.0)
        return ClosedSurface(
            np.array(self.centre_mm) + unit * growth * np.array(self.semi_axes_mm), triangles
        ).outward()
