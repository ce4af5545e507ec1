# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bioheat equation in enthalpy form, advanced by a two-stage implicit step with an error estimate.

    dH(T)/dt = div(k grad T) - sum_e c_e (T - T_e) + q,   T given on the fixed nodes

H is lumped to the nodes (row sums), so it may be any monotone function of the node's temperature. The step is
Alexander's stiffly accurate, L-stable SDIRK of order 2 (Alexander 1977, 10.1137/0714068, gamma = 1 - 1/sqrt 2);
conduction, sinks and sources are frozen over the step at values the caller extrapolates to its middle, which keeps
the order. The enthalpy is linearised and projected back on H(T) after each solve, so energy is conserved to the
tolerance of the linear solver also through boiling and freezing.

Where tissue freezes its conductivity jumps by a factor of three to four, and a front crosses several cells in a step:
what is extrapolated is then wrong where it matters. The conductivity may therefore be given as a law, which is
followed within each stage: docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.linear import FreeMatrix, LinearFailure, Solver

GAMMA = 1.0 - 1.0 / np.sqrt(2.0)
_STAGE_WEIGHTS = (1.0 - GAMMA, GAMMA)
_NEWTON_LIMIT = 40
# A conductivity that is followed within a stage is up to date when no cell is off by more than this share. After so
# many iterations it stays as it is: a cell whose last node freezes or not by its conductivity would go on for ever.
_CONDUCTIVITY_TOLERANCE, _FOLLOWED = 1e-2, 15
# Nodes that freeze and thaw in turn from one iteration to the next come to rest when, after so many iterations, two of
# three go half the way only.
_UNDAMPED = 8
ERROR_VOLUME = 1e-6
"""The error of a step is the temperature error [K] that, all over this volume [m3], would have the same mean square."""

NO_EXCURSION = 0.01
"""A temperature [K] all over that is as good as none: linear systems are not solved better than for that."""


ConductivityLaw: TypeAlias = Callable[[Floats], Floats]
"""Thermal conductivity (cell_count,) [W/(m K)] at nodal temperatures (count,) [degC]."""


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

    ``conductance`` (count,) [W/K] per node, ``temperature`` [degC] a number or (count,). ``follow`` gives that
    temperature at tissue temperatures (count,) where it answers to them within a step, as that of blood does on its way
    along a vessel; None: it is held. ``end_temperature`` [degC] is what it changes to linearly over the step, as the
    gas of a probe that cools down; None: it does not change by itself.
    """

    conductance: Floats
    temperature: float | Floats
    follow: Callable[[Floats], Floats] | None = None
    end_temperature: float | None = None

    def during(self, share: float) -> Exchange:
        """The same when a share of the step has passed."""
        if self.end_temperature is None:
            return self
        now = (1.0 - share) * self.temperature + share * self.end_temperature
        return replace(self, temperature=now, end_temperature=None)

    def at(self, temperature: Floats) -> Exchange:
        """The same at tissue temperatures (count,)."""
        return self if self.follow is None else replace(self, temperature=self.follow(temperature))

    def flow(self, temperature: Floats) -> Floats:
        """Heat leaving each node (count,) [W]."""
        return np.asarray(self.conductance * (temperature - self.temperature))

    def with_(self, other: Exchange) -> Exchange:
        """Both at once, as one exchange with the mean temperature of the two, which is held."""
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
        conductivity: Floats | ConductivityLaw,
        exchanges: Mapping[str, Exchange],
        load: Floats,
    ) -> HeatStep:
        """Advance by ``duration`` [s] from ``temperature`` (count,).

        ``guesses`` are starts for both stages (at gamma and at the end of the step), ``conductivity`` (cell_count,)
        [W/(m K)] is held over the step or a law that is followed, ``load`` (count,) [W] is the heat deposited at each
        node.

        Raises
        ------
        LinearFailure
            When a linear solve or the enthalpy iteration does not converge.
        """
        stage = _Stage(self, duration, conductivity, exchanges, load)
        start = self.law(temperature)
        first = stage.solve(start, guesses[0], GAMMA)
        reached = start + duration * (1.0 - GAMMA) * first.rate
        last = stage.solve(reached, guesses[1], 1.0)
        space = self._operators.discretisation
        taken = {
            name: duration * (_STAGE_WEIGHTS[0] * first.losses[name] + _STAGE_WEIGHTS[1] * last.losses[name])
            for name in first.losses
        }
        change = self.law(last.temperature) - start
        lost = {name: space.node_sum(heat) for name, heat in taken.items()}
        error = self._error(temperature, last.temperature, duration * GAMMA * (last.rate - first.rate))
        return HeatStep(last.temperature, error, space.node_sum(change), lost, taken)

    def _error(self, start: Floats, end: Floats, difference: Floats) -> float:
        """Local error [K] of a step from ``start`` to ``end`` (count,), whose enthalpy is off by ``difference`` [J].

        Nodes that change their phase do not count: what a front leaves at a node comes in jumps, a step of any length
        meets some, and where the front is does not depend on it (docs/decisions/0008).
        """
        capacity = self.law.slope(end)
        judged = (end < self._judged_below) & (capacity == self.law.slope(start))
        squared = np.where(judged, difference / capacity, 0.0) ** 2
        return float(np.sqrt(self._operators.discretisation.node_sum(self._volume * squared) / ERROR_VOLUME))


@dataclass(frozen=True, eq=False)
class _Solved:
    """A stage's temperature (count,) [degC], rate of change of enthalpy (count,) [W] and ``losses`` (count,) [W]."""

    temperature: Floats
    rate: Floats
    losses: Mapping[str, Floats]


class _Stage:
    """One implicit stage: enthalpy(T) - gamma dt F(T) = what is known."""

    def __init__(
        self,
        problem: HeatProblem,
        duration: float,
        conductivity: Floats | ConductivityLaw,
        exchanges: Mapping[str, Exchange],
        load: Floats,
    ) -> None:
        operators = problem._operators
        self._problem, self._given, self._load = problem, exchanges, load
        self._exchanges: dict[str, Exchange] = {}
        self._space, self._fixed = operators.discretisation, problem.matrix.fixed
        self._implicit = GAMMA * duration
        self._sink = np.zeros(self._space.count)
        for exchange in exchanges.values():
            self._sink += exchange.conductance
        self._following = [name for name, exchange in exchanges.items() if exchange.follow is not None]
        self._conductivity_law = conductivity if callable(conductivity) else None
        if not callable(conductivity):
            self._conduct(conductivity)

    def _brought(self, names: Iterable[str]) -> Floats:
        """What exchanges bring into each node (count,) [W] that is at the reference temperature."""
        brought = np.zeros(self._space.count)
        for exchange in (self._exchanges[name] for name in names):
            brought += exchange.conductance * (exchange.temperature - self._problem._reference)
        return brought

    def _conduct(self, conductivity: Floats) -> None:
        """Take a conductivity (cell_count,) [W/(m K)] into the system."""
        problem, operators = self._problem, self._problem._operators
        self._conductivity = conductivity
        self._coupling = operators.edge_coupling(conductivity)
        self._own = self._implicit * (self._space.accumulated(-operators.edge_sum(self._coupling)) + self._sink)
        self._lift = problem.matrix.lift(self._coupling, problem._fixed_values - problem._reference)
        self._filled = False

    def solve(self, known: Floats, guess: Floats, share: float) -> _Solved:
        """The stage from an enthalpy (count,) [J] at a share of the step, starting at a temperature (count,)."""
        problem, law, fixed = self._problem, self._problem.law, self._fixed
        reference = problem._reference
        point = problem.with_fixed(guess)
        if self._conductivity_law is not None:
            self._conduct(self._conductivity_law(point))
        self._exchanges = {name: exchange.during(share) for name, exchange in self._given.items()}
        gain = self._load + self._brought(name for name in self._given if name not in self._following)
        self._exchanges |= self._answers(point)
        for iteration in range(_NEWTON_LIMIT):
            enthalpy, slope = law(point), law.slope(point)
            self._fill(np.where(fixed, slope, slope + self._own))
            inflow = gain + self._lift + self._brought(self._following)
            right = known + self._implicit * inflow - enthalpy + slope * (point - reference)
            right = np.where(fixed, slope * (problem._fixed_values - reference), right)
            temperature = reference + problem.solver.solve(right, point - reference)
            linearised = enthalpy + slope * (temperature - point)
            projected = np.where(fixed, temperature, law.temperature(linearised))
            settled = self._space.maximum(np.abs(projected - temperature)) <= problem._nonlinear_tolerance
            successor = self._successor(projected) if iteration < _FOLLOWED else None
            answers = self._answers(projected)
            if settled and successor is None and self._is_answered(answers):
                rate = np.where(fixed, 0.0, (linearised - known) / self._implicit)
                return _Solved(projected, rate, self._losses(projected))
            if successor is not None:
                self._conduct(successor)
            self._exchanges |= answers
            damped = iteration >= _UNDAMPED and iteration % 3 > 0
            point = law.temperature(0.5 * (enthalpy + linearised)) if damped else projected
        raise LinearFailure("the enthalpy iteration did not settle")

    def _answers(self, temperature: Floats) -> dict[str, Exchange]:
        """The exchanges that follow the tissue, at a temperature (count,)."""
        return {name: self._exchanges[name].at(temperature) for name in self._following}

    def _is_answered(self, answers: Mapping[str, Exchange]) -> bool:
        """Whether the exchanges that were solved with are at the temperatures that the solution brings about."""
        tolerance = self._problem._nonlinear_tolerance
        return all(
            self._space.maximum(np.where(new.conductance > 0.0, np.abs(new.temperature - old.temperature), 0.0))
            <= tolerance
            for new, old in ((answers[name], self._exchanges[name]) for name in self._following)
        )

    def _successor(self, temperature: Floats) -> Floats | None:
        """The conductivity (cell_count,) that belongs to a temperature (count,), None where the present one does."""
        if self._conductivity_law is None:
            return None
        conductivity = self._conductivity_law(temperature)
        change = self._space.maximum(np.abs(conductivity / self._conductivity - 1.0))
        return conductivity if change > _CONDUCTIVITY_TOLERANCE else None

    def _fill(self, diagonal: Floats) -> None:
        if self._filled:
            self._problem.matrix.set_diagonal(diagonal)
        else:
            self._problem.matrix.fill(self._implicit * self._coupling, diagonal)
            self._filled = True

    def _losses(self, temperature: Floats) -> dict[str, Floats]:
        """Heat flow out of each node (count,) [W] by exchange, and through the fixed nodes as ``boundary``."""
        lost = {name: exchange.flow(temperature) for name, exchange in self._exchanges.items()}
        through = self._problem.matrix.fixed_flow(-self._coupling, temperature) + self._load - sum(lost.values())
        return {**lost, "boundary": np.where(self._fixed, through, 0.0)}
