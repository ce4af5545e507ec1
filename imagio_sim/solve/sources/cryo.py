# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cryoprobes: walls that a gas inside holds cold or warm, any number of them in the same tissue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.heat import Exchange
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings

CRYO = "cryo"
"""What all probes are together."""

PROBE = "cryoprobe/"
"""Prefix of the name under which the heat that a probe takes is booked."""

# The gas may change its temperature by this much [K] in one step, within which it is taken to change linearly.
_LARGEST_CHANGE = 20.0


@dataclass(frozen=True)
class Gas:
    """Temperature [degC] that the gas approaches, within which time [s], and its heat transfer [W/(m2 K)]."""

    temperature: float
    time_constant: float
    heat_transfer_coefficient: float


@dataclass(frozen=True)
class CryoPhase:
    """What flows from ``begin`` to ``end`` [s] of the stage; no gas: nothing does."""

    action: str
    begin: float
    end: float
    gas: Gas | None


@dataclass(frozen=True)
class CryoProbe:
    """The active surfaces of one probe and its phases."""

    name: str
    surfaces: tuple[str, ...]
    phases: tuple[CryoPhase, ...]


@dataclass(frozen=True)
class CryoSpec:
    """All probes of a stage."""

    probes: tuple[CryoProbe, ...]

    def source(self, surroundings: Surroundings) -> CryoSource:
        """The source on this rank's part of the mesh."""
        return CryoSource(self, surroundings)


PARTS: tuple[type, ...] = (Gas, CryoPhase, CryoProbe, CryoSpec)


class CryoSource(HeatSource):
    """Probes at work: each holds its gas temperature behind the heat transfer of its wall."""

    name = CRYO

    def __init__(self, spec: CryoSpec, surroundings: Surroundings) -> None:
        self._space = surroundings.space
        self._probes = tuple(_Probe(probe, surroundings) for probe in spec.probes)

    def settings(self, time: float) -> tuple[Setting, ...]:
        """The action of every probe."""
        return tuple(probe.setting(time) for probe in self._probes)

    def next_event(self, time: float) -> float:
        """The next change of a phase, or when a gas will have changed by so much that a step should end."""
        return min((probe.next_event(time) for probe in self._probes), default=inf)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """None: probes exchange heat through their walls."""
        return Deposit(np.zeros(self._space.cell_count))

    def exchanges(self, time: float, duration: float) -> Mapping[str, Exchange]:
        """The walls of the probes whose gas flows, at the temperature of the gas, which changes during the step."""
        found = ((probe.booked, probe.exchange(time, duration)) for probe in self._probes)
        return {name: exchange for name, exchange in found if exchange is not None}

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Note wall temperatures and heat flows."""
        for probe in self._probes:
            probe.accept(duration, end)

    def row(self) -> dict[str, float]:
        """Gas, wall and heat taken of every probe."""
        return {name: value for probe in self._probes for name, value in probe.row().items()}

    def state(self) -> dict[str, Any]:
        """Where the probes stand."""
        return {"probes": [probe.state() for probe in self._probes]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        for probe, own in zip(self._probes, state["probes"], strict=True):
            probe.restore(own)

    def facts(self) -> dict[str, Any]:
        """The coldest wall and the largest heat flow of every probe."""
        return {probe.name: probe.facts() for probe in self._probes}


class _Probe:
    """One probe with its area on the nodes of this rank, and what it was like in the last step."""

    def __init__(self, spec: CryoProbe, surroundings: Surroundings) -> None:
        self.name, self.booked, self._phases = spec.name, f"{PROBE}{spec.name}", spec.phases
        self._space = surroundings.space
        surfaces = surroundings.case.domain.surfaces
        self._area: Floats = np.zeros(self._space.count)
        for surface in spec.surfaces:
            self._area += surroundings.operators.surface_share(self._space.facets_of(surfaces[surface]))
        self._total_area = self._space.node_sum(self._area)
        self._time = 0.0
        self._wall = self._initial_wall(surroundings)
        self._coldest_wall = self._before_phase = self._gas_temperature = self._wall
        self._power = self._largest_power = 0.0

    def _initial_wall(self, surroundings: Surroundings) -> float:
        """Temperature [degC] of the wall at the beginning: ice of an earlier stage, or the body."""
        initial = surroundings.case.initial_state
        if "temperature" not in initial:
            return surroundings.case.body_temperature
        return self._mean_on_wall(initial["temperature"][self._space.input_node])

    def _mean_on_wall(self, temperature: Floats) -> float:
        """Mean [degC] of a nodal temperature (count,) over the area of the wall."""
        return float(self._space.node_sum(self._area * temperature) / self._total_area)

    def _phase(self, time: float) -> CryoPhase | None:
        return next((p for p in self._phases if p.begin - SAME_TIME <= time < p.end - SAME_TIME), None)

    def setting(self, time: float) -> Setting:
        phase = self._phase(time)
        return OFF if phase is None or phase.gas is None else (phase.action, 1.0)

    def next_event(self, time: float) -> float:
        phase = self._phase(time)
        boundaries = [edge for p in self._phases for edge in (p.begin, p.end) if edge > time + SAME_TIME]
        events = [*boundaries, time + _steady_time(phase.gas, self._gap(phase, time))] if phase else boundaries
        return min(events, default=inf)

    def _gap(self, phase: CryoPhase, time: float) -> float:
        """How far the gas is from its final temperature [K]; it begins at the temperature its wall had."""
        if phase.gas is None:
            return 0.0
        return (self._before_phase - phase.gas.temperature) * exp(-(time - phase.begin) / phase.gas.time_constant)

    def exchange(self, time: float, duration: float) -> Exchange | None:
        phase = self._phase(time)
        if phase is None or phase.gas is None:
            return None
        begin, end = (phase.gas.temperature + self._gap(phase, at) for at in (time, time + duration))
        return Exchange(self._area * phase.gas.heat_transfer_coefficient, begin, end_temperature=end)

    def accept(self, duration: float, end: Floats) -> None:
        exchange = self.exchange(self._time, duration)
        self._wall = self._mean_on_wall(end)
        at_end = None if exchange is None else exchange.during(1.0)
        self._power = 0.0 if at_end is None else self._space.node_sum(at_end.flow(end))
        self._gas_temperature = self._wall if at_end is None else float(at_end.temperature)
        self._time += duration
        self._coldest_wall = min(self._coldest_wall, self._wall)
        self._largest_power = max(self._largest_power, self._power)
        if any(abs(self._time - phase.begin) < SAME_TIME for phase in self._phases):
            self._before_phase = self._wall

    def row(self) -> dict[str, float]:
        return {
            f"{self.name}.gas_degC": self._gas_temperature,
            f"{self.name}.wall_degC": self._wall,
            f"{self.name}.heat_taken_W": self._power,
        }

    def state(self) -> dict[str, float]:
        return {
            "time": self._time,
            "before_phase": self._before_phase,
            "wall": self._wall,
            "coldest_wall": self._coldest_wall,
            "largest_power": self._largest_power,
        }

    def restore(self, state: Mapping[str, float]) -> None:
        self._time, self._before_phase = state["time"], state["before_phase"]
        self._wall, self._coldest_wall = state["wall"], state["coldest_wall"]
        self._largest_power = state["largest_power"]

    def facts(self) -> dict[str, float]:
        return {"coldest_wall_degC": self._coldest_wall, "largest_heat_taken_W": self._largest_power}


def _steady_time(gas: Gas | None, gap: float) -> float:
    """Time [s] in which a gas ``gap`` [K] from its final temperature changes by no more than a step may hold."""
    if gas is None or abs(gap) <= _LARGEST_CHANGE:
        return inf
    return -gas.time_constant * log(1.0 - _LARGEST_CHANGE / abs(gap))
