# SPDX-License-Identifier: LGPL-3.0-or-later
"""A radio-frequency stage in time: source, heat and death split, adaptive steps, generators that may cut one.

A step freezes what changes slowly as it is expected in its middle (electric field, conductivities, perfusion of dying
tissue), solves the heat implicitly and then advances cell death along the new temperatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from imagio_sim.devices.generator import Drive, Reading, from_description
from imagio_sim.errors import SolverFailure
from imagio_sim.solve.case import ThermalCase, VolumeSource
from imagio_sim.solve.circuit import CircuitState, Output, solve_circuit
from imagio_sim.solve.coupling import CouplingMaker
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.electric import ElectricProblem, ElectricSolution, RemoteGround
from imagio_sim.solve.heat import GAMMA, Exchange, HeatProblem, HeatStep
from imagio_sim.solve.ledger import Ledger
from imagio_sim.solve.linear import LinearFailure, extrapolated
from imagio_sim.solve.materials import Materials
from imagio_sim.tissue.death import heat_death_models

_SAFETY, _LARGEST_GROWTH, _STRONGEST_CUT = 0.85, 2.0, 0.3
# A step is repeated when its error exceeds the tolerance by this factor.
_REJECTION = 1.5
# A node counts as blood when this share of the volume around it is vessel; its blood is renewed within this time [s].
_ALL_BLOOD, _LUMEN_RENEWAL = 0.999, 1.0
# A drive that changes by more than this share is a jump: what came before says nothing about what follows.
_JUMP = 0.2
# Two times [s] closer than this are the same.
_SAME_TIME = 1e-9
_OFF = ("off", 0.0)
# Death models whose level is written over time, one of each family; all of them are evaluated at the end.
_SHOWN_MODELS = ("arrhenius_jacques", "cem43_a_240", "three_state")
# Energy that the feedback of drying tissue held back is repaid by at most this share of a step's.
_MOST_REPAID = 0.1
GENERATORS = "generators"
"""What the heat of all generators together is booked under."""


@dataclass(frozen=True, eq=False)
class Source:
    """What is deposited during a step.

    Attributes
    ----------
    heat
        By generators and other devices, per cell (cell_count,) [W/m3].
    load
        That and the metabolism, per node (count,) [W].
    powers
        What the load consists of [W], by name.
    far_power
        What the generators deposit beyond the region [W].
    feedback
        By how much the load of drying tissue falls with its temperature, under the name of the generators.
    """

    solution: ElectricSolution | None
    circuit: CircuitState
    heat: Floats
    load: Floats
    powers: Mapping[str, float]
    far_power: float
    feedback: Mapping[str, Exchange]

    @property
    def power(self) -> float:
        """All that is deposited in the region [W]."""
        return sum(self.powers.values())

    def less(self, withheld: float) -> Source:
        """The same when the feedback has held back a power [W] of the generators'."""
        return replace(self, powers={**self.powers, GENERATORS: self.powers[GENERATORS] - withheld})


class Stage:
    """State and problems of one stage on this rank; :meth:`advance` takes one accepted step.

    Every rank makes it from the same case, with the same couplings to what is not part of the mesh.
    """

    def __init__(self, comm: Any, case: ThermalCase, couplings: Sequence[CouplingMaker] = ()) -> None:
        self.case = case
        self.controllers = tuple(from_description(generator.controller) for generator in case.generators)
        self.space = Discretisation(
            comm,
            case.domain.points_mm * 1e-3 if comm.rank == 0 else None,
            case.domain.cells if comm.rank == 0 else None,
            axisymmetric=case.domain.axisymmetric,
        )
        self.operators = EdgeOperators(self.space)
        self.materials = Materials.of(case, self.operators)
        self.couplings = tuple(make(self.operators) for make in couplings)
        self._build_problems()
        self.death = DeathTracker(heat_death_models(), case.deciding_model, self.space.count)
        self.time, self.duration = 0.0, case.numerics.first_step
        self.temperature = self.heat.with_fixed(np.full(self.space.count, case.body_temperature))
        self.peak_temperature = self.temperature.copy()
        self._take_initial_state()
        self.recent: list[tuple[float, Floats]] = [(0.0, self.temperature)]
        self.ledger = Ledger()
        self.history: list[dict[str, float]] = []
        self.steps = self.rejected = 0
        self.withheld = 0.0
        self._living = self.materials.living_share(self.death.dead_fraction())
        self.source = self._source(None, self._no_circuit(), ())
        self.settings: tuple[tuple[str, float], ...] = ()

    def _take_initial_state(self) -> None:
        fields = {name: values[..., self.space.input_node] for name, values in self.case.initial_state.items()}
        if "temperature" in fields:
            self.temperature = self.heat.with_fixed(fields["temperature"])
            self.peak_temperature = np.maximum(fields["peak_temperature"], self.temperature)
        if any(name.startswith("death/") for name in fields):
            self.death.restore(fields)

    def _surface(self, name: str) -> Any:
        return self.case.domain.surfaces[name]

    def _build_problems(self) -> None:
        case, numerics, space = self.case, self.case.numerics, self.space
        boundary = self._surface("boundary")
        nodes = [
            np.unique(np.concatenate([space.nodes_of(self._surface(surface)) for surface in conductor.surfaces]))
            for conductor in case.conductors
        ]
        pad = case.ground.pad_surface
        remote = None
        if case.ground.centre_mm is not None:
            centre = np.array(case.ground.centre_mm[-space.dimension :]) * 1e-3
            remote = RemoteGround(self.operators, space.facets_of(boundary), centre)
        self.electric = ElectricProblem(
            self.operators,
            nodes,
            grounded=np.empty(0, np.int32) if pad is None else space.nodes_of(self._surface(pad)),
            remote_ground=remote,
            tolerance=numerics.linear_tolerance,
        )
        names = [conductor.name for conductor in case.conductors]
        self._outputs = tuple(
            Output(names.index(entry.driven), None if entry.returned is None else names.index(entry.returned))
            for entry in case.generators
        )
        self.heat = HeatProblem(
            self.operators,
            self.materials.enthalpy(),
            fixed_nodes=space.nodes_of(boundary),
            fixed_temperature=case.body_temperature,
            tolerance=numerics.linear_tolerance,
            nonlinear_tolerance=numerics.nonlinear_tolerance,
            judged_below=case.constants["vaporisation_start"],
            reference=case.body_temperature,
        )
        self._fixed_exchanges = self._build_exchanges()
        self._perfusion = self.materials.perfusion_conductance()
        self._metabolism = self.operators.distributed(self.materials.cells["metabolic_heat"])
        self._densities = {source.name: source.density[space.input_cell] for source in case.sources}
        self._sensors = [[self._nearest_node(point) for point in entry.sensors_mm] for entry in case.generators]

    def _build_exchanges(self) -> list[tuple[float, str, Exchange]]:
        """What takes heat besides perfusion: until when [s], name, exchange."""
        case, space = self.case, self.space
        exchanges = []
        for entry in case.cooling:
            area = self.operators.surface_share(space.facets_of(self._surface(entry.surface)))
            exchange = Exchange(area * entry.heat_transfer_coefficient, entry.temperature)
            exchanges.append((inf if entry.until is None else entry.until, entry.name, exchange))
        own = space.input_cell
        wall = self.operators.distributed(case.vessel_conductance[own] / self.operators.cell_volume)
        volume = self.operators.distributed(np.ones(space.cell_count))
        within = self.operators.distributed(case.lumen_fraction[own]) > _ALL_BLOOD * volume
        flow = np.where(within, volume * case.blood_heat_capacity / _LUMEN_RENEWAL, 0.0)
        exchanges.append((inf, "vessels", Exchange(wall + flow, case.body_temperature)))
        return exchanges

    def _exchanges(self) -> dict[str, Exchange]:
        """What takes heat during the step that begins now; same names are added up."""
        found = {"perfusion": Exchange(self._perfusion * self._living, self.case.body_temperature)}
        for until, name, exchange in self._fixed_exchanges:
            if self.time < until - _SAME_TIME:
                found[name] = found[name].with_(exchange) if name in found else exchange
        return found | {coupling.name: coupling.exchange(self.temperature) for coupling in self.couplings}

    def _nearest_node(self, point_mm: Sequence[float]) -> tuple[int, int]:
        """Rank and local number of the owned node closest to a point."""
        point = np.array(point_mm[-self.space.dimension :]) * 1e-3
        distance = np.linalg.norm(self.space.points[: self.space.owned] - point, axis=1)
        best = int(distance.argmin())
        candidates = self.space.comm.allgather((float(distance[best]), self.space.comm.rank, best))
        _, rank, node = min(candidates)
        return rank, node

    def _no_circuit(self) -> CircuitState:
        count = len(self._outputs)
        return CircuitState(np.zeros(len(self.case.conductors)), np.zeros(count), np.zeros(count), np.zeros(count))

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
        drives = tuple(controller.setting(self.time) for controller in self.controllers)
        self._take_settings((drive.kind, drive.value) for drive in drives)
        duration = _fitted(self.duration, self._room()) if prescribed is None else prescribed
        while True:
            attempt = self._attempt(duration, drives, free=prescribed is None)
            if isinstance(attempt, float):
                duration, self.rejected = attempt, self.rejected + 1
                continue
            self._accept(duration, *attempt)
            return

    def _take_settings(self, drives: Iterable[tuple[str, float]]) -> None:
        """Begin anew with short steps where a generator, a source or a coolant has been switched."""
        sources = (("on", 1.0) if self._acts(source) else _OFF for source in self.case.sources)
        cooling = (("on", 1.0) if self.time < until - _SAME_TIME else _OFF for until, _, _ in self._fixed_exchanges)
        settings = (*drives, *sources, *cooling)
        if self.steps == 0 or any(_jumped(*pair) for pair in zip(self.settings, settings, strict=True)):
            self.recent = self.recent[-1:]
            self.duration = min(self.duration, self.case.numerics.first_step)
        self.settings = settings

    def _acts(self, source: VolumeSource) -> bool:
        return source.start - _SAME_TIME <= self.time < source.end - _SAME_TIME

    def _room(self) -> float:
        """Time [s] that a step beginning now may take at most: until something is switched, or the end."""
        switched = [until for until, _, _ in self._fixed_exchanges]
        switched += [time for source in self.case.sources for time in (source.start, source.end)]
        events = [time for time in switched if time > self.time + _SAME_TIME]
        events += [controller.next_event(self.time) for controller in self.controllers]
        held = min((coupling.longest_step for coupling in self.couplings), default=inf)
        return min(min([self.case.end_time, *events]) - self.time, held)

    def _attempt(self, duration: float, drives: tuple[Drive, ...], *, free: bool) -> tuple[Source, HeatStep] | float:
        """Source and heat step of a tentative duration, or the shorter duration [s] to try instead."""
        numerics = self.case.numerics
        try:
            middle = self._middle(duration)
            dead = self.death.expected_dead_fraction(self.temperature, middle, 0.5 * duration)
            self._living = self.materials.living_share(dead)
            source = self._deposit(middle, drives, duration)
            source, step = self._heat_step(duration, source, middle)
        except LinearFailure as failure:
            if duration <= numerics.shortest_step or not free:
                raise self._failure(str(failure)) from failure
            self.duration = max(0.25 * duration, numerics.shortest_step)
            return self.duration
        if not free:
            self._verdict(duration, source, step, final=True)
            return source, step
        if step.error > _REJECTION * numerics.time_tolerance and duration > numerics.shortest_step:
            self.duration = max(duration * _step_factor(step.error, numerics.time_tolerance), numerics.shortest_step)
            return self.duration
        shorter = self._verdict(duration, source, step)
        return (source, step) if shorter is None else shorter

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

    def _deposit(self, temperature: Floats, drives: tuple[Drive, ...], duration: float) -> Source:
        """Electric field and all heat at the given temperature (count,), that of the middle of a step."""
        if all(drive.kind == "off" or drive.value == 0.0 for drive in drives):
            return self._source(None, self._no_circuit(), self._active_sources())
        conductivity = self.materials.electrical_conductivity(temperature)
        solution = self.electric.solve(conductivity, self.time + 0.5 * duration)
        circuit = solve_circuit(solution.conductance, self._outputs, drives)
        joule = self.electric.heat(solution, circuit.conductor_voltages, conductivity)
        power = self.space.total(float(joule @ self.operators.cell_volume))
        if power > 0.0:
            joule *= 1.0 + min(max(self.withheld / (power * duration), -_MOST_REPAID), _MOST_REPAID)
        source = self._source(solution, circuit, [(GENERATORS, joule), *self._active_sources()])
        return replace(source, feedback=self._feedback(joule, temperature))

    def _feedback(self, joule: Floats, temperature: Floats) -> dict[str, Exchange]:
        """Linearisation about the given temperature (count,) of the Joule heat (cell_count,) [W/m3] in drying tissue.

        Without it the field is solved for one moisture and the heat for another, and the two chase each other wherever
        a node boils away within less than a step: docs/decisions/0002. What it holds back (or adds) in one step is
        given back in the next, so that the generator's energy is deposited.
        """
        boiling = self.materials.is_boiling(temperature)
        if self.space.maximum(boiling.astype(float)) == 0.0:
            return {}
        slope = self.operators.distributed(joule * self.materials.drying(temperature))
        return {GENERATORS: Exchange(np.where(boiling, slope, 0.0), temperature)}

    def _active_sources(self) -> list[tuple[str, Floats]]:
        return [(source.name, self._densities[source.name]) for source in self.case.sources if self._acts(source)]

    def _source(
        self, solution: ElectricSolution | None, circuit: CircuitState, densities: Iterable[tuple[str, Floats]]
    ) -> Source:
        """Everything deposited: what the densities (cell_count,) [W/m3] say, and the metabolism of living tissue."""
        metabolism = self._metabolism * self._living
        heat = np.zeros(self.space.cell_count)
        powers = {"metabolism": self.space.node_sum(metabolism)}
        for name, density in densities:
            heat += density
            powers[name] = self.space.total(float(density @ self.operators.cell_volume))
        volts = circuit.conductor_voltages
        far_power = 0.0 if solution is None else float(volts @ solution.far_conductance @ volts)
        load = self.operators.distributed(heat) + metabolism
        return Source(solution, circuit, heat, load, powers, far_power, feedback={})

    def _heat_step(self, duration: float, source: Source, middle: Floats) -> tuple[Source, HeatStep]:
        """Heat for a tentative duration, and the source as it was in the end."""
        step = self.heat.step(
            self.temperature,
            duration,
            guesses=[self._extrapolated(share * duration, order=2) for share in (GAMMA, 1.0)],
            conductivity=self.materials.thermal_conductivity(middle),
            exchanges={**self._exchanges(), **source.feedback},
            load=source.load,
        )
        if not source.feedback:
            return source, step
        lost = dict(step.lost)
        withheld = lost.pop(GENERATORS) / duration
        return source.less(withheld), replace(step, lost=lost)

    def _verdict(self, duration: float, source: Source, step: HeatStep, *, final: bool = False) -> float | None:
        """Show the step to the generators; the duration to try instead, or None when all accept (or it is final)."""
        states = [controller.state() for controller in self.controllers]
        readings = self._readings(source, step.temperature)
        verdicts = [
            controller.observe(self.time + duration, reading)
            for controller, reading in zip(self.controllers, readings, strict=True)
        ]
        wanted = [verdict.shorter_step for verdict in verdicts if verdict.shorter_step is not None]
        if final or not wanted:
            return None
        for controller, state in zip(self.controllers, states, strict=True):
            controller.restore(state)
        return min(wanted)

    def _readings(self, source: Source, temperature: Floats) -> list[Reading]:
        circuit = source.circuit
        readings = []
        for number in range(len(self._sensors)):
            volts, amperes = float(circuit.voltages[number]), float(circuit.currents[number])
            impedance = volts / amperes if amperes > 0.0 else inf
            seen = self._seen(number, temperature)
            readings.append(Reading(float(circuit.powers[number]), volts, amperes, impedance, seen))
        return readings

    def _seen(self, number: int, temperature: Floats) -> tuple[float, ...]:
        """What the sensors of a generator measure [degC] (collective)."""
        comm = self.space.comm
        return tuple(
            float(comm.bcast(temperature[node] if rank == comm.rank else None, root=rank))
            for rank, node in self._sensors[number]
        )

    def _accept(self, duration: float, source: Source, step: HeatStep) -> None:
        self.death.advance(self.temperature, step.temperature, duration)
        self.time += duration
        self.temperature, self.source = step.temperature, source
        self.peak_temperature = np.maximum(self.peak_temperature, step.temperature)
        self.recent = [*self.recent[-2:], (self.time, step.temperature)]
        for coupling in self.couplings:
            coupling.advance(step.taken[coupling.name], duration)
        self.ledger.add(step, duration, source.powers, source.far_power)
        set_power = float(source.circuit.powers.sum()) - source.far_power
        self.withheld += duration * (set_power - source.powers.get(GENERATORS, 0.0))
        self.steps += 1
        self._record(duration, source, step)
        numerics = self.case.numerics
        grown = duration * _step_factor(step.error, numerics.time_tolerance)
        if duration < self.duration and grown > duration:  # cut for an event, not for its error
            grown = max(grown, self.duration)
        powered = any(kind != "off" for kind, _ in self.settings[: len(self.controllers)])
        self.duration = min(max(grown, numerics.shortest_step), numerics.longest_powered_step if powered else inf)

    def potential(self) -> Floats:
        """Electric potential (count,) [V, rms] of the last step, zero without power."""
        if self.source.solution is None:
            return np.zeros(self.space.count)
        return np.asarray(self.source.circuit.conductor_voltages @ self.source.solution.unit_potentials)

    def output_fields(self) -> dict[str, Floats]:
        """Nodal fields (count,) for people to look at, units in their names."""
        levels = self.death.levels()
        return {
            "temperature_degC": self.temperature,
            "peak_temperature_degC": self.peak_temperature,
            "potential_V": self.potential(),
            "survival": 1.0 - self.death.dead_fraction(),
            "dead_share_of_models": np.mean([level >= 0.0 for level in levels.values()], axis=0),
            **{f"level_{name}": levels[name] for name in dict.fromkeys((self.case.deciding_model, *_SHOWN_MODELS))},
        }

    def output_cell_fields(self) -> dict[str, Floats]:
        """Cell fields (cell_count,) for people to look at."""
        return {"heat_source_W_per_m3": self.source.heat}

    def carried_state(self) -> dict[str, Floats]:
        """Nodal fields (..., count) that a following stage begins with."""
        return {"temperature": self.temperature, "peak_temperature": self.peak_temperature, **self.death.fields()}

    def summary(self) -> dict[str, Any]:
        """Energy, statistics of the solution and history, as plain data."""
        electric, heat, ledger = self.electric.solver, self.heat.solver, self.ledger
        return {
            "energy": {
                "source_J": ledger.source,
                "source_by_name_J": ledger.deposited,
                "stored_J": ledger.stored,
                "lost_J": sum(ledger.lost.values()),
                "lost_by_path_J": ledger.lost,
                "far_field_J": ledger.far_field,
                "withheld_J": self.withheld,
                "balance_error": ledger.balance_error,
            },
            "solver": {
                "ranks": self.space.comm.size,
                "steps": self.steps,
                "rejected_steps": self.rejected,
                "electric_solves": electric.solves,
                "electric_iterations": electric.iterations,
                "multigrid_setups": electric.setups,
                "heat_solves": heat.solves,
                "heat_iterations": heat.iterations,
            },
            "controllers": [controller.state() for controller in self.controllers],
            "boundary_peak_temperature": self.boundary_peak_temperature(),
            "history": self.history,
        }

    def boundary_peak_temperature(self) -> float:
        """Highest temperature [degC] ever reached in the cells next to the region's fixed boundary."""
        beside = self.heat.matrix.fixed[self.space.cells].any(axis=1)
        return self.space.maximum(self.peak_temperature[np.unique(self.space.cells[beside])])

    def _record(self, duration: float, source: Source, step: HeatStep) -> None:
        circuit = source.circuit
        row = {
            "time_s": self.time,
            "step_s": duration,
            "error_K": step.error,
            "deposited_power_W": source.power,
            "far_field_power_W": source.far_power,
            "maximum_temperature_degC": self.space.maximum(self.temperature[: self.space.owned]),
        }
        for number, entry in enumerate(self.case.generators):
            volts, amperes = float(circuit.voltages[number]), float(circuit.currents[number])
            row[f"{entry.name}.power_W"] = float(circuit.powers[number])
            row[f"{entry.name}.voltage_V"] = volts
            row[f"{entry.name}.current_A"] = amperes
            row[f"{entry.name}.impedance_ohm"] = volts / amperes if amperes > 0.0 else 0.0
            for sensor, seen in enumerate(self._seen(number, self.temperature), start=1):
                row[f"{entry.name}.sensor_{sensor}_degC"] = seen
        self.history.append(row)


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
