# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small discretised domains and laws that the solver tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.solve.discretisation import Discretisation

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearEnthalpy:
    """Constant heat capacity (count,) [J/K]."""

    capacity: Floats

    def __call__(self, temperature: Floats) -> Floats:
        return self.capacity * temperature

    def slope(self, temperature: Floats) -> Floats:
        return self.capacity + 0.0 * temperature

    def temperature(self, enthalpy: Floats) -> Floats:
        return enthalpy / self.capacity


def discretised(domain: Domain, scale: float = 1e-3) -> Discretisation:
    """The domain on MPI.COMM_WORLD, its coordinates multiplied by ``scale``."""
    comm = MPI.COMM_WORLD
    points = domain.points_mm * scale if comm.rank == 0 else None
    return Discretisation(comm, points, domain.cells if comm.rank == 0 else None, axisymmetric=domain.axisymmetric)


def surface_nodes(space: Discretisation, domain: Domain, *names: str) -> NDArray[np.int32]:
    """Local nodes on the named surfaces."""
    return np.unique(np.concatenate([space.nodes_of(domain.surfaces[name]) for name in names]))


def observed_order(errors: list[float], refinement: float = 2.0) -> float:
    """Order of convergence between the last two of a sequence of errors."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(refinement))


def norm(space: Discretisation, volume: Floats, error: Floats) -> float:
    """Volume-weighted root mean square (discrete L2 norm) of a nodal error."""
    return float(np.sqrt(space.node_sum(volume * error**2) / space.node_sum(volume)))
