# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small discretised domains and laws that the solver tests share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.meshing.topology import oriented
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


def polar_shell(inner_mm: float, outer_mm: float, n: int) -> Domain:
    """The space between two spheres in the r-z half plane: n layers in geometric progression, 2 n sectors."""
    square = half_plane(1.0, 1.0, n, 2 * n)
    depth, turn = square.points_mm.T
    distance, angle = inner_mm * (outer_mm / inner_mm) ** depth, np.pi * turn
    points = np.column_stack([distance * np.sin(angle), distance * np.cos(angle)])
    points[(turn == 0.0) | (turn == 1.0), 0] = 0.0
    surfaces = {"inner": square.surfaces["axis"], "boundary": square.surfaces["side"]}
    return replace(square, points_mm=points, cells=oriented(points, square.cells), surfaces=surfaces)


def surface_nodes(space: Discretisation, domain: Domain, *names: str) -> NDArray[np.int32]:
    """Local nodes on the named surfaces."""
    return np.unique(np.concatenate([space.nodes_of(domain.surfaces[name]) for name in names]))


def observed_order(errors: list[float], refinement: float = 2.0) -> float:
    """Order of convergence between the last two of a sequence of errors."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(refinement))


def norm(space: Discretisation, volume: Floats, error: Floats) -> float:
    """Volume-weighted root mean square (discrete L2 norm) of a nodal error."""
    return float(np.sqrt(space.node_sum(volume * error**2) / space.node_sum(volume)))
