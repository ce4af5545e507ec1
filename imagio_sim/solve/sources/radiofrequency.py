# SPDX-License-Identifier: LGPL-3.0-or-later
"""Radio-frequency electrodes: the electric field of all generators together, and the Joule heat of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.generator import Drive, Reading, from_description
from imagio_sim.solve.circuit import CircuitState, Output, solve_circuit
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.electric import ElectricProblem, ElectricSolution, RemoteGround
from imagio_sim.solve.sources.source import Deposit, HeatSource, Setting, Surroundings

# Energy that the feedback of drying tissue held back is repaid by at most this share of a step's.
_MOST_REPAID = 0.1
RADIOFREQUENCY = "radiofrequency"
"""What the heat of all generators together is booked under."""


@dataclass(frozen=True)
class Conductor:
    """An electrically connected group of electrode surfaces."""

    name: str
    surfaces: tuple[str, ...]


@dataclass(frozen=True)
class Generator:
    """One generator output: the conductor it drives, its return (None: ground), its program and its sensors.

    ``controller`` describes its program (``devices.generator.described``); ``sensors_mm`` are the points (LPS mm)
    where it measures temperature.
    """

    name: str
    driven: str
    returned: str | None
    controller: Mapping[str, Any]
    sensors_mm: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Ground:
    """Where the current returns to: far away around ``centre_mm``, or a pad on the nodes of a surface."""

    centre_mm: tuple[float, float, float] | None
    pad_surface: str | None = None


@dataclass(frozen=True)
class RadiofrequencySpec:
    """Electrodes, generators and ground."""

    conductors: tuple[Conductor, ...]
    generators: tuple[Generator, ...]
    ground: Ground

    def source(self, surroundings: Surroundings) -> RadiofrequencySource:
        """The source on this rank's part of the mesh."""
        return RadiofrequencySource(self, surroundings)


PARTS: tuple[type, ...] = (Conductor, Generator, Ground, RadiofrequencySpec)


class RadiofrequencySource(HeatSource):
    """Electric field and generators, and what they gave in the last step."""

    name = RADIOFREQUENCY

    def __init__(self, spec: RadiofrequencySpec, surroundings: Surroundings) -> None:
        self.spec, self._space = spec, surroundings.space
        self._operators, self._materials = surroundings.operators, surroundings.materials
        self.controllers = tuple(from_description(generator.controller) for generator in spec.generators)
        self.electric = self._electric_problem(surroundings)
        names = [conductor.name for conductor in spec.conductors]
        self._outputs = tuple(
            Output(names.index(entry.driven), None if entry.returned is None else names.index(entry.returned))
            for entry in spec.generators
        )
        self._sensors = [
            [self._space.place_of(np.array(point[-self._space.dimension :]) * 1e-3) for point in entry.sensors_mm]
            for entry in spec.generators
        ]
        self.solution: ElectricSolution | None = None
        self.circuit = self._no_circuit()
        self._far_power = 0.0
        self._seen: tuple[tuple[float, ...], ...] = tuple(() for _ in spec.generators)

    def _electric_problem(self, surroundings: Surroundings) -> ElectricProblem:
        space, case, ground = surroundings.space, surroundings.case, self.spec.ground
        surfaces = case.domain.surfaces
        nodes = [
            np.unique(np.concatenate([space.nodes_of(surfaces[surface]) for surface in conductor.surfaces]))
            for conductor in self.spec.conductors
        ]
        remote = None
        if ground.centre_mm is not None:
            centre = np.array(ground.centre_mm[-space.dimension :]) * 1e-3
            remote = RemoteGround(self._operators, space.facets_of(surfaces["boundary"]), centre)
        grounded: NDArray[np.int32] = np.empty(0, np.int32)
        if ground.pad_surface is not None:
            grounded = space.nodes_of(surfaces[ground.pad_surface])
        return ElectricProblem(
            self._operators,
            nodes,
            grounded=grounded,
            remote_ground=remote,
            tolerance=case.numerics.linear_tolerance,
        )

    def _no_circuit(self) -> CircuitState:
        count = len(self._outputs)
        return CircuitState(np.zeros(len(self.spec.conductors)), np.zeros(count), np.zeros(count), np.zeros(count))

    def _drives(self, time: float) -> tuple[Drive, ...]:
        return tuple(controller.setting(time) for controller in self.controllers)

    def settings(self, time: float) -> tuple[Setting, ...]:
        """What every generator holds."""
        return tuple((drive.kind, drive.value) for drive in self._drives(time))

    def next_event(self, time: float) -> float:
        """The earliest of all generators."""
        return min((controller.next_event(time) for controller in self.controllers), default=inf)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """Electric field and Joule heat in the middle of the step."""
        drives = self._drives(time)
        self.solution, self.circuit, self._far_power = None, self._no_circuit(), 0.0
        if all(drive.kind == "off" or drive.value == 0.0 for drive in drives):
            return Deposit(np.zeros(self._space.cell_count))
        conductivity = self._materials.electrical_conductivity(middle)
        solution = self.electric.solve(conductivity, time + 0.5 * duration)
        circuit = solve_circuit(solution.conductance, self._outputs, drives)
        volts = circuit.conductor_voltages
        joule = self._repaying(self.electric.heat(solution, volts, conductivity), duration)
        self.solution, self.circuit = solution, circuit
        self._far_power = float(volts @ solution.far_conductance @ volts)
        return Deposit(joule, self._far_power, self._feedback(joule, middle))

    def _repaying(self, joule: Floats, duration: float) -> Floats:
        """The heat (cell_count,) [W/m3], raised or lowered a little until what was withheld is given back."""
        power = self._space.total(float(joule @ self._operators.cell_volume))
        if power <= 0.0:
            return joule
        return joule * (1.0 + min(max(self.withheld / (power * duration), -_MOST_REPAID), _MOST_REPAID))

    def _feedback(self, joule: Floats, temperature: Floats) -> Floats | None:
        """Loss of the Joule heat (cell_count,) [W/m3] per kelvin in drying tissue.

        Without it the field is solved for one moisture and the heat for another, and the two chase each other wherever
        a node boils away within less than a step: docs/decisions/0002. What it holds back (or adds) in one step is
        given back in the next, so that the generator's energy is deposited.
        """
        if self._space.maximum(self._materials.is_boiling(temperature).astype(float)) == 0.0:
            return None
        return joule * self._materials.drying(temperature)

    def observe(self, time: float, temperature: Floats) -> float | None:
        """Show what the generators measure to their controllers."""
        self._seen = tuple(self._measured(number, temperature) for number in range(len(self._sensors)))
        verdicts = [
            controller.observe(time, reading)
            for controller, reading in zip(self.controllers, self._readings(), strict=True)
        ]
        wanted = [verdict.shorter_step for verdict in verdicts if verdict.shorter_step is not None]
        return min(wanted) if wanted else None

    def _readings(self) -> list[Reading]:
        circuit = self.circuit
        readings = []
        for number, seen in enumerate(self._seen):
            volts, amperes = float(circuit.voltages[number]), float(circuit.currents[number])
            impedance = volts / amperes if amperes > 0.0 else inf
            readings.append(Reading(float(circuit.powers[number]), volts, amperes, impedance, seen))
        return readings

    def _measured(self, number: int, temperature: Floats) -> tuple[float, ...]:
        """What the sensors of a generator measure [degC] (collective)."""
        return tuple(self._space.value_at(temperature, place) for place in self._sensors[number])

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Keep account of what the generators were set to and the tissue did not take."""
        self.withheld += duration * (float(self.circuit.powers.sum()) - self._far_power - taken)

    def row(self) -> dict[str, float]:
        """Power, voltage, current, impedance and sensors of every generator."""
        row = {}
        for entry, reading in zip(self.spec.generators, self._readings(), strict=True):
            row[f"{entry.name}.power_W"] = reading.power_W
            row[f"{entry.name}.voltage_V"] = reading.voltage_V
            row[f"{entry.name}.current_A"] = reading.current_A
            row[f"{entry.name}.impedance_ohm"] = reading.impedance_ohm if reading.current_A > 0.0 else 0.0
            for sensor, seen in enumerate(reading.sensor_temperatures, start=1):
                row[f"{entry.name}.sensor_{sensor}_degC"] = seen
        return row

    def fields(self) -> dict[str, Floats]:
        """The electric potential."""
        return {"potential_V": self.potential()}

    def potential(self) -> Floats:
        """Electric potential (count,) [V, rms] of the last step, zero without power."""
        if self.solution is None:
            return np.zeros(self._space.count)
        return np.asarray(self.circuit.conductor_voltages @ self.solution.unit_potentials)

    def state(self) -> dict[str, Any]:
        """Controllers, and what is withheld."""
        return {
            "controllers": [controller.state() for controller in self.controllers],
            "withheld": self.withheld,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        for controller, own in zip(self.controllers, state["controllers"], strict=True):
            controller.restore(own)
        self.withheld = state["withheld"]

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Former unit potentials, from which the next solution starts, by conductor and time."""
        return {
            f"{conductor}/{float(time)!r}": values
            for conductor, history in enumerate(self.electric.histories)
            for time, values in history
        }

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from former unit potentials."""
        histories: Sequence[list[tuple[float, Floats]]] = [[] for _ in self.spec.conductors]
        for name, values in fields.items():
            conductor, time = name.split("/")
            histories[int(conductor)].append((float(time), values))
        self.electric.histories = [sorted(history, key=lambda entry: entry[0]) for history in histories]

    def statistics(self) -> dict[str, int]:
        """Of the electric solver."""
        solver = self.electric.solver
        return {
            "electric_solves": solver.solves,
            "electric_iterations": solver.iterations,
            "multigrid_setups": solver.setups,
        }

    def facts(self) -> dict[str, Any]:
        """Where the controllers stand."""
        return {
            "controllers": [
                {"name": generator.name, **controller.state()}
                for generator, controller in zip(self.spec.generators, self.controllers, strict=True)
            ]
        }
