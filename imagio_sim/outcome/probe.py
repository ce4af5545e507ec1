# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nodal fields at any point of the patient, also where the mesh has holes for applicators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.zone import is_applicator_surface


class Interpolator(Protocol):
    """What a mesh locator offers: P1 values at points, nan outside the mesh."""

    def interpolate(self, nodal: NDArray[np.float64], points_mm: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Values (n,) or (n, k) of one nodal field (m,) or of several (m, k) at points (n, d) of the mesh [mm]."""


@dataclass(frozen=True, eq=False)
class Probe:
    """Reads nodal fields at points.

    Inside an applicator there is no tissue; the value of the nearest node on its surface stands there, so that a
    zone closes over the needle and a shaft through living tissue does not look dead.
    """

    domain: Domain
    locator: Interpolator

    def values(self, nodal: NDArray[np.float64], points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """One field (m,) or several (m, k) at points (n, 3) in LPS mm, shape (n,) or (n, k); nan beyond the region."""
        places = self.domain.located(points_mm)
        values = np.asarray(self.locator.interpolate(nodal, places), dtype=np.float64).copy()
        missing = np.flatnonzero(np.isnan(values if values.ndim == 1 else values[:, 0]))
        if len(missing) == 0 or not self._applicator_nodes.any():
            return values
        tree, nodes = self._boundary
        nearest = nodes[tree.query(places[missing])[1]]
        inside = self._applicator_nodes[nearest]
        values[missing[inside]] = nodal[nearest[inside]]
        return values

    def dead(self, level: NDArray[np.float64], points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points lie in the zone of a death level, or of several; what is beyond the region lives."""
        # nan compares as false.
        return np.asarray(self.values(level, points_mm) >= 0.0)

    @cached_property
    def _applicator_nodes(self) -> NDArray[np.bool_]:
        marked = np.zeros(len(self.domain.points_mm), dtype=bool)
        for name, facets in self.domain.surfaces.items():
            if is_applicator_surface(name):
                marked[facets] = True
        return marked

    @cached_property
    def _boundary(self) -> tuple[cKDTree, NDArray[np.int64]]:
        nodes = np.unique(np.concatenate([facets.ravel() for facets in self.domain.surfaces.values()]))
        return cKDTree(self.domain.points_mm[nodes]), nodes
