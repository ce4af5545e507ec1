# SPDX-License-Identifier: LGPL-3.0-or-later
"""Convection and diffusion of a dissolved substance: second order where it is smooth, and never below zero.

    d(phi c)/dt + div(v c - phi D grad c) = 0,   nothing passes the boundary

Linear elements give one number of exchange per edge and direction: a_ij c_j - a_ji c_i flows from j to i, whatever the
cells look like, so that amounts are conserved to rounding. On tetrahedra diffusion alone makes some a_ij negative, and
convection more, which is where undershoots come from. Each step is therefore solved twice (algebraic flux correction):

* of low order, with a_ij + d_ij >= 0 (discrete upwinding), lumped mass and backward Euler: an M-matrix, so the
  solution is between bounds and positive for steps of any length;
* of high order, with the Galerkin a_ij, consistent mass and the stiffly accurate SDIRK of order two (Alexander 1977).

The difference of the two is a sum of antisymmetric fluxes along edges. They are added as far as the result stays
between the neighbouring values before and after the low-order step (Zalesak 1979, 10.1016/0021-9991(79)90051-2; for
finite elements Kuzmin and Turek 2002, 10.1006/jcph.2001.6955). At smooth extremes these bounds are widened by the
curvature, as far as the whole range allows (Guermond et al. 2018, 10.1137/17M1149961): otherwise every step clips them.
Bounds and order hold without a limit on the step; steps beyond a few cells per step smear what lies within the bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from imagio_sim.solve import versions
from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.heat import GAMMA
from imagio_sim.solve.interface import Neighbourhood
from imagio_sim.solve.linear import LinearFailure

# Share of the local range, as h^1.5 of the domain, by which bounds are widened at most (Guermond et al. 2018).
_WIDENING = 1.5
# What the limiter refuses may fit once the neighbours have moved; more passes gain next to nothing.
_PASSES = 2
# Beyond its bounds by less than this share of the largest value is rounding, and is cut off.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Carrier:
    """What a substance moves in, on this rank's cells.

    Attributes
    ----------
    volume_fraction
        Share phi (cell_count,) of the tissue that it is dissolved in.
    diffusivity
        phi D (cell_count,) [m2/s].
    velocity
        Darcy velocity v (cell_count, d) [m/s], volume of fluid per area of tissue and time.
    """

    volume_fraction: Floats
    diffusivity: Floats
    velocity: Floats


class Transport:
    """Convection and diffusion on one mesh, step by step.

    Attributes
    ----------
    corrected
        Amount [mol] that all steps so far had to add or take so that none was made or lost, without its sign.
    """

    def __init__(
        self, operators: EdgeOperators, carrier: Carrier, *, neighbourhood: Neighbourhood, tolerance: float, prefix: str
    ) -> None:
        self._operators, self._space, self._beside = operators, operators.discretisation, neighbourhood
        self.capacity = operators.distributed(carrier.volume_fraction)
        self._held = np.where(self.capacity > 0.0, self.capacity, 1.0)
        self._mass = neighbourhood.edges.summed(operators.edge_overlap(carrier.volume_fraction))
        self._system = _System(operators, neighbourhood, tolerance=tolerance, prefix=prefix)
        whole = self._space.node_sum(self.capacity)
        share = self.capacity / whole if whole > 0.0 else self.capacity
        self._widest = np.minimum(share ** (_WIDENING / self._space.dimension), 1.0)
        self.corrected = 0.0
        self.carry(carrier)

    def carry(self, carrier: Carrier) -> None:
        """Take another velocity and diffusivity; the volume fraction stays."""
        edges = self._beside.edges
        into_start, into_end = _convection(self._operators, carrier.velocity)
        diffusion = -edges.summed(self._operators.edge_coupling(carrier.diffusivity))
        self._into_start, self._into_end = edges.summed(into_start) + diffusion, edges.summed(into_end) + diffusion
        self._upwind = np.maximum(0.0, -np.minimum(self._into_start, self._into_end))

    @property
    def iterations(self) -> int:
        """Iterations of all linear solves so far."""
        return self._system.iterations

    @property
    def fastest_rate(self) -> float:
        """Largest share of a node's content that leaves it per time [1/s]."""
        leaving = self._beside.sums(self._into_end + self._upwind, self._into_start + self._upwind)
        return self._space.maximum(np.where(self.capacity > 0.0, leaving / self._held, 0.0))

    def amount(self, concentration: Floats) -> float:
        """What there is of it in all [mol]."""
        return self._space.node_sum(self.capacity * concentration)

    def step(self, concentration: Floats, duration: float) -> Floats:
        """Concentration (count,) after ``duration`` [s].

        Raises
        ------
        LinearFailure
            When a linear solve does not converge.
        """
        low = self._low_order(concentration, duration)
        first, last = self._high_order(concentration, duration, low)
        flux = duration * ((1.0 - GAMMA) * self._flow(first) + GAMMA * self._flow(last))
        start, end = self._operators.edge_start, self._operators.edge_end
        change = last - concentration
        flux += self._mass * (change[start] - change[end])
        flux -= duration * (self._flow(low) + self._upwind * (low[end] - low[start]))
        lower, upper = self._bounds(concentration, low)
        limited = self._limited(flux, low, lower, upper)
        return self._conserving(limited, self.amount(concentration), lower, upper)

    def _flow(self, concentration: Floats) -> Floats:
        """Galerkin flow (e,) [mol/s] into the start of each edge."""
        start, end = self._operators.edge_start, self._operators.edge_end
        return np.asarray(self._into_start * concentration[end] - self._into_end * concentration[start])

    def _low_order(self, concentration: Floats, duration: float) -> Floats:
        into_start, into_end = self._into_start + self._upwind, self._into_end + self._upwind
        self._system.fill(self._held, -duration * into_start, -duration * into_end)
        solved = self._system.solve(self.capacity * concentration, concentration)
        # What an iterative solver leaves may lie below zero by its tolerance; a sweep of Jacobi's iteration does not.
        solved = np.clip(solved, self._space.minimum(np.minimum(concentration, 0.0)), None)
        start, end = self._operators.edge_start, self._operators.edge_end
        arriving = self._beside.sums(into_start * solved[end], into_end * solved[start])
        leaving = self._beside.sums(into_end, into_start)
        return self._space.forwarded(
            (self.capacity * concentration + duration * arriving) / (self._held + duration * leaving)
        )

    def _high_order(self, concentration: Floats, duration: float, guess: Floats) -> tuple[Floats, Floats]:
        """Both stages of the Galerkin solution with its consistent mass."""
        scale = GAMMA * duration
        self._system.fill(self._held, self._mass - scale * self._into_start, self._mass - scale * self._into_end)
        content = self._content(concentration)
        first = self._system.solve(content, (1.0 - GAMMA) * concentration + GAMMA * guess)
        last = self._system.solve(content + duration * (1.0 - GAMMA) * self._inflow(first), guess)
        return first, last

    def _content(self, concentration: Floats) -> Floats:
        start, end = self._operators.edge_start, self._operators.edge_end
        difference = self._mass * (concentration[end] - concentration[start])
        return np.asarray(self.capacity * concentration + self._beside.sums(difference, -difference))

    def _inflow(self, concentration: Floats) -> Floats:
        flow = self._flow(concentration)
        return self._beside.sums(flow, -flow)

    def _bounds(self, before: Floats, low: Floats) -> tuple[Floats, Floats]:
        """Range (count,), (count,) that a step may end in."""
        lowest, highest = np.minimum(before, low), np.maximum(before, low)
        smallest, largest = self._beside.smallest(lowest), self._beside.largest(highest)
        widening = np.minimum(self._curvature(low), self._widest * (largest - smallest + np.abs(low)))
        whole = self._space.minimum(lowest), self._space.maximum(highest)
        return np.maximum(smallest - widening, whole[0]), np.minimum(largest + widening, whole[1])

    def _curvature(self, values: Floats) -> Floats:
        """By how much (count,) the values bend between a node and its neighbours, as an average around it."""
        start, end = self._operators.edge_start, self._operators.edge_end
        difference = values[end] - values[start]
        number = self._beside.sums(np.ones(len(start)), np.ones(len(start)))
        bend = self._beside.sums(difference, -difference)
        mean = self._beside.sums(bend[end] + bend[start], bend[start] + bend[end])
        return np.asarray(np.abs(mean) / np.maximum(2.0 * number, 1.0))

    def _limited(self, flux: Floats, low: Floats, lower: Floats, upper: Floats) -> Floats:
        """What the fluxes into the start of each edge (e,) bring about, within bounds (count,).

        Fluxes are limited (Zalesak) where they meet a node that all of them together would take beyond its bounds;
        elsewhere they are good as they are, however large each may be. What is refused is offered again.
        """
        share = self._needed_shares(flux, low, lower, upper)
        values, left = self._with_fluxes(low, share * flux), (1.0 - share) * flux
        for _ in range(_PASSES):
            share = self._shares(left, self._held * (lower - values), self._held * (upper - values))
            values, left = self._with_fluxes(values, share * left), (1.0 - share) * left
        return np.clip(values, lower, upper)

    def _needed_shares(self, flux: Floats, low: Floats, lower: Floats, upper: Floats) -> Floats:
        """Share (e,) of each flux that leaves everything within bounds, one where none is in danger."""
        start, end = self._operators.edge_start, self._operators.edge_end
        limited = self._shares(flux, self._held * (lower - low), self._held * (upper - low))
        slack = _ROUNDING * self._space.maximum(np.abs(upper))
        endangered: NDArray[np.bool_] = np.zeros(len(low), dtype=bool)
        while True:
            share = np.where(endangered[start] | endangered[end], limited, 1.0)
            values = self._with_fluxes(low, share * flux)
            beyond = ((values < lower - slack) | (values > upper + slack)) & ~endangered
            if self._space.maximum(beyond.astype(float)) <= 0.0:
                return share
            endangered |= beyond

    def _with_fluxes(self, values: Floats, flux: Floats) -> Floats:
        """The values (count,) after fluxes into the start of each edge (e,)."""
        return np.asarray(values + self._beside.sums(flux, -flux) / self._held)

    def _shares(self, flux: Floats, room_below: Floats, room_above: Floats) -> Floats:
        """Share (e,) of each flux into the start of an edge that both its ends have room for."""
        start, end = self._operators.edge_start, self._operators.edge_end
        gain = self._beside.sums(np.maximum(flux, 0.0), np.maximum(-flux, 0.0))
        loss = self._beside.sums(np.minimum(flux, 0.0), np.minimum(-flux, 0.0))
        rise, fall = _share(room_above, gain), _share(room_below, loss)
        return np.where(flux > 0.0, np.minimum(rise[start], fall[end]), np.minimum(fall[start], rise[end]))

    def _conserving(self, values: Floats, amount: float, lower: Floats, upper: Floats) -> Floats:
        """The same amount as before: what the solver's tolerance has made or lost is spread over the room in bounds.

        Where there is none, because everything is even, it is spread in proportion.
        """
        now = self.amount(values)
        missing = amount - now
        self.corrected += abs(missing)
        room = np.where(self.capacity > 0.0, (upper if missing > 0.0 else lower) - values, 0.0)
        whole = self.amount(room)
        if 0.0 < abs(missing) <= abs(whole):
            return np.asarray(values + missing / whole * room)
        return values * (amount / now) if now > 0.0 else values


def _share(room: Floats, wanted: Floats) -> Floats:
    """Share (count,) of what is wanted that there is room for."""
    wants = np.abs(wanted) > 0.0
    return np.asarray(np.where(wants, np.clip(room / np.where(wants, wanted, 1.0), 0.0, 1.0), 1.0))


def _convection(operators: EdgeOperators, velocity: Floats) -> tuple[Floats, Floats]:
    """Integrals over this rank's cells of lambda_j v.grad lambda_i on the edges, into the start and into the end."""
    towards = np.zeros_like(operators.cell_share)
    for axis in range(velocity.shape[1]):
        coordinate = np.ascontiguousarray(operators.discretisation.points[:, axis])
        towards += velocity[:, axis, None] * operators.corner_flux(coordinate) / operators.cell_volume[:, None]
    return operators.corner_transfer(towards, operators.cell_share)


class _System:
    """A matrix with one entry per edge and direction and columns that sum to given amounts, and its solver."""

    def __init__(self, operators: EdgeOperators, beside: Neighbourhood, *, tolerance: float, prefix: str) -> None:
        self._operators, self._space, self._beside = operators, operators.discretisation, beside
        space, kept = self._space, beside.edges.counted
        self._kept = np.flatnonzero(kept)
        rows, columns = (space.global_node[ends[self._kept]] for ends in (operators.edge_start, operators.edge_end))
        diagonal = space.global_node[: space.owned]
        self._matrix = PETSc.Mat().create(space.comm)
        self._matrix.setSizes(((space.owned, space.node_total), (space.owned, space.node_total)))
        self._matrix.setType("aij")
        versions.preallocate_coo(
            self._matrix, np.concatenate([rows, columns, diagonal]), np.concatenate([columns, rows, diagonal])
        )
        self._left, self._right = self._matrix.createVecs()
        self._solver = PETSc.KSP().create(space.comm)
        self._solver.setOptionsPrefix(prefix)
        self._solver.setType("bcgs")
        self._solver.getPC().setType("jacobi")
        self._solver.setTolerances(rtol=tolerance, atol=0.0, max_it=2000)
        self._solver.setInitialGuessNonzero(True)
        self._solver.setFromOptions()
        self.iterations = 0

    def fill(self, column_sums: Floats, into_start: Floats, into_end: Floats) -> None:
        """Set the entries: what each column sums to (count,), and the off-diagonals in the rows of both ends (e,)."""
        others = self._beside.sums(into_end, into_start)
        diagonal = (column_sums - others)[: self._space.owned]
        values = np.concatenate([into_start[self._kept], into_end[self._kept], diagonal])
        versions.set_values_coo(self._matrix, values)
        self._solver.setOperators(self._matrix)

    def solve(self, right: Floats, guess: Floats) -> Floats:
        """Solve for a right-hand side (count,); returns (count,) with ghosts."""
        owned = self._space.owned
        self._right.array[:], self._left.array[:] = right[:owned], guess[:owned]
        self._solver.solve(self._right, self._left)
        self.iterations += int(self._solver.getIterationNumber())
        if self._solver.getConvergedReason() < 0:
            raise LinearFailure(f"transport: PETSc reason {self._solver.getConvergedReason()}")
        solution: Any = np.zeros(self._space.count)
        solution[:owned] = self._left.array
        return np.asarray(self._space.forwarded(solution))
