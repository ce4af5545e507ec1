# SPDX-License-Identifier: LGPL-3.0-or-later
"""The quasi-static electric problem div(sigma grad phi) = 0 of radio-frequency electrodes.

One *unit potential* is solved per electrically connected conductor (1 V on it, 0 V on the others); any drive is a
combination of them, and their conductance matrix answers every question about volts, amperes and watts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Facets, Floats
from imagio_sim.solve.linear import FreeMatrix, Solver, extrapolated


@dataclass(frozen=True, eq=False)
class ElectricSolution:
    """What unit potentials tell.

    Attributes
    ----------
    unit_potentials
        (conductors, count) [V/V].
    gradient_products
        Integral of w grad phi_i . grad phi_j over each cell (cell_count,) [m] for every pair i >= j.
    conductance, far_conductance
        (conductors, conductors) [S], and the part of it beyond the region.
    """

    unit_potentials: Floats
    gradient_products: Mapping[tuple[int, int], Floats]
    conductance: Floats
    far_conductance: Floats


class RemoteGround:
    """The ground infinitely far away: sigma dphi/dn = -sigma phi n.(x - x_c)/|x - x_c|^2 on the outer boundary.

    It is the condition a potential that falls like 1/|x - x_c| fulfils; on a sphere around x_c it is -sigma phi/R.
    """

    def __init__(self, operators: EdgeOperators, boundary: Facets, centre: Floats) -> None:
        space = operators.discretisation
        share = operators.facet_share(boundary)
        distance = space.points[boundary.nodes] - centre
        normal = outward_normals(space, boundary)
        decay = (normal[:, None] * distance).sum(axis=2) / (distance**2).sum(axis=2)
        values = share * np.maximum(decay, 0.0)
        columns = np.repeat(boundary.cells, boundary.nodes.shape[1])
        self._node_cell = sparse.csr_matrix(
            (values.ravel(), (boundary.nodes.ravel(), columns)), shape=(space.count, space.cell_count)
        )

    def admittance(self, conductivity: Floats) -> Floats:
        """Conductance to the far ground of each node (count,) [S], this rank's contribution."""
        return np.asarray(self._node_cell @ conductivity)


def outward_normals(space: Discretisation, facets: Facets) -> Floats:
    """Unit normals (f, d) of boundary facets, pointing out of their cells."""
    corners = space.points[facets.nodes]
    edges = corners[:, 1:] - corners[:, :1]
    if space.dimension == 3:
        normal = np.cross(edges[:, 0], edges[:, 1])
    else:
        normal = np.column_stack([edges[:, 0, 1], -edges[:, 0, 0]])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    inside = space.points[space.cells[facets.cells]].mean(axis=1) - corners.mean(axis=1)
    return np.asarray(np.where((normal * inside).sum(axis=1, keepdims=True) > 0.0, -normal, normal))


class ElectricProblem:
    """Unit potentials of a set of conductors over a conductivity that changes a little from step to step.

    Parameters
    ----------
    conductors
        Local nodes of each electrically connected electrode.
    grounded
        Local nodes held at 0 V (an explicit pad), may be empty.
    remote_ground
        The far ground, or None when the pad is the only return or the outer boundary is insulated.
    """

    def __init__(
        self,
        operators: EdgeOperators,
        conductors: Sequence[NDArray[np.int32]],
        *,
        grounded: NDArray[np.int32],
        remote_ground: RemoteGround | None,
        tolerance: float,
    ) -> None:
        space = operators.discretisation
        self._operators, self._ground = operators, remote_ground
        self._fixed_values = np.zeros((len(conductors), space.count))
        fixed = np.zeros(space.count, dtype=bool)
        fixed[grounded] = True
        for values, nodes in zip(self._fixed_values, conductors, strict=True):
            values[nodes] = 1.0
            fixed[nodes] = True
        self.matrix = FreeMatrix(operators, fixed)
        self.solver = Solver(self.matrix, "multigrid", tolerance=tolerance, prefix="electric_")
        self.histories: list[list[tuple[float, Floats]]] = [[] for _ in conductors]

    def solve(self, conductivity: Floats, time: float) -> ElectricSolution:
        """Unit potentials for a cell conductivity (cell_count,) [S/m]; ``time`` [s] orders the extrapolated starts."""
        operators, space, fixed = self._operators, self._operators.discretisation, self.matrix.fixed
        coupling = operators.edge_coupling(conductivity)
        admittance = np.zeros(space.count) if self._ground is None else self._ground.admittance(conductivity)
        admittance = space.accumulated(admittance)
        diagonal = space.accumulated(-operators.edge_sum(coupling)) + admittance
        scale = space.maximum(diagonal)
        self.matrix.fill(coupling, np.where(fixed, scale, diagonal))
        potentials = np.array(
            [self._unit(number, coupling, scale, time) for number in range(len(self._fixed_values))]
        ).reshape(len(self._fixed_values), space.count)
        products = self._gradient_products(potentials)
        far = self._far_conductance(potentials, admittance)
        return ElectricSolution(potentials, products, self._near_conductance(products, conductivity) + far, far)

    def _unit(self, number: int, coupling: Floats, scale: float, time: float) -> Floats:
        values, history = self._fixed_values[number], self.histories[number]
        while history and history[-1][0] >= time:  # a rejected step is repeated with an earlier mid-point
            history.pop()
        right = np.where(self.matrix.fixed, scale * values, self.matrix.lift(coupling, values))
        guess = extrapolated(history, time) if history else values
        potential = self.solver.solve(right, np.where(self.matrix.fixed, values, guess))
        history.append((time, potential))
        del history[:-3]
        return potential

    def _gradient_products(self, potentials: Floats) -> dict[tuple[int, int], Floats]:
        """Integral of the gradients' product over each cell, for every pair of unit potentials."""
        pairs = ((i, j) for i in range(len(potentials)) for j in range(i + 1))
        return {(i, j): self._operators.gradient_squared(potentials[i], potentials[j]) for i, j in pairs}

    def _near_conductance(self, products: Mapping[tuple[int, int], Floats], conductivity: Floats) -> Floats:
        """Dissipation inside the region for every pair of unit potentials [S]."""
        near = np.zeros((len(self._fixed_values), len(self._fixed_values)))
        for (i, j), product in products.items():
            near[i, j] = near[j, i] = self._operators.discretisation.total(float(product @ conductivity))
        return near

    def _far_conductance(self, potentials: Floats, admittance: Floats) -> Floats:
        """Dissipation beyond the region for every pair of unit potentials [S]."""
        owned = self._operators.discretisation.owned
        local = (potentials[:, :owned] * admittance[:owned]) @ potentials[:, :owned].T
        return np.asarray(self._operators.discretisation.comm.allreduce(local))

    def heat(self, solution: ElectricSolution, voltages: Floats, conductivity: Floats) -> Floats:
        """Joule heat per cell (cell_count,) [W/m3] for conductor voltages (conductors,) [V, rms]."""
        power = np.zeros(len(conductivity))
        for (i, j), product in solution.gradient_products.items():
            power += (1.0 if i == j else 2.0) * voltages[i] * voltages[j] * product
        return np.asarray(power * conductivity / self._operators.cell_volume)
