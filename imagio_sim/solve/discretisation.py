# SPDX-License-Identifier: LGPL-3.0-or-later
"""A domain distributed by DOLFINx, and the P1 operators on it that every problem is gathered from.

The stiffness matrix of linear elements with one conductivity per cell is linear in that conductivity, so its
off-diagonals are one sparse matrix-vector product over the edges, and the transpose of the same product gives
the dissipated power per cell. Everything is weighted by w = 1, or w = 2 pi r in the r-z half plane.
All coordinates are in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from imagio_sim.solve import versions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Facets:
    """Boundary facets that belong to this rank's cells: local nodes (f, d) and the local cell of each (f,)."""

    nodes: NDArray[np.int32]
    cells: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Place:
    """A point on the mesh: the rank that has it, its local nodes there (k,) and their weights (k,)."""

    rank: int
    nodes: NDArray[np.int32]
    weights: Floats


# Distance [m] and barycentric coordinate up to which a point counts as in a cell.
_ON_FACE, _OUTSIDE_CELL = 1e-9, 1e-6


class Discretisation:
    """The mesh as DOLFINx distributes it, with maps between local and input numbering.

    Only rank 0 passes ``points`` (n, d) [m] and ``cells`` (m, d + 1); the others pass None. Local node arrays hold
    the owned nodes first (``owned`` of them), then the ghosts. Cells are not shared between ranks.
    """

    def __init__(self, comm: Any, points: Floats | None, cells: Integers | None, *, axisymmetric: bool = False) -> None:
        from dolfinx import fem

        self.comm, self.axisymmetric = comm, axisymmetric
        self.dimension = comm.bcast(None if points is None else points.shape[1], root=0)
        if points is None or cells is None:
            points, cells = np.empty((0, self.dimension)), np.empty((0, self.dimension + 1), np.int64)
        self.mesh = versions.create_simplex_mesh(comm, cells, np.ascontiguousarray(points))
        self.space = fem.functionspace(self.mesh, ("P", 1))
        self._exchange = fem.Function(self.space)
        self.index_map = self.space.dofmap.index_map
        self.owned = self.index_map.size_local
        self.count = self.owned + self.index_map.num_ghosts
        self.cell_count = self.mesh.topology.index_map(self.dimension).size_local
        self.cells = self.space.dofmap.list[: self.cell_count]
        self.input_node, self.points = self._node_maps()
        self.input_cell = np.asarray(self.mesh.topology.original_cell_index[: self.cell_count], dtype=np.int64)
        self.global_node = self.index_map.local_to_global(np.arange(self.count, dtype=np.int32))

    def _node_maps(self) -> tuple[Integers, Floats]:
        """Input node number (count,) and coordinates (count, d) of every local node."""
        geometry, dofs = self.mesh.geometry.dofmap.ravel(), self.space.dofmap.list.ravel()
        vertex = np.empty(self.count, np.int64)
        vertex[dofs] = geometry
        return (
            np.asarray(self.mesh.geometry.input_global_indices)[vertex],
            np.ascontiguousarray(self.mesh.geometry.x[vertex, : self.dimension]),
        )

    @property
    def node_total(self) -> int:
        """Number of nodes over all ranks."""
        return int(self.index_map.size_global)

    @property
    def cell_total(self) -> int:
        """Number of cells over all ranks."""
        return int(self.mesh.topology.index_map(self.dimension).size_global)

    def accumulated(self, contributions: Floats) -> Floats:
        """Add what each rank contributed to shared nodes; (count,) in, consistent (count,) out."""
        if self.comm.size == 1:
            return contributions
        from dolfinx.la import InsertMode

        vector = self._exchange.x
        vector.array[:] = contributions
        vector.scatter_reverse(InsertMode.add)
        vector.scatter_forward()
        return np.asarray(vector.array.copy())

    def forwarded(self, values: Floats) -> Floats:
        """The array (count,) with its ghosts set to what their owners hold."""
        if self.comm.size == 1:
            return values
        vector = self._exchange.x
        vector.array[:] = values
        vector.scatter_forward()
        return np.asarray(vector.array.copy())

    def total(self, value: float) -> float:
        """Sum of a number over ranks."""
        return float(self.comm.allreduce(float(value)))

    def node_sum(self, values: Floats) -> float:
        """Sum of a nodal array over all owned nodes of all ranks."""
        return self.total(float(values[: self.owned].sum()))

    def maximum(self, values: Floats) -> float:
        """Largest entry over all ranks (-inf when empty everywhere)."""
        from mpi4py import MPI

        return float(self.comm.allreduce(float(values.max(initial=-np.inf)), op=MPI.MAX))

    def minimum(self, values: Floats) -> float:
        """Smallest entry over all ranks."""
        return -self.maximum(-values)

    def gathered(self, values: Floats) -> Floats | None:
        """A nodal array (..., count) in input numbering (..., nodes) on rank 0, None elsewhere."""
        return self._collected(values[..., : self.owned], self.input_node[: self.owned], self.node_total)

    def gathered_cells(self, values: Floats) -> Floats | None:
        """A cell array (cell_count,) in input numbering on rank 0, None elsewhere."""
        return self._collected(values, self.input_cell, self.cell_total)

    def _collected(self, values: Floats, numbers: Integers, size: int) -> Floats | None:
        parts = self.comm.gather((numbers, values), root=0)
        if parts is None:
            return None
        whole = np.empty((*values.shape[:-1], size), dtype=values.dtype)
        for where, part in parts:
            whole[..., where] = part
        return whole

    def local_nodes(self, whole: Floats | None) -> Floats:
        """The local part (..., count) of a nodal array that rank 0 holds in input numbering."""
        return np.asarray(self.comm.bcast(whole, root=0)[..., self.input_node])

    def nodes_of(self, facets: Integers | None) -> NDArray[np.int32]:
        """Local nodes (ghosts included) that lie on the given facets (input numbering, from rank 0)."""
        numbers = np.unique(self.comm.bcast(facets, root=0))
        return np.flatnonzero(np.isin(self.input_node, numbers)).astype(np.int32)

    def facets_of(self, facets: Integers | None) -> Facets:
        """The given facets (f, d) (input numbering, from rank 0) that bound this rank's cells."""
        wanted = self.comm.bcast(facets, root=0)
        wanted_keys = _facet_keys(np.sort(wanted, axis=1), self.node_total)
        candidate = np.flatnonzero(
            np.isin(self.input_node[self.cells], np.unique(wanted)).sum(axis=1) >= self.dimension
        )
        nodes: list[NDArray[np.int32]] = [np.empty((0, self.dimension), np.int32)]
        cells: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
        for corners in combinations(range(self.dimension + 1), self.dimension):
            local = self.cells[candidate][:, corners]
            keys = _facet_keys(np.sort(self.input_node[local], axis=1), self.node_total)
            hit = np.isin(keys, wanted_keys)
            nodes.append(local[hit])
            cells.append(candidate[hit].astype(np.int32))
        return Facets(np.concatenate(nodes), np.concatenate(cells))

    def place_of(self, point: Floats) -> Place:
        """Where a point (d,) [m] is (collective): in a cell, or at the nearest node where it is in none."""
        inside, nodes, weights = self._containing(point)
        distance = np.linalg.norm(self.points[: self.owned] - point, axis=1)
        nearest = int(distance.argmin()) if self.owned else -1
        off = float(distance[nearest]) if self.owned else np.inf
        found = self.comm.allgather((not inside, 0.0 if inside else off, self.comm.rank))
        rank = min(found)[2]
        if inside:
            return Place(rank, nodes, weights)
        return Place(rank, np.array([max(nearest, 0)], np.int32), np.ones(1))

    def _containing(self, point: Floats) -> tuple[bool, NDArray[np.int32], Floats]:
        """Whether a cell of this rank contains a point (d,) [m], its nodes, and their weights."""
        corners = self.points[self.cells]
        near = np.flatnonzero(
            np.all((corners.min(axis=1) <= point + _ON_FACE) & (corners.max(axis=1) >= point - _ON_FACE), axis=1)
        )
        for cell in near:
            first = corners[cell, 0]
            rest = np.linalg.solve((corners[cell, 1:] - first).T, point - first)
            weights = np.concatenate([[1.0 - rest.sum()], rest])
            if weights.min() >= -_OUTSIDE_CELL:
                return True, self.cells[cell], weights
        return False, np.empty(0, np.int32), np.empty(0)

    def value_at(self, values: Floats, place: Place) -> float:
        """A nodal array (count,) at a place, on every rank (collective)."""
        here = float(values[place.nodes] @ place.weights) if place.rank == self.comm.rank else None
        return float(self.comm.bcast(here, root=place.rank))


def _facet_keys(nodes: Integers, size: int) -> NDArray[Any]:
    """One comparable key per row of sorted node numbers (f, d)."""
    if nodes.shape[1] == 2:
        return nodes[:, 0] * size + nodes[:, 1]
    return (nodes[:, 0] * size + nodes[:, 1]) + 1j * nodes[:, 2]


class EdgeOperators:
    """Geometry of the cells gathered into sparse operators, computed once per mesh.

    Attributes
    ----------
    cell_share
        Integral of w lambda_i over each cell (cell_count, d + 1) [m3].
    cell_volume
        Integral of w over each cell (cell_count,) [m3].
    edge_start, edge_end
        The two local nodes of each edge (e,).
    """

    def __init__(self, discretisation: Discretisation) -> None:
        self.discretisation = discretisation
        dimension, cells = discretisation.dimension, discretisation.cells
        corners = discretisation.points[cells]
        jacobian = corners[:, 1:] - corners[:, :1]
        size = np.abs(np.linalg.det(jacobian)) / (2.0 if dimension == 2 else 6.0)
        weight = node_weight(discretisation)[cells]
        self.cell_share = (
            size[:, None] * (weight + weight.sum(axis=1, keepdims=True)) / ((dimension + 1) * (dimension + 2))
        )
        self.cell_volume = self.cell_share.sum(axis=1)
        gradient = np.linalg.inv(jacobian).transpose(0, 2, 1)
        gradient = np.concatenate([-gradient.sum(axis=1, keepdims=True), gradient], axis=1)
        self._build_edges(gradient)
        self._build_averages()

    def _build_edges(self, gradient: Floats) -> None:
        """Sparse maps between cells and edges from the gradients (cells, d + 1, d) of the hat functions."""
        cells, count = self.discretisation.cells, self.discretisation.count
        pairs = np.array(list(combinations(range(cells.shape[1]), 2)))
        coupling = np.einsum("ekd,ekd->ek", gradient[:, pairs[:, 0]], gradient[:, pairs[:, 1]])
        coupling *= self.cell_volume[:, None]
        ends = np.sort(cells[:, pairs], axis=2)
        keys, edge = np.unique(
            ends[..., 0].ravel().astype(np.int64) * count + ends[..., 1].ravel(), return_inverse=True
        )
        self.edge_start, self.edge_end = (keys // count).astype(np.int32), (keys % count).astype(np.int32)
        rows = np.arange(0, coupling.size + 1, len(pairs), dtype=np.int32)
        self._pairs, self._pair_coupling = pairs, coupling
        self._pair_edge = edge.reshape(coupling.shape).astype(np.int32)
        self._cell_edge = sparse.csr_matrix(
            (coupling.ravel(), self._pair_edge.ravel(), rows), shape=(len(cells), len(keys))
        )
        self._edge_cell = self._cell_edge.T.tocsr()
        number = np.arange(len(keys), dtype=np.int32)
        self._node_edge = sparse.csr_matrix(
            (
                np.ones(2 * len(keys)),
                (np.concatenate([self.edge_start, self.edge_end]), np.concatenate([number, number])),
            ),
            shape=(count, len(keys)),
        )

    def _build_averages(self) -> None:
        cells, count = self.discretisation.cells, self.discretisation.count
        corner_count = cells.shape[1]
        rows = np.arange(0, cells.size + 1, corner_count, dtype=np.int32)
        shape = (len(cells), count)
        self._cell_mean = sparse.csr_matrix((np.full(cells.size, 1.0 / corner_count), cells.ravel(), rows), shape=shape)
        self._node_share = sparse.csr_matrix((self.cell_share.ravel(), cells.ravel(), rows), shape=shape).T.tocsr()

    def cell_mean(self, nodal: Floats) -> Floats:
        """Value of a P1 field at the cell centroids (cell_count,)."""
        return np.asarray(self._cell_mean @ nodal)

    def cell_integral(self, nodal: Floats) -> Floats:
        """Integral of w times a P1 field over each cell (cell_count,)."""
        return np.asarray((self.cell_share * nodal[self.discretisation.cells]).sum(axis=1))

    def distributed(self, density: Floats) -> Floats:
        """Integral of w density lambda_i: a cell density (cell_count,) [X/m3] to nodal amounts (count,) [X]."""
        return self.discretisation.accumulated(np.asarray(self._node_share @ density))

    def edge_coupling(self, conductivity: Floats) -> Floats:
        """Off-diagonal stiffness entries of this rank's cells (e,) for a cell conductivity (cell_count,)."""
        return np.asarray(self._edge_cell @ conductivity)

    def edge_overlap(self, density: Floats) -> Floats:
        """Integral of w density lambda_i lambda_j for both ends of each edge (e,): this rank's part of a mass matrix.

        With it on the off-diagonals, and :meth:`distributed` as the sum of each row, the matrix is the consistent one.
        """
        cells, corners = self.discretisation.cells, self.discretisation.dimension + 1
        weight = node_weight(self.discretisation)[cells]
        size = self.cell_volume / weight.mean(axis=1)
        values = weight.sum(axis=1, keepdims=True) + weight[:, self._pairs].sum(axis=2)
        values *= (density * size)[:, None] / (corners * (corners + 1) * (corners + 2))
        return summed_by(self._pair_edge.ravel(), values.ravel(), len(self.edge_start))

    def edge_sum(self, edge_values: Floats) -> Floats:
        """Sum over the edges that meet in each node (count,), this rank's contribution only."""
        return np.asarray(self._node_edge @ edge_values)

    def gradient_squared(self, potential: Floats, other: Floats | None = None) -> Floats:
        """Integral of w grad(a).grad(b) over each cell (cell_count,)."""
        difference = potential[self.edge_start] - potential[self.edge_end]
        second = difference if other is None else other[self.edge_start] - other[self.edge_end]
        return np.asarray(-(self._cell_edge @ (difference * second)))

    def corner_flux(self, potential: Floats) -> Floats:
        """Integral of w grad(a).grad(lambda_i) over each cell for each of its corners (cell_count, d + 1)."""
        corners = potential[self.discretisation.cells]
        flux = np.zeros_like(corners)
        for number, (first, second) in enumerate(self._pairs):
            share = self._pair_coupling[:, number] * (corners[:, second] - corners[:, first])
            flux[:, first] += share
            flux[:, second] -= share
        return np.asarray(flux)

    def corner_products(self, corner: Floats, factor: Floats) -> Floats:
        """Sum over this rank's cells of factor c_i c_j on the edges (e,), for corner values c (cell_count, d + 1)."""
        products = factor[:, None] * corner[:, self._pairs[:, 0]] * corner[:, self._pairs[:, 1]]
        return summed_by(self._pair_edge.ravel(), products.ravel(), len(self.edge_start))

    def corner_transfer(self, taken: Floats, given: Floats) -> tuple[Floats, Floats]:
        """Sums over this rank's cells of a_i b_j on the edges, (e,) each: i the start and j the end, then swapped.

        ``taken`` a and ``given`` b are corner values (cell_count, d + 1).
        """
        cells, (first, second) = self.discretisation.cells, self._pairs.T
        forward = cells[:, first] < cells[:, second]
        one, other = taken[:, first] * given[:, second], taken[:, second] * given[:, first]
        edge, count = self._pair_edge.ravel(), len(self.edge_start)
        into_start = summed_by(edge, np.where(forward, one, other).ravel(), count)
        return into_start, summed_by(edge, np.where(forward, other, one).ravel(), count)

    def corner_sum(self, corner: Floats) -> Floats:
        """Sum of corner values (cell_count, d + 1) in each node (count,), over all ranks."""
        cells = self.discretisation.cells
        return self.discretisation.accumulated(summed_by(cells.ravel(), corner.ravel(), self.discretisation.count))

    def facet_share(self, facets: Facets) -> Floats:
        """Integral of w lambda_i over each facet (f, d) [m2]."""
        dimension = self.discretisation.dimension
        corners = self.discretisation.points[facets.nodes]
        edges = corners[:, 1:] - corners[:, :1]
        if dimension == 3:
            size = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2.0
        else:
            size = np.linalg.norm(edges[:, 0], axis=1)
        weight = node_weight(self.discretisation)[facets.nodes]
        return np.asarray(size[:, None] * (weight + weight.sum(axis=1, keepdims=True)) / (dimension * (dimension + 1)))

    def surface_share(self, facets: Facets) -> Floats:
        """Area of a surface that belongs to each node (count,) [m2]."""
        share = self.facet_share(facets).ravel()
        return self.discretisation.accumulated(summed_by(facets.nodes.ravel(), share, self.discretisation.count))


def summed_by(index: NDArray[np.int32], values: Floats, count: int) -> Floats:
    """Sum of the values (n,) that carry the same index (n,), for each of ``count`` indices."""
    return np.asarray(np.bincount(index, values, minlength=count), dtype=np.float64)


def node_weight(discretisation: Discretisation) -> Floats:
    """The volume weight w at the nodes (count,): 1, or 2 pi r [m]."""
    if discretisation.axisymmetric:
        return np.asarray(2.0 * np.pi * discretisation.points[:, 0])
    return np.ones(discretisation.count)
