# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which cell holds a point, and interpolation there: a million points in seconds, at a cost linear in their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.topology import neighbours

# A point counts as inside a cell when no barycentric coordinate is below this.
_OUTSIDE = -1e-9
# A walk through the mesh passes a handful of cells; one that goes on longer runs in circles.
_LONGEST_WALK = 60
# Other starts, the next nearest centres, for a walk that leaves the mesh.
_OTHER_STARTS = 10
_CHUNK = 250_000


class Locator:
    """Finds cells of a domain; built once (a second for half a million cells), then asked often.

    A point starts in the cell with the nearest centre and walks across the facet it lies farthest beyond; where the
    walk runs into the boundary of a region that is not convex (an applicator in the way), it starts again elsewhere.
    """

    def __init__(self, domain: Domain) -> None:
        from scipy.spatial import cKDTree

        corners = domain.points_mm[domain.cells]
        self._cells = domain.cells
        self._origin = corners[:, 0]
        self._inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
        self._neighbours = neighbours(domain.cells)
        centres = corners.mean(axis=1)
        self._farthest_corner = (1.0 + 1e-9) * float(np.linalg.norm(corners - centres[:, None], axis=2).max())
        self._tree = cKDTree(centres, balanced_tree=False, compact_nodes=False)
        self._lower, self._upper = domain.points_mm.min(axis=0), domain.points_mm.max(axis=0)

    def cells(self, points_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cell (n,) that holds each point (n, 3) (or (n, 2) in a half plane); -1 outside the mesh."""
        points = np.asarray(points_mm, float)
        found = np.full(len(points), -1, dtype=np.int64)
        within = np.flatnonzero(np.all((points >= self._lower) & (points <= self._upper), axis=1))
        for start in range(0, len(within), _CHUNK):
            chunk = within[start : start + _CHUNK]
            found[chunk] = self._search(points[chunk])
        return found

    def barycentric(self, cells: NDArray[np.int64], points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Barycentric coordinates (n, corners) of points in the cells (n,) given for them."""
        local = np.einsum("nij,nj->ni", self._inverse[cells], points_mm - self._origin[cells])
        return np.concatenate([1.0 - local.sum(axis=1, keepdims=True), local], axis=1)

    def interpolate(
        self, nodal: NDArray[np.float64], points_mm: NDArray[np.float64], *, outside: float = np.nan
    ) -> NDArray[np.float64]:
        """Linear interpolation of nodal values (nodes,) or (nodes, k) at points; ``outside`` beyond the mesh."""
        cells = self.cells(points_mm)
        inside = np.flatnonzero(cells >= 0)
        weights = self.barycentric(cells[inside], np.asarray(points_mm, float)[inside])
        values = np.full((len(cells), *nodal.shape[1:]), outside, dtype=float)
        values[inside] = np.einsum("nc,nc...->n...", weights, nodal[self._cells[cells[inside]]])
        return values

    def _search(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cells of points within the bounding box."""
        distance, nearest = self._tree.query(points, distance_upper_bound=self._farthest_corner)
        near = np.flatnonzero(np.isfinite(distance))
        found = np.full(len(points), -1, dtype=np.int64)
        found[near] = self._walk(points[near], nearest[near])
        lost = near[found[near] < 0]
        found[lost] = self._walk_from_elsewhere(points[lost])
        return found

    def _walk(self, points: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cell reached by walking towards each point, -1 where the walk leaves the mesh."""
        found = np.full(len(points), -1, dtype=np.int64)
        walking, cells = np.arange(len(points)), starts
        for _ in range(_LONGEST_WALK):
            weights = self.barycentric(cells, points[walking])
            farthest = weights.argmin(axis=1)
            arrived = weights[np.arange(len(cells)), farthest] >= _OUTSIDE
            found[walking[arrived]] = cells[arrived]
            onward = self._neighbours[cells, farthest]
            still = ~arrived & (onward >= 0)
            walking, cells = walking[still], onward[still]
            if not len(walking):
                break
        return found

    def _walk_from_elsewhere(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cell reached by a walk from any of the next nearest centres, -1 where all leave the mesh."""
        count = min(_OTHER_STARTS + 1, len(self._cells))
        found = np.full(len(points), -1, dtype=np.int64)
        if count > 1 and len(points):
            _, starts = self._tree.query(points, k=count)
            for column in range(1, count):
                lost = np.flatnonzero(found < 0)
                found[lost] = self._walk(points[lost], starts[lost, column])
        return found
