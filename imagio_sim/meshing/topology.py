# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who touches whom in a simplex mesh: boundary facets and neighbours, from cell connectivity alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Local facets of a positively oriented simplex, each opposite the vertex of its number, turned outward.
_OUTWARD = {
    3: np.array([[1, 2], [2, 0], [0, 1]]),
    4: np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]),
}


def facet_keys(facets: NDArray[np.int64], node_count: int) -> NDArray[np.int64]:
    """One number per facet (f,) that does not depend on the order of its nodes (f, 2 or 3)."""
    keys = np.zeros(len(facets), dtype=np.int64)
    for column in np.sort(facets, axis=1).T:
        keys = keys * node_count + column
    return keys


def all_facets(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The facets of all cells (m * corners, corners - 1), cell after cell, each opposite the vertex of its turn."""
    local = _OUTWARD[cells.shape[1]]
    return cells[:, local].reshape(-1, local.shape[1])


def neighbours(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cell across each facet (m, corners), in the order of the opposite vertex; -1 on the boundary."""
    keys = facet_keys(all_facets(cells), int(cells.max()) + 1)
    order = np.argsort(keys, kind="stable")
    paired = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    first, second = order[paired], order[paired + 1]
    across = np.full(len(keys), -1, dtype=np.int64)
    across[first], across[second] = second // cells.shape[1], first // cells.shape[1]
    return across.reshape(cells.shape)


def boundary_facets(cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Facets that belong to one cell only, turned outward (f, 2 or 3), and that cell (f,)."""
    exposed = np.flatnonzero(neighbours(cells).ravel() < 0)
    return all_facets(cells)[exposed], exposed // cells.shape[1]


def oriented(points_mm: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same cells with two nodes exchanged where the volume would be negative."""
    corners = points_mm[cells]
    mirrored = np.linalg.det(corners[:, 1:] - corners[:, :1]) < 0.0
    turned = cells.copy()
    turned[mirrored, 0], turned[mirrored, 1] = cells[mirrored, 1], cells[mirrored, 0]
    return turned


def without_unused_nodes(
    points_mm: NDArray[np.float64], cells: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Points and cells with only the nodes that cells use, and the new number of every old node (-1: dropped)."""
    used = np.unique(cells)
    renumbered = np.full(len(points_mm), -1, dtype=np.int64)
    renumbered[used] = np.arange(len(used))
    return points_mm[used], renumbered[cells], renumbered


def facet_areas(points_mm: NDArray[np.float64], facets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area [mm2] of triangles (f, 3), or length [mm] of edges (f, 2)."""
    corners = points_mm[facets]
    if facets.shape[1] == 2:
        return np.asarray(np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1))
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(np.linalg.norm(normals, axis=1) / 2.0)
