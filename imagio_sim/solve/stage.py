# SPDX-License-Identifier: LGPL-3.0-or-later
"""A stage in time: sources, heat and death split, adaptive steps, sources that may cut one.

A step freezes what changes slowly as it is expected in its middle (what the sources give, conductivities, perfusion of
dying tissue), solves the heat implicitly and then advances cell death along the new temperatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import SolverFailure
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.heat import GAMMA, Exchange, HeatProblem, HeatStep
from imagio_sim.solve.ledger import Ledger
from imagio_sim.solve.linear import LinearFailure, extrapolated
from imagio_sim.solve.materials import Materials
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings
from imagio_sim.solve.state_names import CARRIED, LEVEL, SURVIVAL
from imagio_sim.tissue.death import SLOW, DeathModel, death_models, death_records
from imagio_sim.tissue.death.combination import (
    combined_level,
    combined_survival,
    lethal_survival,
    survival_level,
)
from imagio_sim.tissue.death.model import LEVEL_LIMIT

_SAFETY, _LARGEST_GROWTH, _STRONGEST_CUT = 0.85, 2.0, 0.3
# A step is repeated when its error exceeds the tolerance by this factor.
_REJECTION = 1.5
# A node counts as blood when this share of the volume around it is vessel.
_ALL_BLOOD = 0.999
# A drive that changes by more than this share is a jump: what came before says nothing about what follows.
_JUMP = 0.2
# Death models whose level is written over time, one of each family; all of them are evaluated at the end.
_SHOWN_MODELS = ("arrhenius_jacques", "cem43_a_240", "three_state", "nadir_20", "held_20_300s", "cooling_rate_50")
METABOLISM = "metabolism"
VESSEL = "vessel/"
"""Prefix of the name under which the heat that the blood of a vessel label takes is booked."""
COMBINED = "combined"
"""Name of the level that is positive where any of several deciding models says dead, or they do so together."""


@dataclass(frozen=True, eq=False)
class Load:
    """All that is deposited during a step.

    Attributes
    ----------
    deposits
        By the sources, in their order.
    heat
        Their sum per cell (cell_count,) [W/m3].
    nodal
        That and the metabolism, per node (count,) [W].
    powers
        What it consists of [W], by name; a source with feedback gave what its tissue took.
    feedback
        By how much the load of boiling tissue falls with its temperature, by name of the source.
    """

    deposits: tuple[Deposit, ...]
    heat: Floats
    nodal: Floats
    powers: dict[str, float]
    feedback: dict[str, Exchange]

    @property
    def power(self) -> float:
        """All that is deposited in the region [W]."""
        return sum(self.powers.values())

    @property
    def far_power(self) -> float:
        """What the sources deposit beyond the region [W]."""
        return sum(deposit.far_power for deposit in self.deposits)


class Stage:
    """State and problems of one stage on this rank; :meth:`advance` takes one accepted step.

    Every rank makes it from the same case.
    """

    def __init__(self, comm: Any, case: ThermalCase) -> None:
        self.case = case
        self.space = Discretisation(
            comm,
            case.domain.points_mm * 1e-3 if comm.rank == 0 else None,
            case.domain.cells if comm.rank == 0 else None,
            axisymmetric=case.domain.axisymmetric,
        )
        self.operators = EdgeOperators(self.space)
        self.materials = Materials.of(case, self.operators)
        self._build_problems()
        self.death = DeathTracker(_models_beside(case), case.deciding_models, self.space.count)
        self.time, self.duration = 0.0, case.numerics.first_step
        self.temperature = self.heat.with_fixed(np.full(self.space.count, case.body_temperature))
        self.peak_temperature, self.minimum_temperature = self.temperature.copy(), self.temperature.copy()
        self._former: dict[str, Floats] = {}
        self._take_initial_state()
        self.recent: list[tuple[float, Floats]] = [(0.0, self.temperature)]
        self.ledger = Ledger()
        self.history: list[dict[str, float]] = []
        self.steps = self.rejected = 0
        self.wall_seconds = 0.0
        self._living = self.materials.active_share(self.dead_fraction(), self.temperature)
        self.load: Load | None = None
        self.settings: tuple[Setting, ...] = ()

    def _take_initial_state(self) -> None:
        fields = {name: values[..., self.space.input_node] for name, values in self.case.initial_state.items()}
        if "temperature" in fields:
            self.temperature = self.heat.with_fixed(fields["temperature"])
            self.peak_temperature = np.maximum(fields["peak_temperature"], self.temperature)
            lowest = fields.get("minimum_temperature", self.temperature)
            self.minimum_temperature = np.minimum(lowest, self.temperature)
        if any(name.startswith("death/") for name in fields):
            self.death.restore(fields)
        self._former = {name: values for name, values in fields.items() if name.startswith((LEVEL, SURVIVAL))}
        handed = _named(fields, CARRIED)
        for source in self.sources:
            if source.name in self.case.carried_numbers:
                own = _named(handed, f"{source.name}/")
                source.take_carried(own, self.case.carried_numbers[source.name])

    def _surface(self, name: str) -> Any:
        return self.case.domain.surfaces[name]

    def _build_problems(self) -> None:
        case, numerics, space = self.case, self.case.numerics, self.space
        surroundings = Surroundings(space, self.operators, self.materials, case)
        self.sources: tuple[HeatSource, ...] = tuple(spec.source(surroundings) for spec in case.sources)
        self.couplings = tuple(spec.coupling(self.operators) for spec in case.couplings)
        self.heat = HeatProblem(
            self.operators,
            self.materials.enthalpy(),
            fixed_nodes=space.nodes_of(self._surface("boundary")),
            fixed_temperature=case.body_temperature,
            tolerance=numerics.linear_tolerance,
            nonlinear_tolerance=numerics.nonlinear_tolerance,
            judged_below=case.constants["vaporisation_start"],
            reference=case.body_temperature,
        )
        self._fixed_exchanges = self._build_exchanges()
        self._perfusion = self.materials.perfusion_conductance()
        self._metabolism = self.operators.distributed(self.materials.cells["metabolic_heat"])
        self._probes = {
            name: space.place_of(np.array(point[-space.dimension :]) * 1e-3) for name, point in case.probes_mm.items()
        }

    def _build_exchanges(self) -> list[tuple[float, str, Exchange]]:
        """What takes heat besides perfusion: until when [s], name, exchange."""
        case, space = self.case, self.space
        exchanges = []
        for entry in case.cooling:
            area = self.operators.surface_share(space.facets_of(self._surface(entry.surface)))
            exchange = Exchange(area * entry.heat_transfer_coefficient, entry.temperature)
            exchanges.append((inf if entry.until is None else entry.until, entry.name, exchange))
        return [*exchanges, *((inf, name, exchange) for name, exchange in self._vessels().items())]

    def _vessels(self) -> dict[str, Exchange]:
        """The blood of each vessel label, or of all together where a case does not tell them apart."""
        case, own = self.case, self.space.input_cell
        volume = self.operators.distributed(np.ones(self.space.cell_count))
        within = self.operators.distributed(case.lumen_fraction[own]) > _ALL_BLOOD * volume
        renewed = np.where(within, case.blood_heat_capacity / case.constants["lumen_renewal_time"], 0.0)
        shares = {f"{VESSEL}{name}": share[own] for name, share in case.vessel_shares.items()}
        everyone = {"vessels": np.ones(self.space.cell_count)}
        return {
            name: Exchange(
                self.operators.distributed(case.vessel_conductance[own] * share / self.operators.cell_volume)
                + renewed * self.operators.distributed(share),
                case.body_temperature,
            )
            for name, share in (shares or everyone).items()
        }

    def _exchanges(self, duration: float) -> dict[str, Exchange]:
        """What takes heat during the step that begins now; same names are added up."""
        found = {"perfusion": Exchange(self._perfusion * self._living, self.case.body_temperature)}
        present = [(name, exchange) for until, name, exchange in self._fixed_exchanges if self.time < until - SAME_TIME]
        for source in self.sources:
            present += source.exchanges(self.time, duration).items()
        for name, exchange in present:
            found[name] = found[name].with_(exchange) if name in found else exchange
        return found | {coupling.name: coupling.exchange(self.temperature) for coupling in self.couplings}

    @property
    def finished(self) -> bool:
        """Whether the end of the stage is reached."""
        return self.time >= self.case.end_time - 1e-9

    def advance(self, prescribed: float | None = None) -> None:
        """Take one accepted step; ``prescribed`` [s] replays a step of that length without error control.

        Raises
        ------
        SolverFailure
            When the linear algebra breaks down also with the shortest step.
        """
        self._take_settings()
        duration = _fitted(self.duration, self._room()) if prescribed is None else prescribed
        while True:
            attempt = self._attempt(duration, free=prescribed is None)
            if isinstance(attempt, float):
                duration, self.rejected = attempt, self.rejected + 1
                continue
            self._accept(duration, *attempt)
            return

    def _take_settings(self) -> None:
        """Begin anew with short steps where a source or a coolant has been switched."""
        held = [setting for source in self.sources for setting in source.settings(self.time)]
        cooling = [("on", 1.0) if self.time < until - SAME_TIME else OFF for until, _, _ in self._fixed_exchanges]
        self._sources_are_off = all(kind == "off" for kind, _ in held)
        settings = (*held, *cooling)
        if self.steps == 0 or any(_jumped(*pair) for pair in zip(self.settings, settings, strict=True)):
            self.recent = self.recent[-1:]
            self.duration = min(self.duration, self.case.numerics.first_step)
        self.settings = settings

    def _room(self) -> float:
        """Time [s] that a step beginning now may take at most: until something is switched, or the end."""
        events = [until for until, _, _ in self._fixed_exchanges if until > self.time + SAME_TIME]
        events += [source.next_event(self.time) for source in self.sources]
        held = [coupling.longest_step for coupling in self.couplings] + [source.longest_step for source in self.sources]
        return min(min([self.case.end_time, *events]) - self.time, *held, inf)

    def _attempt(self, duration: float, *, free: bool) -> tuple[Load, HeatStep] | float:
        """Load and heat step of a tentative duration, or the shorter duration [s] to try instead."""
        numerics = self.case.numerics
        try:
            middle = self._middle(duration)
            dead = self._expected_dead_fraction(middle, 0.5 * duration)
            self._living = self.materials.active_share(dead, middle)
            load = self._deposited(duration, middle)
            load, step = self._heat_step(duration, load, middle)
        except LinearFailure as failure:
            if duration <= numerics.shortest_step or not free:
                raise self._failure(str(failure)) from failure
            self.duration = max(0.25 * duration, numerics.shortest_step)
            return self.duration
        if not free:
            self._verdict(duration, step, final=True)
            return load, step
        if step.error > _REJECTION * numerics.time_tolerance and duration > numerics.shortest_step:
            self.duration = max(duration * _step_factor(step.error, numerics.time_tolerance), numerics.shortest_step)
            return self.duration
        shorter = self._verdict(duration, step)
        return (load, step) if shorter is None else shorter

    def _failure(self, reason: str) -> SolverFailure:
        return SolverFailure(
            f"the solver diverged at {self.time:.3f} s: {reason}",
            last_good_time=self.time,
            suggestions=("a finer mesh (--resolution)", "a lower power or voltage in the program"),
        )

    def _extrapolated(self, ahead: float, *, order: int) -> Floats:
        """Temperature ``ahead`` [s] of now along the last ``order`` + 1 accepted states."""
        return extrapolated(self.recent[-(order + 1) :], self.time + ahead)

    def _middle(self, duration: float) -> Floats:
        """Temperature (count,) expected in the middle of a step, along the enthalpy: boiling water hardly warms up."""
        law, recent = self.heat.law, self.recent[-2:]
        enthalpies = [(time, law(temperature)) for time, temperature in recent]
        return law.temperature(extrapolated(enthalpies, self.time + 0.5 * duration))

    def dead_fraction(self) -> Floats:
        """Share of the tissue (count,) whose blood has come to a stand: 1 - survival by what kills at once."""
        return self._dead_of_all(self.death.dead_fraction())

    def _expected_dead_fraction(self, middle: Floats, duration: float) -> Floats:
        return self._dead_of_all(self.death.expected_dead_fraction(self.temperature, middle, duration))

    def _dead_of_all(self, dead: Floats) -> Floats:
        survival = 1.0 - dead
        for model, own in self._survivals().items():
            if _agent(model) not in SLOW:
                survival = survival * own
        return np.asarray(1.0 - survival)

    def _survivals(self) -> dict[str, Floats]:
        """Survival (count,) of what kills by other than temperature, in this stage and before, by death model."""
        survivals = _named(self._former, SURVIVAL)
        for source in self.sources:
            for name, survival in source.survivals().items():
                survivals[name] = survivals[name] * survival if name in survivals else survival
        return survivals

    def _deposited(self, duration: float, middle: Floats) -> Load:
        """Everything that is deposited in a step: by the sources, and the metabolism of living tissue."""
        metabolism = self._metabolism * self._living
        deposits = tuple(source.deposit(self.time, duration, middle) for source in self.sources)
        heat = np.zeros(self.space.cell_count)
        powers, feedback = {METABOLISM: self.space.node_sum(metabolism)}, {}
        for source, deposit in zip(self.sources, deposits, strict=True):
            heat += deposit.heat
            power = self.space.total(float(deposit.heat @ self.operators.cell_volume))
            powers[source.name] = powers.get(source.name, 0.0) + power
            if deposit.feedback is not None:
                feedback[source.name] = self._feedback(deposit, deposit.feedback, middle)
        return Load(deposits, heat, self.operators.distributed(heat) + metabolism, powers, feedback)

    def _feedback(self, deposit: Deposit, loss: Floats, middle: Floats) -> Exchange:
        """A loss of heat per kelvin (cell_count,) [W/(m3 K)] as an exchange with the temperature it was computed at."""
        conductance = self.operators.distributed(loss)
        if deposit.feedback_where_boiling:
            conductance = np.where(self.materials.is_boiling(middle), conductance, 0.0)
        return Exchange(conductance, middle)

    def _heat_step(self, duration: float, load: Load, middle: Floats) -> tuple[Load, HeatStep]:
        """Heat for a tentative duration, and the load as it was in the end."""
        step = self.heat.step(
            self.temperature,
            duration,
            guesses=[self._extrapolated(share * duration, order=2) for share in (GAMMA, 1.0)],
            conductivity=self.materials.conduction(middle),
            exchanges={**self._exchanges(duration), **load.feedback},
            load=load.nodal,
        )
        if not load.feedback:
            return load, step
        lost = dict(step.lost)
        withheld = {name: lost.pop(name) / duration for name in load.feedback}
        powers = {name: power - withheld.get(name, 0.0) for name, power in load.powers.items()}
        return replace(load, powers=powers), replace(step, lost=lost)

    def _verdict(self, duration: float, step: HeatStep, *, final: bool = False) -> float | None:
        """Show the step to the sources; the duration to try instead, or None when all accept (or it is final)."""
        states = [source.state() for source in self.sources]
        wished = [source.observe(self.time + duration, step.temperature) for source in self.sources]
        wanted = [shorter for shorter in wished if shorter is not None]
        if final or not wanted:
            return None
        for source, state in zip(self.sources, states, strict=True):
            source.restore(state)
        return min(wanted)

    def _accept(self, duration: float, load: Load, step: HeatStep) -> None:
        start = self.temperature
        self.death.advance(start, step.temperature, duration)
        self.time += duration
        self.temperature, self.load = step.temperature, load
        self.peak_temperature = np.maximum(self.peak_temperature, step.temperature)
        self.minimum_temperature = np.minimum(self.minimum_temperature, step.temperature)
        self.recent = [*self.recent[-2:], (self.time, step.temperature)]
        for coupling in self.couplings:
            coupling.advance(step.taken[coupling.name], duration)
        for source in self.sources:
            source.accept(duration, start, step.temperature, load.powers[source.name])
        self.ledger.add(step, duration, load.powers, load.far_power)
        self.steps += 1
        self._record(duration, load, step)
        numerics = self.case.numerics
        grown = duration * _step_factor(step.error, numerics.time_tolerance)
        if duration < self.duration and grown > duration:  # cut for an event, not for its error
            grown = max(grown, self.duration)
        longest = inf if self._sources_are_off else numerics.longest_powered_step
        self.duration = min(max(grown, numerics.shortest_step), longest)

    def levels(self) -> dict[str, Floats]:
        """Level function (count,) of every death model, positive where dead; with several agents also combined."""
        unharmed = {name: np.full(self.space.count, -LEVEL_LIMIT) for name in self.case.deciding_models}
        # What acts in a later stage only has killed nothing yet.
        levels = unharmed | self.death.levels() | self._other_levels()
        if len(self.case.deciding_models) > 1:
            deciding = {_agent(model): model for model in self.case.deciding_models}
            survivals = self.survivals_by_agent()
            levels[COMBINED] = combined_level(
                self._beside_own_zones({agent: levels[model] for agent, model in deciding.items()}),
                survivals,
                {agent: lethal_survival(model, self.case.death_parameters) for agent, model in deciding.items()},
                self.case.interactions,
            )
        return levels

    def _beside_own_zones(self, levels: Mapping[str, Floats]) -> dict[str, Floats]:
        """Levels (count,) of which each counts only in cells that its own zone reaches, where any zone does.

        Models have scales of their own below zero. One that calls untouched tissue -1 would move the surface of a burn,
        to whose nodes the law of heat gives -5, when the larger of the two is taken.
        """
        near = {}
        for name, level in levels.items():
            reached = np.zeros(self.space.count)
            reached[self.space.cells[(level[self.space.cells] >= 0.0).any(axis=1)]] = 1.0
            near[name] = self.space.accumulated(reached) > 0.0
        any_near = np.any(list(near.values()), axis=0)
        return {name: np.where(near[name] | ~any_near, level, -LEVEL_LIMIT) for name, level in levels.items()}

    def survivals_by_agent(self) -> dict[str, Floats]:
        """Surviving share (count,) of each agent that acts in the plan, by its deciding model."""
        known, untouched = self.death.survivals() | self._survivals(), np.ones(self.space.count)
        return {_agent(model): known.get(model, untouched) for model in self.case.deciding_models}

    def _other_levels(self) -> dict[str, Floats]:
        levels = _named(self._former, LEVEL)
        for source in self.sources:
            for name, level in source.levels().items():
                levels[name] = np.maximum(levels[name], level) if name in levels else level
        # What none of several sources of an agent kills alone they may kill together, as their survivals say.
        for name, survival in self._survivals_of_several().items():
            lethal = lethal_survival(name, self.case.death_parameters)
            levels[name] = np.maximum(levels[name], survival_level(survival, lethal))
        return levels

    def _survivals_of_several(self) -> dict[str, Floats]:
        """Survival (count,) by the models by which more than one source kills."""
        given = [name for source in self.sources for name in source.survivals()]
        return {name: survival for name, survival in self._survivals().items() if given.count(name) > 1}

    def output_fields(self) -> dict[str, Floats]:
        """Nodal fields (count,) for people to look at, units in their names."""
        levels = self.levels()
        shown = {
            "temperature_degC": self.temperature,
            "peak_temperature_degC": self.peak_temperature,
            "minimum_temperature_degC": self.minimum_temperature,
        }
        for source in self.sources:
            shown |= source.fields()
        by_agent = self.survivals_by_agent()
        if len(by_agent) > 1:
            shown |= {f"survival_{agent}": survival for agent, survival in by_agent.items()}
        return {
            **shown,
            "survival": combined_survival(by_agent, self.case.interactions),
            "dead_share_of_models": _dead_share(levels),
            **{f"level_{name}": levels[name] for name in dict.fromkeys(self._shown_models()) if name in levels},
        }

    def _shown_models(self) -> tuple[str, ...]:
        return (*self.case.deciding_models, *_SHOWN_MODELS)

    def output_cell_fields(self) -> dict[str, Floats]:
        """Cell fields (cell_count,) for people to look at."""
        heat = np.zeros(self.space.cell_count) if self.load is None else self.load.heat
        shown = {"heat_source_W_per_m3": heat}
        for source in self.sources:
            shown |= source.cell_fields()
        return shown

    def carried_state(self) -> dict[str, Floats]:
        """Nodal fields (..., count) that a following stage begins with."""
        return {
            "temperature": self.temperature,
            "peak_temperature": self.peak_temperature,
            "minimum_temperature": self.minimum_temperature,
            **self.death.fields(),
            **{f"{LEVEL}{name}": level for name, level in self._other_levels().items()},
            **{f"{SURVIVAL}{name}": survival for name, survival in self._survivals().items()},
            **{
                f"{CARRIED}{source.name}/{name}": density
                for source in self.sources
                for name, density in source.carried().items()
            },
        }

    def summary(self) -> dict[str, Any]:
        """Energy, statistics of the solution and history, as plain data."""
        heat, ledger = self.heat.solver, self.ledger
        statistics: dict[str, int] = {}
        for source in self.sources:
            statistics |= source.statistics()
        return {
            "energy": {
                "source_J": ledger.source,
                "source_by_name_J": ledger.deposited,
                "stored_J": ledger.stored,
                "lost_J": sum(ledger.lost.values()),
                "lost_by_path_J": ledger.lost,
                "far_field_J": ledger.far_field,
                "withheld_J": sum(source.withheld for source in self.sources),
                "balance_error": ledger.balance_error,
            },
            "solver": {
                "ranks": self.space.comm.size,
                "steps": self.steps,
                "rejected_steps": self.rejected,
                "steps_beyond_tolerance": self._steps_beyond_tolerance(),
                "wall_s": self.wall_seconds,
                "heat_solves": heat.solves,
                "heat_iterations": heat.iterations,
                **statistics,
            },
            "sources": {source.name: source.facts() for source in self.sources},
            "carried_numbers": {source.name: source.carried_numbers() for source in self.sources},
            "couplings": {coupling.name: coupling.facts() for coupling in self.couplings},
            "warnings": [warning for source in self.sources for warning in source.warnings()],
            "boundary_peak_temperature": self.boundary_peak_temperature(),
            "boundary_minimum_temperature": self.boundary_minimum_temperature(),
            "history": self.history,
        }

    def _steps_beyond_tolerance(self) -> int:
        """Steps taken although their error was too large: no shorter one is allowed, or they were prescribed."""
        allowed = _REJECTION * self.case.numerics.time_tolerance
        return sum(row["error_K"] > allowed for row in self.history)

    def boundary_peak_temperature(self) -> float:
        """Highest temperature [degC] ever reached in the cells next to the region's fixed boundary."""
        return self.space.maximum(self.peak_temperature[self._beside_boundary()])

    def boundary_minimum_temperature(self) -> float:
        """Lowest temperature [degC] ever reached there."""
        return self.space.minimum(self.minimum_temperature[self._beside_boundary()])

    def _beside_boundary(self) -> NDArray[np.int32]:
        beside = self.heat.matrix.fixed[self.space.cells].any(axis=1)
        return np.asarray(np.unique(self.space.cells[beside]))

    def _record(self, duration: float, load: Load, step: HeatStep) -> None:
        row = {
            "time_s": self.time,
            "step_s": duration,
            "error_K": step.error,
            "deposited_power_W": load.power,
            "far_field_power_W": load.far_power,
            "maximum_temperature_degC": self.space.maximum(self.temperature[: self.space.owned]),
            "minimum_temperature_degC": self.space.minimum(self.temperature[: self.space.owned]),
        }
        for source in self.sources:
            row |= source.row()
        for name, place in self._probes.items():
            row[f"probe.{name}_degC"] = self.space.value_at(self.temperature, place)
        self.history.append(row)


def _models_beside(case: ThermalCase) -> tuple[DeathModel, ...]:
    """All models of the agents whose models decide; those that know nothing of temperature are the sources' own."""
    agents = [death_records()[name].agent for name in case.deciding_models if name in death_records()]
    return death_models(agents, case.death_parameters)


def _agent(model: str) -> str:
    """What a death model is of."""
    return death_records()[model].agent


def _dead_share(levels: Mapping[str, Floats]) -> Floats:
    """Share (count,) of an agent's models that say dead, of the agent for which it is largest."""
    verdicts: dict[str, list[NDArray[np.bool_]]] = {}
    for name, level in levels.items():
        if name in death_records():
            verdicts.setdefault(death_records()[name].agent, []).append(level >= 0.0)
    return np.asarray(np.max([np.mean(dead, axis=0) for dead in verdicts.values()], axis=0))


def _named(fields: Mapping[str, Floats], prefix: str) -> dict[str, Floats]:
    return {name.removeprefix(prefix): values for name, values in fields.items() if name.startswith(prefix)}


def _jumped(before: tuple[str, float], now: tuple[str, float]) -> bool:
    """Whether a setting (kind, value) has changed so much that what came before says nothing about what follows."""
    return before[0] != now[0] or abs(before[1] - now[1]) > _JUMP * max(before[1], now[1])


def _step_factor(error: float, tolerance: float) -> float:
    """Change of step length that the error estimate (of second order in the step) asks for."""
    wanted = _SAFETY * np.sqrt(tolerance / max(error, 1e-12))
    return float(min(max(wanted, _STRONGEST_CUT), _LARGEST_GROWTH))


def _fitted(duration: float, room: float) -> float:
    """A step that ends on the next event rather than just short of it."""
    if duration >= room:
        return room
    return 0.5 * room if duration > 0.5 * room else duration
