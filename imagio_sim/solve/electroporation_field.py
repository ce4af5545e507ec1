# SPDX-License-Identifier: LGPL-3.0-or-later
"""The static field of a pulse between two electrodes, in tissue whose conductivity rises with the field.

    div(sigma(|grad phi|) grad phi) = 0,   phi = c + V on one electrode and c on the other

No current leaves a pair of electrodes and no net current enters a needle that is not connected: the constant c and the
potential of each idle needle are unknowns, and the nodes of such a body move together. Because sigma never falls with
the field, the potential is the minimum of a convex energy, which Newton's method with a line search finds from
anywhere; the matrix of its step has the sparsity of the linear problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.physics import electroporation as physics
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.electric import RemoteGround
from imagio_sim.solve.linear import FreeMatrix, LinearFailure, Solver
from imagio_sim.tissue.arithmetic import NUMPY

Nodes = NDArray[np.int32]

_NEWTON_LIMIT = 60
_LINE_LIMIT = 40
# Each guess on the line stays this share of the bracket away from its ends.
_KEPT_OFF = 0.1
# A step along the line that leaves less than this share of the slope is good enough.
_FLATTENED = 0.1


@dataclass(frozen=True, eq=False)
class PulsedTissue:
    """Conductivity of each cell (cell_count,) during a pulse, at the temperature it has then.

    Attributes
    ----------
    intact, electroporated
        Without and with all membranes open [S/m].
    onset_field, saturation_field
        Between which fields they open [V/m].
    remembered
        Share that earlier pulses have left open, 0 to 1.
    """

    intact: Floats
    electroporated: Floats
    onset_field: Floats
    saturation_field: Floats
    remembered: Floats

    def share(self, field: Floats) -> Floats:
        """Permeabilised share at a field (cell_count,) [V/m]."""
        now = physics.permeabilised_share(
            field, onset_field=self.onset_field, saturation_field=self.saturation_field, xp=NUMPY
        )
        return np.asarray(np.maximum(now, self.remembered))

    def conductivity(self, field: Floats) -> Floats:
        """Conductivity [S/m] at a field (cell_count,) [V/m]."""
        share = self.share(field)
        return np.asarray(physics.pulsed_conductivity(share, intact=self.intact, electroporated=self.electroporated))

    def slope(self, field: Floats) -> Floats:
        """Derivative of the conductivity by the field [S/V]."""
        opening = physics.permeabilised_share_slope(
            field, onset_field=self.onset_field, saturation_field=self.saturation_field, xp=NUMPY
        )
        rising = self.share(field) > self.remembered
        return np.asarray(np.where(rising, (self.electroporated - self.intact) * opening, 0.0))

    def heated(self, factor: Floats) -> PulsedTissue:
        """The same tissue where temperature and drying have changed all its conductivities by a factor."""
        return replace(self, intact=self.intact * factor, electroporated=self.electroporated * factor)


@dataclass(frozen=True, eq=False)
class PulseField:
    """The field during a pulse.

    Attributes
    ----------
    potential
        (count,) [V], with the middle of the pair's two potentials near zero.
    field, conductivity
        Strength [V/m] and conductivity [S/m] of each cell (cell_count,).
    heat
        sigma |E|^2 per cell (cell_count,) [W/m3] while the pulse lasts.
    current, voltage
        Of the pair [A] and [V].
    far_power
        Power [W] beyond the region while the pulse lasts.
    iterations
        Newton steps taken.
    """

    potential: Floats
    field: Floats
    conductivity: Floats
    heat: Floats
    current: float
    voltage: float
    far_power: float
    iterations: int


class DipoleBoundary:
    """The tissue beyond the region, where the potential of two opposite electrodes falls like that of a dipole.

    In space it falls as 1/|x - x_c|^2 and in the plane as 1/|x - x_c|, so that
    sigma dphi/dn = -(d - 1) sigma phi n.(x - x_c)/|x - x_c|^2.
    """

    def __init__(self, ground: RemoteGround, dimension: int) -> None:
        self._ground, self._order = ground, dimension - 1

    def admittance(self, conductivity: Floats) -> Floats:
        """Conductance beyond the region of each node (count,) [S], this rank's contribution."""
        return self._order * self._ground.admittance(conductivity)


class Bodies:
    """Metal bodies whose nodes move together, each known by the first of its nodes in the global numbering."""

    def __init__(self, space: Discretisation, bodies: Sequence[Nodes]) -> None:
        self._space, self._bodies = space, tuple(bodies)
        self.number = space.global_node.copy()
        self._first = [int(space.minimum(space.global_node[nodes].astype(float))) for nodes in self._bodies]
        for nodes, first in zip(self._bodies, self._first, strict=True):
            self.number[nodes] = first
        self.follows = self.number != space.global_node

    def gathered(self, values: Floats) -> Floats:
        """Nodal amounts (count,) with all of a body's on its first node and none on the others."""
        result = np.where(self.follows, 0.0, values)
        for nodes, first in zip(self._bodies, self._first, strict=True):
            owned = nodes[nodes < self._space.owned]
            result[self._space.global_node == first] = self._space.total(float(values[owned].sum()))
        return result

    def spread(self, values: Floats) -> Floats:
        """Nodal values (count,) with that of a body's first node on all of its nodes."""
        result = values.copy()
        for nodes, first in zip(self._bodies, self._first, strict=True):
            here = np.flatnonzero(self._space.global_node[: self._space.owned] == first)
            result[nodes] = self._space.total(float(values[here].sum()))
        return result


class PairProblem:
    """Pulses between two electrodes, solved again and again as the tissue changes.

    Parameters
    ----------
    driven, returned
        Local nodes of the two electrodes.
    idle
        Local nodes of each electrode that is not connected.
    boundary
        What lies beyond the region; None for an insulated outside.
    tolerance
        Of the linear solver; Newton stops when a step would change the energy by less than ``settled`` of it.
    """

    def __init__(
        self,
        operators: EdgeOperators,
        driven: Nodes,
        returned: Nodes,
        *,
        idle: Sequence[Nodes] = (),
        boundary: DipoleBoundary | None,
        tolerance: float,
        settled: float = 1e-9,
    ) -> None:
        space = operators.discretisation
        self._operators, self._space, self._boundary, self._settled = operators, space, boundary, settled
        self._driven, self._pair = driven, np.concatenate([driven, returned])
        self._bodies = Bodies(space, [self._pair, *idle])
        held = np.zeros(space.count, dtype=bool)
        if boundary is None:  # without anything to compare with, one potential is set
            held[self._pair] = True
        self._held = held
        self._matrix = FreeMatrix(operators, held, number=self._bodies.number)
        self.solver = Solver(self._matrix, "multigrid", tolerance=tolerance, prefix="electroporation_")

    def _start(self, voltage: float) -> Floats:
        """A potential (count,) that fulfils the pair's voltage [V] and is zero elsewhere."""
        potential = np.zeros(self._space.count)
        potential[self._pair] = -0.5 * voltage
        potential[self._driven] = 0.5 * voltage
        return potential

    def solve(self, tissue: PulsedTissue, voltage: float, guess: Floats | None = None) -> PulseField:
        """The field at a voltage [V]; ``guess`` (count,) is an earlier potential of the same pair.

        Raises
        ------
        LinearFailure
            When a linear solve or Newton's method does not converge.
        """
        admittance = self._admittance(tissue)
        if guess is None:
            potential = self._linear(tissue, admittance, self._start(voltage))
        else:
            potential = self._with_voltage(guess, voltage)
        for iteration in range(_NEWTON_LIMIT):
            step, decrement, energy = self._newton(tissue, admittance, potential)
            if decrement <= self._settled * energy:
                return self._result(tissue, admittance, potential, voltage, iteration)
            potential = potential + self._length(tissue, admittance, potential, step) * step
        raise LinearFailure("the field of a pulse did not settle")

    def _with_voltage(self, potential: Floats, voltage: float) -> Floats:
        """The potential scaled to another voltage of the pair."""
        driven = self._space.maximum(potential[self._driven])
        returned = self._space.minimum(potential[self._pair])
        return potential * (voltage / (driven - returned))

    def _admittance(self, tissue: PulsedTissue) -> Floats:
        if self._boundary is None:
            return np.zeros(self._space.count)
        return self._space.accumulated(self._boundary.admittance(tissue.intact))

    def _linear(self, tissue: PulsedTissue, admittance: Floats, potential: Floats) -> Floats:
        """The potential if the conductivity were that of no field, as a start."""
        conductivity = tissue.conductivity(np.zeros(self._space.cell_count))
        coupling = self._operators.edge_coupling(conductivity)
        residual = self._residual(conductivity, admittance, potential)
        return potential + self._step(coupling, admittance, residual)

    def _residual(self, conductivity: Floats, admittance: Floats, potential: Floats) -> Floats:
        """Current that leaves each node (count,) [A], zero where the field is balanced."""
        flux = self._operators.corner_flux(potential)
        return self._operators.corner_sum(conductivity[:, None] * flux) + admittance * potential

    def _newton(self, tissue: PulsedTissue, admittance: Floats, potential: Floats) -> tuple[Floats, float, float]:
        """Newton's step (count,), what it gains in energy to first order, and the power [W], on all ranks alike."""
        operators, volume = self._operators, self._operators.cell_volume
        flux = operators.corner_flux(potential)
        field = np.sqrt(np.maximum(operators.gradient_squared(potential), 0.0) / volume)
        conductivity = tissue.conductivity(field)
        residual = operators.corner_sum(conductivity[:, None] * flux) + admittance * potential
        stiffening = tissue.slope(field) / np.where(field > 0.0, field, 1.0) / volume
        coupling = operators.edge_coupling(conductivity) + operators.corner_products(flux, stiffening)
        step = self._step(coupling, admittance, residual)
        power = self._space.total(float((conductivity * field**2) @ volume))
        return step, -self._space.node_sum(step * residual), power

    def _step(self, coupling: Floats, admittance: Floats, residual: Floats) -> Floats:
        """Solve for the change of potential (count,) that balances a residual."""
        bodies, space = self._bodies, self._space
        start, end = self._operators.edge_start, self._operators.edge_end
        coupling = np.where(bodies.number[start] == bodies.number[end], 0.0, coupling)
        diagonal = bodies.gathered(space.accumulated(-self._operators.edge_sum(coupling)) + admittance)
        scale = space.maximum(diagonal)
        still = bodies.follows | self._held
        self._matrix.fill(coupling, np.where(still, scale, diagonal))
        right = np.where(still, 0.0, -bodies.gathered(residual))
        return bodies.spread(self.solver.solve(right, np.zeros(space.count)))

    def _length(self, tissue: PulsedTissue, admittance: Floats, potential: Floats, step: Floats) -> float:
        """How far to go along a step: to where the energy is (nearly) lowest, at most all of it."""
        operators, space, volume = self._operators, self._space, self._operators.cell_volume
        products = [
            operators.gradient_squared(*pair) / volume
            for pair in ((potential, potential), (potential, step), (step, step))
        ]

        def slope(length: float) -> float:
            field = np.sqrt(np.maximum(products[0] + length * (2.0 * products[1] + length * products[2]), 0.0))
            near = (tissue.conductivity(field) * (products[1] + length * products[2])) @ volume
            far = (admittance * (potential + length * step) * step)[: space.owned].sum()
            return space.total(float(near + far))

        return _lowest(slope)

    def _result(
        self, tissue: PulsedTissue, admittance: Floats, potential: Floats, voltage: float, iterations: int
    ) -> PulseField:
        operators, space = self._operators, self._space
        field = np.sqrt(np.maximum(operators.gradient_squared(potential), 0.0) / operators.cell_volume)
        conductivity = tissue.conductivity(field)
        leaving = self._residual(conductivity, admittance, potential)
        owned = self._driven[self._driven < space.owned]
        return PulseField(
            potential,
            field,
            conductivity,
            conductivity * field**2,
            space.total(float(leaving[owned].sum())),
            voltage,
            space.node_sum(admittance * potential**2),
            iterations,
        )


def _lowest(slope: Callable[[float], float]) -> float:
    """Where a rising function that is negative at 0 passes zero, roughly, or 1 if it is not yet there."""
    low, high, at_low, at_high = 0.0, 1.0, slope(0.0), slope(1.0)
    enough = _FLATTENED * abs(at_low)
    if at_high <= enough:
        return 1.0
    for _ in range(_LINE_LIMIT):
        middle = low - at_low * (high - low) / (at_high - at_low)
        kept = _KEPT_OFF * (high - low)
        middle = min(max(middle, low + kept), high - kept)
        at_middle = slope(middle)
        if abs(at_middle) <= enough:
            return middle
        if at_middle < 0.0:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
    return low
