# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bioheat equation in enthalpy form, advanced by a two-stage implicit step with an error estimate.

    dH(T)/dt = div(k grad T) - sum_e c_e (T - T_e) + q,   T given on the fixed nodes

H is lumped to the nodes (row sums), so it may be any monotone function of the node's temperature. The step is
Alexander's stiffly accurate, L-stable SDIRK of order 2 (Alexander 1977, 10.1137/0714068, gamma = 1 - 1/sqrt 2);
conduction, sinks and sources are frozen over the step at values the caller extrapolates to its middle, which keeps
the order. The enthalpy is linearised and projected back on H(T) after each solve, so energy is conserved to the
tolerance of the linear solver also through boiling and freezing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.linear import FreeMatrix, LinearFailure, Solver

GAMMA = 1.0 - 1.0 / np.sqrt(2.0)
_STAGE_WEIGHTS = (1.0 - GAMMA, GAMMA)
_NEWTON_LIMIT = 30
ERROR_VOLUME = 1e-6
"""The error of a step is the temperature error [K] that, all over this volume [m3], would have the same mean square."""

NO_EXCURSION = 0.01
"""A temperature [K] all over that is as good as none: linear systems are not solved better than for that."""


class EnthalpyLaw(Protocol):
    """Heat content of the nodes as a monotone function of their temperature."""

    def __call__(self, temperature: Floats) -> Floats:
        """Enthalpy (count,) [J] at a temperature (count,) [degC]."""

    def slope(self, temperature: Floats) -> Floats:
        """Derivative (count,) [J/K]."""

    def temperature(self, enthalpy: Floats) -> Floats:
        """Inverse (count,) [degC]."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """Heat given to something at another temperature: blood, coolant, air, a vessel.

    ``conductance`` (count,) [W/K] per node, ``temperature`` [degC] a number or (count,).
    """

    conductance: Floats
    temperature: float | Floats

    def flow(self, temperature: Floats) -> Floats:
        """Heat leaving each node (count,) [W]."""
        return np.asarray(self.conductance * (temperature - self.temperature))

    def with_(self, other: Exchange) -> Exchange:
        """Both at once, as one exchange with the mean temperature of the two."""
        conductance = self.conductance + other.conductance
        weighted = self.conductance * self.temperature + other.conductance * other.temperature
        nothing = conductance == 0.0
        return Exchange(conductance, np.where(nothing, 0.0, weighted / np.where(nothing, 1.0, conductance)))


@dataclass(frozen=True, eq=False)
class HeatStep:
    """What one accepted or tentative step did.

    ``temperature`` (count,) at its end; ``error`` [K] the local error, as if spread over ``ERROR_VOLUME``;
    ``stored`` [J]; ``lost`` [J] by name of exchange and ``boundary``, and ``taken`` (count,) [J] the same by node.
    """

    temperature: Floats
    error: float
    stored: float
    lost: Mapping[str, float]
    taken: Mapping[str, Floats]


class HeatProblem:
    """Bioheat on one mesh: fixed nodes, an enthalpy law, and coefficients that come with every step.

    ``judged_below`` [degC]: nodes that are hotter do not count in the error estimate. Boiling and dry tissue is dead
    whatever its temperature, and a node that dries up jumps by kelvins for a few joules, one after another. For the
    same reason the error is a mean over a volume that matters for a zone, not the worst node.

    ``reference`` [degC]: what linear systems count temperatures from. Their tolerance is relative, so with that of
    untreated tissue its errors are a share of the heat that was brought in, however long it is left alone.
    """

    def __init__(
        self,
        operators: EdgeOperators,
        law: EnthalpyLaw,
        *,
        fixed_nodes: NDArray[np.int32],
        fixed_temperature: float | Floats,
        tolerance: float,
        nonlinear_tolerance: float,
        judged_below: float = np.inf,
        reference: float = 0.0,
    ) -> None:
        self._operators, self.law, self._nonlinear_tolerance = operators, law, nonlinear_tolerance
        fixed = np.zeros(operators.discretisation.count, dtype=bool)
        fixed[fixed_nodes] = True
        self.matrix = FreeMatrix(operators, fixed)
        self.solver = Solver(
            self.matrix,
            "jacobi",
            tolerance=tolerance,
            prefix="heat_",
            negligible=tolerance * NO_EXCURSION * float(np.sqrt(operators.discretisation.node_total)),
        )
        self._fixed_values = np.where(fixed, fixed_temperature, 0.0)
        self._judged_below, self._reference = judged_below, reference
        self._volume = operators.distributed(np.ones(len(operators.cell_volume)))

    def with_fixed(self, temperature: Floats) -> Floats:
        """The temperature (count,) with the fixed nodes set to their value."""
        return np.where(self.matrix.fixed, self._fixed_values, temperature)

    def step(
        self,
        temperature: Floats,
        duration: float,
        *,
        guesses: Sequence[Floats],
        conductivity: Floats,
        exchanges: Mapping[str, Exchange],
        load: Floats,
    ) -> HeatStep:
        """Advance by ``duration`` [s] from ``temperature`` (count,).

        ``guesses`` are starts for both stages (at gamma and at the end of the step), ``conductivity`` (cell_count,)
        [W/(m K)], ``load`` (count,) [W] the heat deposited at each node.

        Raises
        ------
        LinearFailure
            When a linear solve or the enthalpy iteration does not converge.
        """
        stage = _Stage(self, duration, conductivity, exchanges, load)
        start = self.law(temperature)
        first_temperature, first_rate = stage.solve(start, guesses[0])
        reached = start + duration * (1.0 - GAMMA) * first_rate
        last_temperature, last_rate = stage.solve(reached, guesses[1])
        space = self._operators.discretisation
        difference = duration * GAMMA * np.abs(last_rate - first_rate)
        judged = last_temperature < self._judged_below
        squared = np.where(judged, difference / self.law.slope(last_temperature), 0.0) ** 2
        error = float(np.sqrt(space.node_sum(self._volume * squared) / ERROR_VOLUME))
        first, last = stage.losses(first_temperature), stage.losses(last_temperature)
        taken = {name: duration * (_STAGE_WEIGHTS[0] * first[name] + _STAGE_WEIGHTS[1] * last[name]) for name in first}
        stored = space.node_sum(self.law(last_temperature) - start)
        lost = {name: space.node_sum(heat) for name, heat in taken.items()}
        return HeatStep(last_temperature, error, stored, lost, taken)


class _Stage:
    """One implicit stage: enthalpy(T) - gamma dt F(T) = what is known."""

    def __init__(
        self,
        problem: HeatProblem,
        duration: float,
        conductivity: Floats,
        exchanges: Mapping[str, Exchange],
        load: Floats,
    ) -> None:
        operators = problem._operators
        self._problem, self._exchanges, self._load = problem, exchanges, load
        self._space, self._fixed = operators.discretisation, problem.matrix.fixed
        self._implicit = GAMMA * duration
        self._coupling = operators.edge_coupling(conductivity)
        self._sink = np.zeros(self._space.count)
        inflow = load.copy()
        for exchange in exchanges.values():
            self._sink += exchange.conductance
            inflow += exchange.conductance * (exchange.temperature - problem._reference)
        own = self._space.accumulated(-operators.edge_sum(self._coupling)) + self._sink
        self._own = self._implicit * own
        lift = problem.matrix.lift(self._coupling, problem._fixed_values - problem._reference)
        self._inflow = self._implicit * (inflow + lift)
        self._filled = False

    def solve(self, known: Floats, guess: Floats) -> tuple[Floats, Floats]:
        """Temperature (count,) and rate of change of enthalpy (count,) [W] of the stage."""
        problem, law, fixed = self._problem, self._problem.law, self._fixed
        reference = problem._reference
        point = problem.with_fixed(guess)
        for _ in range(_NEWTON_LIMIT):
            enthalpy, slope = law(point), law.slope(point)
            self._fill(np.where(fixed, slope, slope + self._own))
            right = known + self._inflow - enthalpy + slope * (point - reference)
            right = np.where(fixed, slope * (problem._fixed_values - reference), right)
            temperature = reference + problem.solver.solve(right, point - reference)
            linearised = enthalpy + slope * (temperature - point)
            projected = np.where(fixed, temperature, law.temperature(linearised))
            if self._space.maximum(np.abs(projected - temperature)) <= problem._nonlinear_tolerance:
                rate = np.where(fixed, 0.0, (linearised - known) / self._implicit)
                return projected, rate
            point = projected
        raise LinearFailure("the enthalpy iteration did not settle")

    def _fill(self, diagonal: Floats) -> None:
        if self._filled:
            self._problem.matrix.set_diagonal(diagonal)
        else:
            self._problem.matrix.fill(self._implicit * self._coupling, diagonal)
            self._filled = True

    def losses(self, temperature: Floats) -> dict[str, Floats]:
        """Heat flow out of each node (count,) [W] by exchange, and through the fixed nodes as ``boundary``."""
        lost = {name: exchange.flow(temperature) for name, exchange in self._exchanges.items()}
        through = self._problem.matrix.fixed_flow(-self._coupling, temperature) + self._load - sum(lost.values())
        return {**lost, "boundary": np.where(self._fixed, through, 0.0)}
