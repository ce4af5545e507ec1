# SPDX-License-Identifier: LGPL-3.0-or-later
"""A radio-frequency stage in time: source, heat and death split, adaptive steps, generators that may cut one.

A step freezes what changes slowly at its extrapolated middle (electric field, conductivities), at its beginning
(perfusion of dying tissue), solves the heat implicitly and then advances cell death along the new temperatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from imagio_sim.devices.generator import Drive, Reading, from_description
from imagio_sim.errors import SolverFailure
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.circuit import CircuitState, Output, solve_circuit
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.electric import ElectricProblem, ElectricSolution, RemoteGround
from imagio_sim.solve.heat import GAMMA, Exchange, HeatProblem, HeatStep
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


@dataclass
class Ledger:
    """Where the heat went [J]: deposited in the region, stored, lost by name; and what the far field took up."""

    source: float = 0.0
    stored: float = 0.0
    lost: dict[str, float] = field(default_factory=dict)
    far_field: float = 0.0

    def add(self, step: HeatStep, duration: float, power: float, far_power: float) -> None:
        """Book one accepted step."""
        self.source += duration * power
        self.far_field += duration * far_power
        self.stored += step.stored
        for name, energy in step.lost.items():
            self.lost[name] = self.lost.get(name, 0.0) + energy

    @property
    def balance_error(self) -> float:
        """|source - stored - lost| relative to the largest of the three."""
        lost = sum(self.lost.values())
        largest = max(abs(self.source), abs(self.stored), abs(lost))
        return abs(self.source - self.stored - lost) / largest if largest > 0.0 else 0.0


@dataclass(frozen=True, eq=False)
class Source:
    """What the generators deposit during a step."""

    solution: ElectricSolution | None
    circuit: CircuitState
    heat: Floats
    power: float
    far_power: float


class Stage:
    """State and problems of one stage on this rank; :meth:`advance` takes one accepted step.

    Every rank makes it from the same case.
    """

    def __init__(self, comm: Any, case: ThermalCase) -> None:
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
        self.source = self._no_source()
        self.drives: tuple[tuple[str, float], ...] = ()

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
        )
        self._fixed_exchanges = self._build_exchanges()
        self._perfusion = self.materials.perfusion_conductance()
        self._sensors = [[self._nearest_node(point) for point in entry.sensors_mm] for entry in case.generators]

    def _build_exchanges(self) -> list[tuple[float, str, Exchange]]:
        """What takes heat besides perfusion: until when [s], name, exchange."""
        case, space = self.case, self.space
        exchanges = []
        for entry in case.cooling:
            area = self.operators.surface_share(space.facets_of(self._surface(entry.surface)))
            exchange = Exchange(area * entry.heat_transfer_coefficient, entry.temperature)
            exchanges.append((np.inf if entry.until is None else entry.until, entry.name, exchange))
        own = space.input_cell
        wall = self.operators.distributed(case.vessel_conductance[own] / self.operators.cell_volume)
        volume = self.operators.distributed(np.ones(space.cell_count))
        within = self.operators.distributed(case.lumen_fraction[own]) > _ALL_BLOOD * volume
        flow = np.where(within, volume * case.blood_heat_capacity / _LUMEN_RENEWAL, 0.0)
        exchanges.append((np.inf, "vessels", Exchange(wall + flow, case.body_temperature)))
        return exchanges

    def _exchanges(self) -> dict[str, Exchange]:
        """What takes heat during the step that begins now; same names are added up."""
        living = self.materials.living_share(self.death.dead_fraction())
        found = {"perfusion": Exchange(self._perfusion * living, self.case.body_temperature)}
        for until, name, exchange in self._fixed_exchanges:
            if self.time < until - 1e-9:
                found[name] = found[name].with_(exchange) if name in found else exchange
        return found

    def _nearest_node(self, point_mm: Sequence[float]) -> tuple[int, int]:
        """Rank and local number of the owned node closest to a point."""
        point = np.array(point_mm[-self.space.dimension :]) * 1e-3
        distance = np.linalg.norm(self.space.points[: self.space.owned] - point, axis=1)
        best = int(distance.argmin())
        candidates = self.space.comm.allgather((float(distance[best]), self.space.comm.rank, best))
        _, rank, node = min(candidates)
        return rank, node

    def _no_source(self) -> Source:
        count = len(self._outputs)
        off = CircuitState(np.zeros(len(self.case.conductors)), np.zeros(count), np.zeros(count), np.zeros(count))
        return Source(None, off, self.materials.cells["metabolic_heat"], self._metabolic_power, 0.0)

    @property
    def _metabolic_power(self) -> float:
        return self.space.total(float(self.materials.cells["metabolic_heat"] @ self.operators.cell_volume))

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
        settings = tuple((drive.kind, drive.value) for drive in drives)
        if self._jumps(settings):
            self.recent = self.recent[-1:]
            self.duration = min(self.duration, self.case.numerics.first_step)
        self.drives = settings
        room = min([self.case.end_time, *(c.next_event(self.time) for c in self.controllers)]) - self.time
        duration = _fitted(self.duration, room) if prescribed is None else prescribed
        while True:
            attempt = self._attempt(duration, drives, free=prescribed is None)
            if isinstance(attempt, float):
                duration, self.rejected = attempt, self.rejected + 1
                continue
            self._accept(duration, *attempt)
            return

    def _jumps(self, settings: tuple[tuple[str, float], ...]) -> bool:
        def differ(old: tuple[str, float], new: tuple[str, float]) -> bool:
            return old[0] != new[0] or abs(old[1] - new[1]) > _JUMP * max(old[1], new[1])

        return not self.drives or any(differ(old, new) for old, new in zip(self.drives, settings, strict=True))

    def _attempt(self, duration: float, drives: tuple[Drive, ...], *, free: bool) -> tuple[Source, HeatStep] | float:
        """Source and heat step of a tentative duration, or the shorter duration [s] to try instead."""
        numerics = self.case.numerics
        try:
            source = self._deposit(self._extrapolated(0.5 * duration, order=1), drives, self.time + 0.5 * duration)
            step = self._heat_step(duration, source)
        except LinearFailure as failure:
            if duration <= numerics.shortest_step or not free:
                raise self._failure(str(failure)) from failure
            return max(0.25 * duration, numerics.shortest_step)
        if not free:
            self._verdict(duration, source, step, final=True)
            return source, step
        if step.error > _REJECTION * numerics.time_tolerance and duration > numerics.shortest_step:
            return max(duration * _step_factor(step.error, numerics.time_tolerance), numerics.shortest_step)
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

    def _deposit(self, temperature: Floats, drives: tuple[Drive, ...], time: float) -> Source:
        """Electric field and Joule heat at the given temperature (count,)."""
        if all(drive.kind == "off" or drive.value == 0.0 for drive in drives):
            return self._no_source()
        conductivity = self.materials.electrical_conductivity(temperature)
        solution = self.electric.solve(conductivity, time)
        circuit = solve_circuit(solution.conductance, self._outputs, drives)
        joule = self.electric.heat(solution, circuit.conductor_voltages, conductivity)
        volts = circuit.conductor_voltages
        far = float(volts @ solution.far_conductance @ volts)
        near = self.space.total(float(joule @ self.operators.cell_volume))
        heat = joule + self.materials.cells["metabolic_heat"]
        return Source(solution, circuit, heat, near + self._metabolic_power, far)

    def _heat_step(self, duration: float, source: Source) -> HeatStep:
        middle = self._extrapolated(0.5 * duration, order=1)
        return self.heat.step(
            self.temperature,
            duration,
            guesses=[self._extrapolated(share * duration, order=2) for share in (GAMMA, 1.0)],
            conductivity=self.materials.thermal_conductivity(middle),
            exchanges=self._exchanges(),
            load=self.operators.distributed(source.heat),
        )

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
        for number, sensors in enumerate(self._sensors):
            volts, amperes = float(circuit.voltages[number]), float(circuit.currents[number])
            impedance = volts / amperes if amperes > 0.0 else 0.0
            seen = tuple(
                float(self.space.comm.bcast(temperature[node] if rank == self.space.comm.rank else None, root=rank))
                for rank, node in sensors
            )
            readings.append(Reading(float(circuit.powers[number]), volts, amperes, impedance, seen))
        return readings

    def _accept(self, duration: float, source: Source, step: HeatStep) -> None:
        self.death.advance(self.temperature, step.temperature, duration)
        self.time += duration
        self.temperature, self.source = step.temperature, source
        self.peak_temperature = np.maximum(self.peak_temperature, step.temperature)
        self.recent = [*self.recent[-2:], (self.time, step.temperature)]
        self.ledger.add(step, duration, source.power, source.far_power)
        self.steps += 1
        self._record(duration, source, step)
        numerics = self.case.numerics
        grown = duration * _step_factor(step.error, numerics.time_tolerance)
        if duration < self.duration and grown > duration:  # cut for an event, not for its error
            grown = max(grown, self.duration)
        powered = any(kind != "off" for kind, _ in self.drives)
        self.duration = min(max(grown, numerics.shortest_step), numerics.longest_powered_step if powered else np.inf)

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
                "stored_J": ledger.stored,
                "lost_J": sum(ledger.lost.values()),
                "lost_by_path_J": ledger.lost,
                "far_field_J": ledger.far_field,
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
        self.history.append(row)


def _step_factor(error: float, tolerance: float) -> float:
    """Change of step length that the error estimate (of second order in the step) asks for."""
    wanted = _SAFETY * np.sqrt(tolerance / max(error, 1e-12))
    return float(min(max(wanted, _STRONGEST_CUT), _LARGEST_GROWTH))


def _fitted(duration: float, room: float) -> float:
    """A step that ends on the next event rather than just short of it."""
    if duration >= room:
        return room
    return 0.5 * room if duration > 0.5 * room else duration
