# SPDX-License-Identifier: LGPL-3.0-or-later
"""A voxel field on a mesh whose cells are as large as what the field falls off in, with its integral and in its range.

A field that is read at the nodes is cut short between them wherever it bulges: a dose that is flat inside and falls off
within one cell loses volume at every level, the more the closer the level is to the plateau. The piecewise linear field
of least squared distance to it errs to both sides instead, and keeps its integral, but overshoots the plateau and dips
below zero beside it. Kept within the range it still loses near the plateau where cells are larger than the fall-off, as
every such field does, but less than by its nodes.

Its matrix with all of a row on the diagonal gives weighted means of the field, which are within its range and have the
same integral. The difference of the two is a sum of antisymmetric fluxes along edges; they are added as far as no node
leaves the range of the field in its own cells (Zalesak 1979, 10.1016/0021-9991(79)90051-2, as in ``solve/transport``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import cg

from imagio_sim.anatomy.volume import Grid
from imagio_sim.meshing.domain import Domain

Floats = NDArray[np.float64]

# Points along an edge at which a cell is looked at: in a cell of 6 mm they are 1.5 mm apart.
_POINTS_ALONG = 4
_CELLS_AT_ONCE = 20_000
_TOLERANCE = 1e-9
# What the limiter refuses may fit once the neighbours have moved; more passes gain next to nothing.
_PASSES = 2
# Beyond its bounds by less than this share of the largest value is rounding, and is cut off.
_ROUNDING = 1e-12


def projected(values: Floats, grid: Grid, domain: Domain) -> Floats:
    """Nodal values (n,) of a field on voxels (i, j, k), linear between centres and to 0 one voxel beyond the grid.

    They have its integral over the mesh, and lie within its range in the cells around each node.
    """
    if domain.axisymmetric:
        raise ValueError("a voxel field is projected onto meshes in space only")
    weights = _barycentric(domain.cells.shape[1])
    seen, mass = _seen(values, grid, domain, weights), _mass(domain, weights)
    return _limited(_solved(mass, seen.load), mass, seen)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Of a field: its integral with each node's function (n,), and its range (n,), (n,) in the cells around."""

    load: Floats
    least: Floats
    largest: Floats


def _seen(values: Floats, grid: Grid, domain: Domain, weights: Floats) -> _Seen:
    """What the points within the cells see of a field; the corners count for its range only."""
    corner, nodes = _read(values, grid, domain.points_mm), len(domain.points_mm)
    load, least, largest = np.zeros(nodes), corner.copy(), corner.copy()
    for first in range(0, len(domain.cells), _CELLS_AT_ONCE):
        cells = domain.cells[first : first + _CELLS_AT_ONCE]
        points = weights @ domain.points_mm[cells]
        read = _read(values, grid, points.reshape(-1, 3)).reshape(len(cells), -1)
        shares = domain.cell_volumes_mm3[first : first + _CELLS_AT_ONCE, None] / len(weights)
        load += np.bincount(cells.ravel(), (read @ weights * shares).ravel(), nodes)
        around = np.hstack([read, corner[cells]])
        for own in cells.T:
            np.minimum.at(least, own, around.min(axis=1))
            np.maximum.at(largest, own, around.max(axis=1))
    return _Seen(load, least, largest)


def _read(values: Floats, grid: Grid, points_mm: Floats) -> Floats:
    index = grid.to_index(points_mm).T
    return np.asarray(ndimage.map_coordinates(values, index, order=1, mode="grid-constant", cval=0.0))


def _barycentric(corners: int) -> Floats:
    """Barycentric coordinates (q, corners) of evenly spaced points within a cell."""
    steps = np.indices((_POINTS_ALONG,) * (corners - 1)).reshape(corners - 1, -1)
    kept = steps[:, steps.sum(axis=0) < _POINTS_ALONG]
    last = _POINTS_ALONG - 1 - kept.sum(axis=0)
    return np.asarray((np.vstack([kept, last]).T + 1.0 / corners) / _POINTS_ALONG)


def _mass(domain: Domain, weights: Floats) -> sparse.csr_array:
    """Matrix (n, n) of the products of the nodes' functions, by the same points as the load."""
    corners = domain.cells.shape[1]
    entries = domain.cell_volumes_mm3[:, None] * (weights.T @ weights / len(weights)).ravel()
    rows = np.repeat(domain.cells, corners, axis=1).ravel()
    columns = np.tile(domain.cells, (1, corners)).ravel()
    return sparse.csr_array((entries.ravel(), (rows, columns)), shape=(len(domain.points_mm),) * 2)


def _solved(matrix: sparse.csr_array, load: Floats) -> Floats:
    """Solution by conjugate gradients; a mass matrix scaled by its diagonal takes some twenty steps on any mesh."""
    if not load.any():
        return load
    scale = sparse.diags_array(1.0 / matrix.diagonal())
    found, unfinished = cg(matrix, load, M=scale, rtol=_TOLERANCE, atol=0.0)
    if unfinished:
        raise ArithmeticError(f"the projection of a voxel field did not converge in {unfinished} steps")
    return np.asarray(found)


def _limited(closest: Floats, mass: sparse.csr_array, seen: _Seen) -> Floats:
    """As much of the closest field (n,) as stays within the range of what is seen, with the same integral."""
    volume = np.asarray(mass.sum(axis=1))
    edges = _Edges.of(mass)
    flux = edges.overlap * (closest[edges.start] - closest[edges.end])
    values = seen.load / volume
    share = _needed_shares(edges, flux, values, volume, seen)
    for _ in range(1 + _PASSES):
        values = values + edges.sums(share * flux, -share * flux) / volume
        flux = (1.0 - share) * flux
        share = edges.shares(flux, volume * (seen.least - values), volume * (seen.largest - values))
    return np.asarray(np.clip(values, seen.least, seen.largest))


def _needed_shares(edges: _Edges, flux: Floats, values: Floats, volume: Floats, seen: _Seen) -> Floats:
    """Share (e,) of each flux that leaves everything within its range, one where none is in danger."""
    limited = edges.shares(flux, volume * (seen.least - values), volume * (seen.largest - values))
    slack = _ROUNDING * float(np.abs([seen.least, seen.largest]).max())
    endangered = np.zeros(len(values), dtype=bool)
    while True:
        share = np.where(endangered[edges.start] | endangered[edges.end], limited, 1.0)
        moved = values + edges.sums(share * flux, -share * flux) / volume
        beyond = ((moved < seen.least - slack) | (moved > seen.largest + slack)) & ~endangered
        if not beyond.any():
            return share
        endangered |= beyond


@dataclass(frozen=True, eq=False)
class _Edges:
    """Both ends (e,), (e,) of the edges of a mesh, and the integral (e,) of the product of their functions."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    overlap: Floats
    nodes: int

    @classmethod
    def of(cls, mass: sparse.csr_array) -> _Edges:
        """The entries above the diagonal."""
        above = sparse.triu(mass, 1, format="coo")
        return cls(above.row.astype(np.int64), above.col.astype(np.int64), above.data, mass.shape[0])

    def sums(self, into_start: Floats, into_end: Floats) -> Floats:
        """What all edges bring to each node (n,)."""
        found: Floats = np.zeros(self.nodes)
        for ends, brought in ((self.start, into_start), (self.end, into_end)):
            found += np.bincount(ends, brought, self.nodes)
        return found

    def shares(self, flux: Floats, room_below: Floats, room_above: Floats) -> Floats:
        """Share (e,) of each flux into the start of an edge that both its ends (n,) have room for."""
        gain = self.sums(np.maximum(flux, 0.0), np.maximum(-flux, 0.0))
        loss = self.sums(np.minimum(flux, 0.0), np.minimum(-flux, 0.0))
        rise, fall = _share(room_above, gain), _share(room_below, loss)
        into_start, into_end = (
            np.minimum(rise[self.start], fall[self.end]),
            np.minimum(fall[self.start], rise[self.end]),
        )
        return np.where(flux > 0.0, into_start, into_end)


def _share(room: Floats, wanted: Floats) -> Floats:
    """Share (n,) of what is wanted that there is room for."""
    wants = np.abs(wanted) > 0.0
    return np.asarray(np.where(wants, np.clip(room / np.where(wants, wanted, 1.0), 0.0, 1.0), 1.0))
