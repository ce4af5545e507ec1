# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave antennas: the field of each in its own half plane, and the heat of all of them together.

The field of an antenna is solved anew when its tissue has changed by more than a tolerance since it was solved last,
and then for a state between that one and the one expected: field and drying are each other's cause, and a field that
followed all the way would overshoot in turn from step to step. In between, heat goes with the power that the program
sets and with the conductivity of each cell, in drying tissue within a step too: a cell that holds on to the heat of wet
tissue would reach any temperature. Each antenna is solved by one rank, which tells the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.antenna import AntennaMesh, FeedPort
from imagio_sim.physics.microwave import VACUUM_PERMITTIVITY
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.linear import LinearFailure
from imagio_sim.solve.microwave_coupling import AroundAntenna, HeatTransfer, Placement, superposed, variation_around
from imagio_sim.solve.microwave_field import AntennaField, AntennaProblem, Complexes
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings
from imagio_sim.tissue import laws
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.dielectric import Dielectric, LinearCourse, SigmoidCourse, StaticCourse

MICROWAVE = "microwave"
"""What the heat of all antennas together is booked under."""

# Keeps the logarithm of the conductivity of dry tissue finite [S/m].
_LEAST_CONDUCTIVITY = 1e-9
# Of the energy that drying tissue held back this share is given back in the next step: all of it at once would make the
# power zigzag. The heat is not changed by more than the other share for it.
_REPAID, _MOST_REPAID = 0.5, 0.1
# How far a new field goes from the state of the last one towards the one expected.
_FOLLOWED = 0.7
# Steps are such that the permittivity changes by no more than about so many tolerances in each.
_LARGEST_CHANGE = 5.0
# By how much a step is shortened at most, and at least, in which tissue dries up that was expected to stay wet.
_SHORTENED = (0.1, 0.5)

NOTABLE_VARIATION = 0.05
"""Relative variation of the permittivity around an antenna beyond which a planner is told."""


@dataclass(frozen=True)
class DielectricPart:
    """A material inside an antenna: its name in the mesh, relative permittivity and loss tangent."""

    material: str
    permittivity: float
    loss_tangent: float


@dataclass(frozen=True)
class PowerStep:
    """Power [W] at the generator from a time [s] of the stage on."""

    time: float
    power: float


@dataclass(frozen=True, eq=False)
class Antenna:
    """One antenna.

    Attributes
    ----------
    name
        Of the applicator.
    mesh, port, materials
        Its half plane, where the feed line enters it, and what its inside is made of.
    placement
        Where it is.
    wall_resistance
        Surface resistance [ohm] of its metal.
    transmission
        Share of the power that the cable between generator and port lets through, each way.
    steps
        What the generator gives over time.
    phase
        By which its wave comes earlier [rad]; None: it does not oscillate together with any other.
    """

    name: str
    mesh: AntennaMesh
    port: FeedPort
    materials: tuple[DielectricPart, ...]
    placement: Placement
    wall_resistance: float
    transmission: float
    steps: tuple[PowerStep, ...]
    phase: float | None

    def power(self, time: float) -> float:
        """Power [W] at the generator in a step that begins at a time."""
        held = [step.power for step in self.steps if step.time <= time + SAME_TIME]
        return held[-1] if held else 0.0


@dataclass(frozen=True, eq=False)
class MicrowaveSpec:
    """Antennas of one frequency [Hz] in tissues whose volume fractions (m, len(tissues)) are given for every cell.

    ``name`` is what their heat is booked under, ``tolerance`` the relative change of permittivity, as the field feels
    it, up to which a field is kept.
    """

    name: str
    frequency: float
    antennas: tuple[Antenna, ...]
    tissues: tuple[Dielectric, ...]
    fractions: Floats
    tolerance: float

    def source(self, surroundings: Surroundings) -> MicrowaveSource:
        """The source on this rank's part of the mesh."""
        return MicrowaveSource(self, surroundings)


PARTS: tuple[type, ...] = (
    Antenna,
    AntennaMesh,
    Dielectric,
    DielectricPart,
    FeedPort,
    LinearCourse,
    MicrowaveSpec,
    Placement,
    PowerStep,
    SigmoidCourse,
    StaticCourse,
)


@dataclass(frozen=True, eq=False)
class _Solved:
    """A field with the temperature (count,) and the permittivity (cells of the antenna,) it belongs to.

    ``heat`` (cell_count,) [W/m3] is that of 1 W, ``variation`` and ``scatter`` as :func:`variation_around` gives them.
    """

    nodal_temperature: Floats
    permittivity: Complexes
    field: AntennaField
    heat: Floats
    variation: float
    scatter: float


class _AntennaAtWork:
    """One antenna on this rank: its problem (on one rank only), both transfers, and the field it has now."""

    def __init__(self, number: int, spec: MicrowaveSpec, surroundings: Surroundings) -> None:
        self.antenna, self._spec = spec.antennas[number], spec
        space, antenna = surroundings.space, self.antenna
        self._comm, self._constants = space.comm, surroundings.case.constants
        self._solver_rank = number % space.comm.size
        self.around = AroundAntenna(
            antenna.mesh,
            antenna.placement,
            domain=surroundings.case.domain,
            space=space,
            fractions=spec.fractions,
        )
        self.transfer = HeatTransfer(
            antenna.mesh,
            antenna.placement,
            space=space,
            cell_volume=surroundings.operators.cell_volume,
            covered=self.around.covered,
        )
        self._cell_mean = surroundings.operators.cell_mean
        self._own_fractions = spec.fractions[space.input_cell]
        self._problem = self._own_problem() if space.comm.rank == self._solver_rank else None
        # Below this temperature [degC] a field that is kept within its tolerance is good enough.
        self.drying = min(
            self._constants["vaporisation_start"], *(tissue.conductivity_course.half_lost for tissue in spec.tissues)
        )
        self._inside = np.zeros(len(antenna.mesh.cells), dtype=complex)
        for part in antenna.materials:
            which = antenna.mesh.material == antenna.mesh.materials.index(part.material)
            self._inside[which] = part.permittivity * (1.0 - 1j * part.loss_tangent)
        self.held: _Solved | None = None
        self.tried: _Solved | None = None
        # By how much the tissue had changed in the last step since its field was solved; None: the antenna was off.
        self.change: float | None = None
        self._tried_change = 0.0
        self.solves = 0
        self.largest_mismatch = self.largest_variation = self.largest_scatter = 0.0

    def _own_problem(self) -> AntennaProblem:
        antenna = self.antenna
        return AntennaProblem(
            antenna.mesh, antenna.port, frequency=self._spec.frequency, wall_resistance=antenna.wall_resistance
        )

    def followed(self, nodal: Floats) -> tuple[Floats, Floats]:
        """What the heat of the field becomes by the tissue's conductivity (cell_count,), and its loss per kelvin [1/K].

        A field that is kept says where it is strong; how much of it a cell takes goes with the conductivity it has now.
        Drying cells lose within the step as well, and do not gain: their state is foreseen too badly for that.
        """
        assert self.tried is not None
        now, before = self._cell_mean(nodal), self._cell_mean(self.tried.nodal_temperature)
        cells = np.arange(len(now))
        here, then = self.conductivity(now, cells), self.conductivity(before, cells)
        share, loss, hot = here / then, np.zeros(len(now)), np.flatnonzero(now > self.drying)
        warmer = self.conductivity(now[hot] + 1.0, hot)
        share[hot] = np.minimum(share[hot], 1.0)
        loss[hot] = share[hot] * np.maximum(1.0 - warmer / here[hot], 0.0)
        return share, loss

    def conductivity(self, temperature: Floats, cells: NDArray[np.int64]) -> Floats:
        """Effective conductivity (n,) [S/m] of some of this rank's cells at their temperature (n,)."""
        moisture = self._moisture(temperature)
        total = np.full(len(cells), _LEAST_CONDUCTIVITY)
        for tissue, share in zip(self._spec.tissues, self._own_fractions[cells].T, strict=True):
            total += share * tissue.at(temperature, moisture)[1]
        return total

    def _moisture(self, temperature: Floats) -> Floats:
        return np.asarray(
            laws.moisture(
                temperature,
                vaporisation_start=self._constants["vaporisation_start"],
                vaporisation_width=self._constants["vaporisation_width"],
                xp=NUMPY,
            )
        )

    def _permittivities(self, nodal: Floats) -> Complexes:
        """Complex permittivity (tissue cells, angles) around the antenna at a nodal temperature (collective)."""
        temperature = self.around.temperature(nodal)
        moisture = self._moisture(temperature)
        angular = 2.0 * np.pi * self._spec.frequency * VACUUM_PERMITTIVITY
        total = np.zeros(temperature.shape, dtype=complex)
        for number, tissue in enumerate(self._spec.tissues):
            share = self.around.fractions[:, :, number]
            if share.any():
                relative, conductivity = tissue.at(temperature, moisture)
                total += share * (relative - 1j * conductivity / angular)
        return total

    def solved_at(self, nodal: Floats) -> _Solved:
        """The field for a nodal temperature (count,): the one there is, where that will do (collective)."""
        around = self._permittivities(nodal)
        self._tried_change = 0.0
        if self.held is not None:
            self._tried_change = self._change(self.held, around.mean(axis=1))
            if self._tried_change <= self._spec.tolerance:
                return self.held
            if self.change is not None:
                nodal = self.held.nodal_temperature + _FOLLOWED * (nodal - self.held.nodal_temperature)
                around = self._permittivities(nodal)
        return self._solve(nodal, around, around.mean(axis=1))

    def _change(self, known: _Solved, mean: Complexes) -> float:
        """Relative change of the tissue's permittivity since a field was solved, weighted by the power it deposits."""
        in_tissue = self.antenna.mesh.in_tissue
        before, powers = known.permittivity[in_tissue], known.field.cell_powers[in_tissue]
        return float(np.sqrt(powers @ np.abs(mean / before - 1.0) ** 2 / powers.sum()))

    def _solve(self, nodal: Floats, around: Complexes, mean: Complexes) -> _Solved:
        permittivity = self._inside.copy()
        permittivity[self.antenna.mesh.in_tissue] = mean
        field = self._field(permittivity)
        self.solves += 1
        powers = field.cell_powers[self.antenna.mesh.in_tissue]
        sides = variation_around(around / mean[:, None], powers)
        return _Solved(nodal.copy(), permittivity, field, self._carried(field, mean, nodal), *sides)

    def _field(self, permittivity: Complexes) -> AntennaField:
        """The field of 1 W, or the failure of the rank that solves, on every rank (collective)."""
        found: AntennaField | LinearFailure | None = None
        if self._problem is not None:
            try:
                found = self._problem.solve(permittivity)
            except LinearFailure as failure:
                found = failure
        told: AntennaField | LinearFailure = self._comm.bcast(found, root=self._solver_rank)
        if isinstance(told, LinearFailure):
            raise told
        return told

    def _carried(self, field: AntennaField, mean: Complexes, nodal: Floats) -> Floats:
        """Heat (cell_count,) [W/m3] of a field of 1 W, solved with a mean permittivity around (collective)."""
        angular = 2.0 * np.pi * self._spec.frequency * VACUUM_PERMITTIVITY
        around = np.maximum(-mean.imag * angular, _LEAST_CONDUCTIVITY)
        own = self.conductivity(self._cell_mean(nodal), np.arange(len(self._own_fractions)))
        return self.transfer.heat(field, around, own)

    def restored(self, nodal: Floats) -> None:
        """Have the field again that was solved at a nodal temperature (collective)."""
        around = self._permittivities(nodal)
        self.held = self._solve(nodal, around, around.mean(axis=1))

    def accept(self) -> None:
        """Keep the field of the step that has been taken."""
        self.change = None if self.tried is None else self._tried_change
        if self.tried is not None:
            self.held, self.tried = self.tried, None
            self.largest_variation = max(self.largest_variation, self.held.variation)
            self.largest_scatter = max(self.largest_scatter, self.held.scatter)
            self.largest_mismatch = max(self.largest_mismatch, abs(self.transfer.mismatch))

    def shares(self, solved: _Solved) -> dict[str, float]:
        """Where the generator's power goes [W/W]; the shares add up to 1."""
        field, through = solved.field, self.antenna.transmission
        tissue = self.transfer.power_in_region(field)
        all_tissue = float(field.cell_powers[self.antenna.mesh.in_tissue].sum())
        return {
            "tissue": through * tissue,
            "beyond_region": through * (field.radiated + all_tissue - tissue),
            "antenna": through * (field.walls + float(field.cell_powers.sum()) - all_tissue),
            "reflected": through**2 * field.reflected,
            "cable": (1.0 - through) * (1.0 + through * field.reflected),
        }


class MicrowaveSource(HeatSource):
    """Antennas and what they gave in the last step."""

    def __init__(self, spec: MicrowaveSpec, surroundings: Surroundings) -> None:
        self.name, self.spec, self._space = spec.name, spec, surroundings.space
        self._volume = surroundings.operators.cell_volume
        self.antennas = tuple(_AntennaAtWork(number, spec, surroundings) for number in range(len(spec.antennas)))
        self._shares: list[dict[str, float]] = [{} for _ in self.antennas]
        self._powers = [0.0 for _ in self.antennas]
        self._interference = self._set_power = 0.0
        self.energies: list[dict[str, float]] = [{} for _ in self.antennas]
        self.interference_energy = self._duration = 0.0
        self._cell_mean, constants = surroundings.operators.cell_mean, surroundings.case.constants
        self._dry = constants["vaporisation_start"] + constants["vaporisation_width"]
        self._shortest_step = surroundings.case.numerics.shortest_step
        self._tried: tuple[float, Floats] | None = None

    def settings(self, time: float) -> tuple[Setting, ...]:
        """Power of every generator."""
        powers = [antenna.power(time) for antenna in self.spec.antennas]
        return tuple(("power", power) if power > 0.0 else OFF for power in powers)

    def next_event(self, time: float) -> float:
        """When next a power changes."""
        times = [step.time for antenna in self.spec.antennas for step in antenna.steps]
        return min((event for event in times if event > time + SAME_TIME), default=inf)

    @property
    def longest_step(self) -> float:
        """How long [s] the next step may be for what the last one changed around the antennas."""
        change = max(work.change or 0.0 for work in self.antennas)
        if change <= 0.0:
            return inf
        return max(self._duration * _LARGEST_CHANGE * self.spec.tolerance / change, self._shortest_step)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """Heat of all antennas at the tissue's state in the middle of the step."""
        self._tried = duration, middle
        self._powers = [antenna.power(time) for antenna in self.spec.antennas]
        self._shares = [{} for _ in self.antennas]
        self._interference = self._set_power = 0.0
        for work in self.antennas:
            work.tried = None
        running = [number for number, power in enumerate(self._powers) if power > 0.0]
        if not running:
            return Deposit(np.zeros(self._space.cell_count))
        whole = {number: self._heat_of(number, middle) for number in running}
        now = {number: self.antennas[number].followed(middle) for number in running}
        heat = self._with_interference({number: whole[number] * now[number][0] for number in running})
        loss = sum((whole[number] * now[number][1] for number in running), np.zeros(self._space.cell_count))
        self._set_power = self._power(self._with_interference(whole))
        repaid = self._repaid(heat, duration)
        beyond = sum(power * share.get("beyond_region", 0.0) for power, share in self._each())
        return Deposit(heat * repaid, beyond, loss * repaid, feedback_where_boiling=False)

    def _heat_of(self, number: int, middle: Floats) -> Floats:
        """Heat (cell_count,) [W/m3] of one antenna alone."""
        work, antenna = self.antennas[number], self.spec.antennas[number]
        work.tried = work.solved_at(middle)
        self._shares[number] = work.shares(work.tried)
        return work.tried.heat * (self._powers[number] * antenna.transmission)

    def _power(self, heat: Floats) -> float:
        return self._space.total(float(heat @ self._volume))

    def _repaid(self, heat: Floats, duration: float) -> float:
        """Factor by which the heat (cell_count,) is raised or lowered to what is set and what was withheld."""
        power = self._power(heat)
        if power <= 0.0:
            return 1.0
        wanted = self._set_power + _REPAID * self.withheld / duration
        return min(max(wanted / power, 1.0 - _MOST_REPAID), 1.0 + _MOST_REPAID)

    def observe(self, time: float, temperature: Floats) -> float | None:
        """Ask for a shorter step where tissue has dried up that was expected to stay wet, with all the heat of that."""
        assert self._tried is not None
        duration, middle = self._tried
        if duration <= self._shortest_step or not any(power > 0.0 for power in self._powers):
            return None
        before, after = self._cell_mean(middle), self._cell_mean(temperature)
        work = self.antennas[0]
        found = np.flatnonzero((before < work.drying) & (after > self._dry))
        # Some tissue keeps its conductivity without water, by the course that was chosen for it.
        found = found[work.conductivity(after[found], found) < 0.5 * work.conductivity(before[found], found)]
        share = (self._dry - before[found]) / (after[found] - before[found])
        least = self._space.minimum(share)
        if not np.isfinite(least):
            return None
        return max(duration * min(max(least, _SHORTENED[0]), _SHORTENED[1]), self._shortest_step)

    def _with_interference(self, heats: Mapping[int, Floats]) -> Floats:
        """Heat (cell_count,) [W/m3] of all antennas together, from that of each."""
        total = sum(heats.values(), np.zeros(self._space.cell_count))
        together = [number for number in heats if self.spec.antennas[number].phase is not None]
        if len(together) < 2:
            return np.asarray(total)
        alone = sum((heats[number] for number in together), np.zeros(self._space.cell_count))
        extra = self._superposed(together, heats) - alone
        self._interference = self._power(extra)
        return np.asarray(total + extra)

    def _superposed(self, together: Sequence[int], heats: Mapping[int, Floats]) -> Floats:
        """Heat (cell_count,) [W/m3] of the antennas that oscillate together."""
        works = [self.antennas[number] for number in together]
        directions = [work.transfer.direction(work.tried.field) for work in works if work.tried is not None]
        phases = [work.antenna.phase or 0.0 for work in works]
        return superposed([heats[number] for number in together], directions, phases)

    def _each(self) -> list[tuple[float, dict[str, float]]]:
        return list(zip(self._powers, self._shares, strict=True))

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Keep the fields, and account for what went where."""
        self._duration = duration
        self.withheld += duration * (self._set_power - taken)
        for work, energy, (power, shares) in zip(self.antennas, self.energies, self._each(), strict=True):
            work.accept()
            for name, share in {"generator": 1.0, **shares}.items():
                energy[name] = energy.get(name, 0.0) + duration * power * share
        self.interference_energy += duration * self._interference

    def row(self) -> dict[str, float]:
        """Power of each antenna, and how much of it is reflected and reaches tissue."""
        row = {}
        for antenna, (power, shares) in zip(self.spec.antennas, self._each(), strict=True):
            row[f"{antenna.name}.power_W"] = power
            for name in ("tissue", "reflected"):
                row[f"{antenna.name}.{name}_power_W"] = power * shares.get(name, 0.0)
        return row

    def state(self) -> dict[str, Any]:
        """What went where so far, and what was seen of the fields."""
        return {
            "energies": [dict(energy) for energy in self.energies],
            "interference_energy": self.interference_energy,
            "withheld": self.withheld,
            "duration": self._duration,
            "changes": [work.change for work in self.antennas],
            "solves": [work.solves for work in self.antennas],
            "largest": [
                [work.largest_mismatch, work.largest_variation, work.largest_scatter] for work in self.antennas
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.energies = [dict(energy) for energy in state["energies"]]
        self.interference_energy, self.withheld = state["interference_energy"], state["withheld"]
        self._duration = state["duration"]
        seen = zip(self.antennas, state["solves"], state["largest"], state["changes"], strict=True)
        for work, solves, largest, change in seen:
            work.solves, work.change = solves, change
            work.largest_mismatch, work.largest_variation, work.largest_scatter = largest

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Temperature at which each antenna's present field was solved, by its number."""
        return {str(number): work.held.nodal_temperature for number, work in enumerate(self.antennas) if work.held}

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Solve those fields again."""
        for number, temperature in fields.items():
            work = self.antennas[int(number)]
            before = work.solves
            work.restored(temperature)
            work.solves = before

    def statistics(self) -> dict[str, int]:
        """How often a field was solved."""
        return {"microwave_solves": sum(work.solves for work in self.antennas)}

    def facts(self) -> dict[str, Any]:
        """Where the energy of each antenna went, and how well the parts fit together."""
        facts: dict[str, Any] = {"interference_J": self.interference_energy}
        for work, energy in zip(self.antennas, self.energies, strict=True):
            facts[work.antenna.name] = {
                **{f"{name}_J": joule for name, joule in energy.items()},
                "reflection": None if work.held is None else abs(work.held.field.reflection),
                "field_solves": work.solves,
                "transfer_mismatch": work.largest_mismatch,
                "azimuthal_variation": work.largest_variation,
                "azimuthal_scatter": work.largest_scatter,
            }
        return facts

    def warnings(self) -> list[str]:
        """Antennas around which the tissue is not the same on all sides."""
        return [
            f"{work.antenna.name}: the permittivity around the antenna varies from side to side by "
            f"{100.0 * work.largest_variation:.0f} % (root mean square, weighted by power), and its field is computed "
            f"with the mean over the angle; beyond {100.0 * NOTABLE_VARIATION:.0f} % the side on which heat is "
            "deposited is not to be trusted"
            for work in self.antennas
            if work.largest_variation > NOTABLE_VARIATION
        ]
