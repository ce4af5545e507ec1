# SPDX-License-Identifier: LGPL-3.0-or-later
"""What ranks hold in common: nodes and edges where their parts of a mesh meet.

Sums of what each rank contributes to a node are DOLFINx' affair (``Discretisation.accumulated``). Limiters need more:
an entry that is complete on an edge, and the largest of what the ranks know about a node.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.solve.discretisation import EdgeOperators, Floats, Integers, summed_by


class Interface:
    """Entries with one key each (n,), of which some are held by several ranks (collective).

    Attributes
    ----------
    counted
        Whether this rank is the first of those that hold an entry (n,), so that sums over ranks count it once.
    """

    def __init__(self, comm: Any, keys: Integers, candidates: NDArray[np.bool_]) -> None:
        """Only ``candidates`` (n,) may be held by others as well."""
        self._comm = comm
        own = np.flatnonzero(candidates)
        gathered = comm.allgather(keys[own])
        distinct, times = np.unique(np.concatenate(gathered), return_counts=True)
        common = distinct[times > 1]
        self._entries = own[np.isin(keys[own], common)]
        self._slots = np.searchsorted(common, keys[self._entries])
        self._size = len(common)
        self.counted = np.ones(len(keys), dtype=bool)
        earlier = np.concatenate([np.empty(0, np.int64), *gathered[: comm.rank]])
        self.counted[own[np.isin(keys[own], earlier)]] = False

    def summed(self, values: Floats) -> Floats:
        """Entries (n,) that are complete on every rank, from what each contributed."""
        return self._reduced(values, 0.0, "SUM")

    def largest(self, values: Floats) -> Floats:
        """The largest of what the ranks have for each entry (n,)."""
        return self._reduced(values, -np.inf, "MAX")

    def _reduced(self, values: Floats, neutral: float, operation: str) -> Floats:
        if self._comm.size == 1 or self._size == 0:
            return values
        from mpi4py import MPI

        shared = np.full(self._size, neutral)
        shared[self._slots] = values[self._entries]
        self._comm.Allreduce(MPI.IN_PLACE, shared, op=getattr(MPI, operation))
        result = values.copy()
        result[self._entries] = shared[self._slots]
        return result


class Neighbourhood:
    """Sums and extremes over the edges that meet in a node, complete on every rank."""

    def __init__(self, operators: EdgeOperators) -> None:
        space = operators.discretisation
        self._space, self._operators = space, operators
        ranks = space.accumulated(np.bincount(space.cells.ravel(), minlength=space.count).clip(max=1).astype(float))
        common = ranks > 1.5
        start, end = operators.edge_start, operators.edge_end
        numbers = np.sort(space.global_node[np.column_stack([start, end])], axis=1)
        self.nodes = Interface(space.comm, space.global_node, common)
        self.edges = Interface(
            space.comm, numbers[:, 0] * np.int64(space.node_total) + numbers[:, 1], common[start] & common[end]
        )
        both = np.concatenate([start, end])
        self._order = np.argsort(both, kind="stable")
        self._other = np.concatenate([end, start])[self._order]
        self._present, self._first = np.unique(both[self._order], return_index=True)

    def sums(self, into_start: Floats, into_end: Floats) -> Floats:
        """Sum (count,) of complete edge values (e,) that belong to the start and to the end of each edge."""
        operators, count = self._operators, self._space.count
        kept = self.edges.counted
        local = summed_by(operators.edge_start, np.where(kept, into_start, 0.0), count)
        return self._space.accumulated(local + summed_by(operators.edge_end, np.where(kept, into_end, 0.0), count))

    def largest(self, values: Floats) -> Floats:
        """Largest (count,) of a nodal array at each node and its neighbours."""
        found = values.copy()
        if len(self._present):
            beside = np.maximum.reduceat(values[self._other], self._first)
            found[self._present] = np.maximum(found[self._present], beside)
        return self.nodes.largest(found)

    def smallest(self, values: Floats) -> Floats:
        """Smallest (count,) of a nodal array at each node and its neighbours."""
        return -self.largest(-values)
