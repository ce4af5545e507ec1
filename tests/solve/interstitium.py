# SPDX-License-Identifier: LGPL-3.0-or-later
"""Meshes, flows and exact solutions that the tests of interstitial transport share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.interface import Neighbourhood
from imagio_sim.solve.interstitial_pressure import gradient
from imagio_sim.solve.transport import Carrier, Transport


def square(n: int, *, axisymmetric: bool = False) -> Discretisation:
    """The unit square (or r-z cylinder) in 2 n^2 triangles of smoothly varying shape."""
    domain = half_plane(1.0, 1.0, n, n)
    x, y = domain.points_mm.T
    shift = 0.06 * np.sin(2.0 * np.pi * x) * np.sin(2.0 * np.pi * y)
    return _discretised(np.column_stack([x + shift, y - shift]), domain.cells, axisymmetric=axisymmetric)


def cube(n: int) -> Discretisation:
    """The unit cube in 6 n^3 tetrahedra, sheared so that diffusion alone has entries of the wrong sign."""
    domain = box(n, 1.0)
    x, y, z = domain.points_mm.T
    shift = 0.08 * np.sin(np.pi * x) * np.sin(np.pi * y) * np.sin(np.pi * z)
    return _discretised(np.column_stack([x + shift, y - shift, z + shift]), domain.cells)


def _discretised(points: Floats, cells: Floats, *, axisymmetric: bool = False) -> Discretisation:
    comm = MPI.COMM_WORLD
    first = comm.rank == 0
    return Discretisation(comm, points if first else None, cells if first else None, axisymmetric=axisymmetric)


def swirl(space: Discretisation) -> Floats:
    """A flow (cell_count, 2) that turns in the square and has no divergence, discretely either."""
    x, y = space.points.T
    stream = np.sin(np.pi * x) ** 2 * np.sin(np.pi * y) ** 2 / np.pi
    along_x, along_y = gradient(EdgeOperators(space), stream).T
    return np.column_stack([along_y, -along_x])


@dataclass(frozen=True)
class Extent:
    """Smallest and largest value that a solution ever had."""

    smallest: float
    largest: float


class Carried:
    """A substance in a mesh, with the same properties everywhere."""

    def __init__(self, space: Discretisation, *, velocity: Floats, diffusivity: float, fraction: float = 1.0) -> None:
        self.space, self.operators = space, EdgeOperators(space)
        self._velocity, self._ones = velocity, np.ones(space.cell_count)
        self._diffusivity, self._fraction = diffusivity, fraction
        self.volume = self.operators.distributed(self._ones)
        self.transport = Transport(
            self.operators,
            self.carrier(1.0),
            neighbourhood=Neighbourhood(self.operators),
            tolerance=1e-12,
            prefix="transport_",
        )

    def carrier(self, factor: float) -> Carrier:
        return Carrier(
            self._fraction * self._ones, self._fraction * self._diffusivity * self._ones, factor * self._velocity
        )

    def error(self, difference: Floats, power: float) -> float:
        """Volume-weighted L1 (power 1) or L2 (power 2) norm."""
        mean = self.space.node_sum(self.volume * np.abs(difference) ** power) / self.space.node_sum(self.volume)
        return float(mean ** (1.0 / power))

    def extent(self, values: Floats, former: Extent | None = None) -> Extent:
        low, high = self.space.minimum(values), self.space.maximum(values)
        return Extent(low, high) if former is None else Extent(min(low, former.smallest), max(high, former.largest))
