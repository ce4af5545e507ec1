# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pressure and velocity of the interstitial fluid of an organ: Darcy flow fed by capillaries, drained by lymph.

    -div(K grad p) = G (p_f - p) - L (p - p_l),   v = -K grad p

Exchange is lumped to the nodes, so that the nodal balance of fluid is the sum of what flows along the edges. Nothing
passes the organ's surface, nor the region's where that cuts the organ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.linear import FreeMatrix, Solver

# A conductivity that is this much smaller than the largest is none: the node belongs to no organ.
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Interstitium:
    """Fluid exchange of an organ on this rank's cells; zero outside.

    Attributes
    ----------
    hydraulic_conductivity
        K (cell_count,) [m2/(Pa s)].
    filtration
        G (cell_count,) [1/(Pa s)]: hydraulic permeability of capillary walls times their area per volume.
    filtration_pressure
        p_f (cell_count,) [Pa]: the interstitial pressure at which no fluid leaves the capillaries.
    drainage
        L (cell_count,) [1/(Pa s)] of the lymphatic vessels.
    lymph_pressure
        p_l (cell_count,) [Pa].
    """

    hydraulic_conductivity: Floats
    filtration: Floats
    filtration_pressure: Floats
    drainage: Floats
    lymph_pressure: Floats


@dataclass(frozen=True, eq=False)
class InterstitialFlow:
    """What flows in the interstitium.

    Attributes
    ----------
    pressure
        (count,) [Pa].
    velocity
        (cell_count, d) [m/s], volume per area of tissue.
    filtered, drained
        Fluid from the capillaries and to the lymph at each node (count,) [m3/s].
    iterations
        Of the linear solver.
    """

    pressure: Floats
    velocity: Floats
    filtered: Floats
    drained: Floats
    iterations: int


def interstitial_flow(
    operators: EdgeOperators, interstitium: Interstitium, *, tolerance: float = 1e-10, load: Floats | None = None
) -> InterstitialFlow:
    """Steady flow in an organ (collective).

    Parameters
    ----------
    tolerance
        Of the linear solver, relative.
    load
        Fluid (count,) [m3/s] that is brought to the nodes in other ways.

    Raises
    ------
    LinearFailure
        When the linear solve does not converge.
    """
    space = operators.discretisation
    fed, drained = operators.distributed(interstitium.filtration), operators.distributed(interstitium.drainage)
    balanced = operators.distributed(interstitium.filtration * interstitium.filtration_pressure)
    lymph = operators.distributed(interstitium.drainage * interstitium.lymph_pressure)
    coupling = operators.edge_coupling(interstitium.hydraulic_conductivity)
    diagonal = space.accumulated(-operators.edge_sum(coupling)) + fed + drained
    matrix = FreeMatrix(operators, diagonal <= _NOTHING * space.maximum(diagonal))
    matrix.fill(coupling, np.where(matrix.fixed, 1.0, diagonal))
    solver = Solver(matrix, "multigrid", tolerance=tolerance, prefix="interstitium_")
    right = np.where(matrix.fixed, 0.0, balanced + lymph + (0.0 if load is None else load))
    pressure = solver.solve(right, np.zeros(space.count))
    return InterstitialFlow(
        pressure,
        velocity=-interstitium.hydraulic_conductivity[:, None] * gradient(operators, pressure),
        filtered=balanced - fed * pressure,
        drained=drained * pressure - lymph,
        iterations=solver.iterations,
    )


def gradient(operators: EdgeOperators, values: Floats) -> Floats:
    """Gradient (cell_count, d) of a nodal array (count,)."""
    points = operators.discretisation.points
    coordinates = (np.ascontiguousarray(points[:, axis]) for axis in range(points.shape[1]))
    parts = [operators.gradient_squared(values, along) / operators.cell_volume for along in coordinates]
    return np.column_stack(parts)
