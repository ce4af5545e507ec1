# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exact cutting of simplices by the zero level of a piecewise linear function ("marching" in any dimension).

A simplex with k corners where the level is >= 0 (dead) and q corners where it is below (living) is split by a
plane. Its dead part is combinatorially a product of simplices, rows being the dead corners and columns "the
corner itself, then the points on its edges to each living corner"; the interface is the same product
without the first column. Products of simplices are divided by monotone lattice paths (the staircase
triangulation, e.g. De Loera, Rambau, Santos, Triangulations, 2010, section 6.2.2), so one rule serves
segments, triangles and tetrahedra, volumes and surfaces.

Points are named by an integer *key*: ``dead * (n + 1)`` for a dead node, ``dead * (n + 1) + living + 1`` for
the cut on an edge, n being the number of nodes. Neighbours name shared points alike, so surfaces are closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pieces:
    """Simplices of keys (p, c) and the number of the cell each was cut from (p,)."""

    keys: NDArray[np.int64]
    parents: NDArray[np.int64]


def off_zero(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make exact zeros of a level (n,) the smallest positive number, so that every crossing is on an open edge."""
    return np.where(level == 0.0, np.finfo(float).tiny, level)


def dead_pieces(cells: NDArray[np.int64], dead: NDArray[np.bool_]) -> Pieces:
    """Divide the dead part of each simplex into simplices, oriented like the cells' node order.

    Parameters
    ----------
    cells
        Node numbers (m, d + 1).
    dead
        Whether each node is dead (n,).
    """
    return _pieces(cells, dead, interface=False)


def interface_pieces(cells: NDArray[np.int64], dead: NDArray[np.bool_]) -> Pieces:
    """Facets of the zero level in each crossed simplex.

    For cells with positive volume in node order the normal of the facets (right hand) points to the living side.
    """
    return _pieces(cells, dead, interface=True)


def key_nodes(keys: NDArray[np.int64], node_count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Dead and living node of each key; living is -1 where the key is a node itself."""
    return keys // (node_count + 1), keys % (node_count + 1) - 1


def key_points(keys: NDArray[np.int64], points: NDArray[np.float64], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates (..., dimension) of keys; ``level`` has no zeros (:func:`off_zero`)."""
    dead, living = key_nodes(keys, len(points))
    other = np.where(living < 0, dead, living)
    share = np.where(living < 0, 0.0, level[dead] / np.where(living < 0, 1.0, level[dead] - level[other]))
    return np.asarray(points[dead] + share[..., None] * (points[other] - points[dead]))


def _pieces(cells: NDArray[np.int64], dead: NDArray[np.bool_], *, interface: bool) -> Pieces:
    corners = cells.shape[1]
    flags = dead[cells]
    count = flags.sum(axis=1)
    width = corners - 1 if interface else corners
    keys: list[NDArray[np.int64]] = [np.empty((0, width), dtype=np.int64)]
    parents: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    for dead_corners in range(1, corners if interface else corners + 1):
        chosen = np.flatnonzero(count == dead_corners)
        order = np.argsort(~flags[chosen], axis=1, kind="stable")
        even = _even(order)
        named = _edge_keys(np.take_along_axis(cells[chosen], order, axis=1), dead_corners, len(dead))
        for path, positive in _paths(dead_corners, corners - dead_corners, interface):
            rows, columns = np.array(path).T
            piece = named[:, rows, columns]
            flipped = even != positive
            piece[flipped, :2] = piece[flipped, 1::-1]
            keys.append(piece)
            parents.append(chosen)
    return Pieces(np.concatenate(keys), np.concatenate(parents))


def _edge_keys(ordered: NDArray[np.int64], dead_corners: int, node_count: int) -> NDArray[np.int64]:
    """Keys (m, k, 1 + q): the dead corners themselves, then the cuts on their edges to the living ones."""
    own = ordered[:, :dead_corners, None] * (node_count + 1)
    return np.concatenate([own, own + ordered[:, None, dead_corners:] + 1], axis=2)


def _even(order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each permutation (m, c) is even."""
    inversions = np.zeros(len(order), dtype=np.int64)
    for first, second in combinations(range(order.shape[1]), 2):
        inversions += order[:, first] > order[:, second]
    return np.asarray(inversions % 2 == 0)


@cache
def _paths(rows: int, living: int, interface: bool) -> tuple[tuple[tuple[tuple[int, int], ...], bool], ...]:
    """Monotone lattice paths through rows x (1 + living), and whether each is positively oriented.

    A path of the interface starts in the second column. Orientation is that of the reference simplex with every
    cut half-way: of the piece itself, or of the facet followed by the direction from dead to living.
    """
    first, last = (1 if interface else 0), living
    steps = (rows - 1) + (last - first)
    result = []
    for downs in combinations(range(steps), rows - 1):
        path = [(0, first)]
        for step in range(steps):
            row, column = path[-1]
            path.append((row + 1, column) if step in downs else (row, column + 1))
        result.append((tuple(path), _positive(path, rows, interface)))
    return tuple(result)


def _positive(path: list[tuple[int, int]], rows: int, interface: bool) -> bool:
    dimension = len(path) if interface else len(path) - 1
    reference = np.vstack([np.zeros(dimension), np.eye(dimension)])
    points = np.array([reference[r] if c == 0 else (reference[r] + reference[rows + c - 1]) / 2.0 for r, c in path])
    vectors = points[1:] - points[0]
    if interface:
        vectors = np.vstack([vectors, reference[rows] - reference[0]])
    return bool(np.linalg.det(vectors) > 0)
