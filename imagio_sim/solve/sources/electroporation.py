# SPDX-License-Identifier: LGPL-3.0-or-later
"""Trains of electroporating pulses over pairs of needles: their field, the heat averaged over pulses, and the death.

While a train lasts, its pulses are one field at the temperature of the moment; the Joule heat of that field, times the
share of the time in which it is on, is what the tissue is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from imagio_sim.physics.electroporation import duty
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.electric import RemoteGround
from imagio_sim.solve.electroporation_field import DipoleBoundary, Nodes, PairProblem, PulsedTissue, PulseField
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings
from imagio_sim.tissue.death.electroporation import electroporation_death_models, level_of_all, survival_of_all

ELECTROPORATION = "electroporation"
"""What the heat of all pulses is booked under."""
TISSUE_FIELDS = (
    "intact_conductivity",
    "electroporated_conductivity",
    "electroporation_onset_field",
    "electroporation_saturation_field",
)
"""The tissue properties that the cells must have."""
# Round-off in a width.
_SAME_WIDTH = 1e-9
# Digits to which pulses are counted: a train that ends has all of them.
_PULSE_DIGITS = 6


@dataclass(frozen=True)
class PulseElectrode:
    """The bare surfaces of one needle."""

    name: str
    surfaces: tuple[str, ...]


@dataclass(frozen=True)
class PulsePair:
    """Two electrodes by name, the point between them (LPS mm), and the pulses between them [V, s, number]."""

    name: str
    driven: str
    returned: str
    centre_mm: tuple[float, float, float]
    voltage: float
    pulse_width: float
    pulses: int


@dataclass(frozen=True)
class PulseTrain:
    """Pulses of a pair (by number) without a break, from ``start`` to ``end`` [s] of the stage."""

    pair: int
    start: float
    end: float


@dataclass(frozen=True, eq=False)
class ElectroporationSpec:
    """All needles, pairs and trains of a stage.

    Attributes
    ----------
    repetition_rate
        Pulses per second.
    largest_current
        Of the generator [A]; a pulse with more ends the pulses of its pair.
    conductivity_memory
        What later trains find of the rise of conductivity that earlier ones made, 0 to 1.
    cell_fields
        The tissue properties ``TISSUE_FIELDS`` per cell (m,) [S/m, V/m].
    """

    electrodes: tuple[PulseElectrode, ...]
    pairs: tuple[PulsePair, ...]
    trains: tuple[PulseTrain, ...]
    repetition_rate: float
    largest_current: float
    conductivity_memory: float
    cell_fields: Mapping[str, Floats]

    def source(self, surroundings: Surroundings) -> ElectroporationSource:
        """The source on this rank's part of the mesh."""
        return ElectroporationSource(self, surroundings)


PARTS: tuple[type, ...] = (PulseElectrode, PulsePair, PulseTrain, ElectroporationSpec)


@dataclass
class _Record:
    """What a pair has done: pulses given, its first and largest current [A], energy [J], and whether it was stopped."""

    pulses: float = 0.0
    first_current: float = 0.0
    largest_current: float = 0.0
    energy: float = 0.0
    stopped: bool = False


@dataclass(frozen=True, eq=False)
class _Last:
    """The last deposit: the train it was in, its field, and until when."""

    train: int
    field: PulseField
    end: float


class ElectroporationSource(HeatSource):
    """The pulses of a stage at work."""

    name = ELECTROPORATION

    def __init__(self, spec: ElectroporationSpec, surroundings: Surroundings) -> None:
        self.spec, self._space = spec, surroundings.space
        self._operators, self._materials = surroundings.operators, surroundings.materials
        own = self._space.input_cell
        cells = {name: np.ascontiguousarray(spec.cell_fields[name][own]) for name in TISSUE_FIELDS}
        self._tissue = PulsedTissue(
            intact=cells["intact_conductivity"],
            electroporated=cells["electroporated_conductivity"],
            onset_field=cells["electroporation_onset_field"],
            saturation_field=cells["electroporation_saturation_field"],
            remembered=np.zeros(len(own)),
        )
        self._reference = surroundings.materials.cells["electrical_conductivity"]
        self._problems = self._pair_problems(surroundings)
        self._volume = self._operators.distributed(np.ones(self._space.cell_count))
        self._models = electroporation_death_models(surroundings.case.death_parameters)
        deciding = [model for model in self._models if model.name in surroundings.case.deciding_models]
        self._deciding = deciding[0] if deciding else self._models[0]
        self.records = [_Record() for _ in spec.pairs]
        self.largest_field = np.zeros(self._space.count)
        self._field_sums = [np.zeros(self._space.count) for _ in spec.pairs]
        self._potentials: dict[int, Floats] = {}
        self._left: dict[int, Floats] = {}
        self._boiling = surroundings.case.constants["vaporisation_start"]
        self._hottest, self._boiling_volume = surroundings.case.body_temperature, 0.0
        self._last: _Last | None = None

    def _pair_problems(self, surroundings: Surroundings) -> tuple[PairProblem, ...]:
        space, case = self._space, surroundings.case
        nodes: dict[str, Nodes] = {
            electrode.name: np.unique(
                np.concatenate([space.nodes_of(case.domain.surfaces[surface]) for surface in electrode.surfaces])
            ).astype(np.int32)
            for electrode in self.spec.electrodes
        }
        outside = space.facets_of(case.domain.surfaces["boundary"])
        problems = []
        for pair in self.spec.pairs:
            ground = RemoteGround(self._operators, outside, np.array(pair.centre_mm) * 1e-3)
            problems.append(
                PairProblem(
                    self._operators,
                    nodes[pair.driven],
                    nodes[pair.returned],
                    idle=[own for name, own in nodes.items() if name not in (pair.driven, pair.returned)],
                    boundary=DipoleBoundary(ground, space.dimension),
                    tolerance=case.numerics.linear_tolerance,
                )
            )
        return tuple(problems)

    def _train_at(self, time: float) -> int | None:
        """Number of the train that a step beginning at ``time`` is in, unless its pair was stopped."""
        for number, train in enumerate(self.spec.trains):
            if train.start - SAME_TIME <= time < train.end - SAME_TIME:
                return None if self.records[train.pair].stopped else number
        return None

    def settings(self, time: float) -> tuple[Setting, ...]:
        """The pair that is pulsed and its voltage."""
        train = self._train_at(time)
        if train is None:
            return (OFF,)
        pair = self.spec.pairs[self.spec.trains[train].pair]
        return ((pair.name, pair.voltage),)

    def next_event(self, time: float) -> float:
        """When a train begins or ends."""
        events = (event for train in self.spec.trains for event in (train.start, train.end))
        return min((event for event in events if event > time + SAME_TIME), default=inf)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """Heat of the pulses, averaged over time; none when the generator does not give their current."""
        number = self._train_at(time)
        self._last = None
        if number is None:
            return Deposit(np.zeros(self._space.cell_count))
        train = self.spec.trains[number]
        pair, problem = self.spec.pairs[train.pair], self._problems[train.pair]
        field = problem.solve(self._tissue_at(middle), pair.voltage, self._potentials.get(train.pair))
        self._last = _Last(number, field, time + duration)
        if self._is_too_much(field):
            return Deposit(np.zeros(self._space.cell_count))
        share = duty(pair.pulse_width, self.spec.repetition_rate)
        return Deposit(share * field.heat, share * field.far_power)

    def _is_too_much(self, field: PulseField) -> bool:
        return field.current > self.spec.largest_current

    def _tissue_at(self, temperature: Floats) -> PulsedTissue:
        """How the cells conduct at nodal temperatures (count,): heat and drying act as on any conductivity."""
        conductivity = self._materials.electrical_conductivity(temperature)
        factor = np.where(
            self._reference > 0.0, conductivity / np.where(self._reference > 0.0, self._reference, 1.0), 1.0
        )
        return self._tissue.heated(factor)

    def observe(self, time: float, temperature: Floats) -> float | None:
        """Stop a pair whose pulses exceed the generator's current."""
        if self._last is not None:
            record = self.records[self.spec.trains[self._last.train].pair]
            record.stopped = record.stopped or self._is_too_much(self._last.field)
        return None

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Count the pulses, and remember the field they made."""
        if self._last is None:
            return
        number, field = self._last.train, self._last.field
        train = self.spec.trains[number]
        record = self.records[train.pair]
        self._potentials[train.pair] = field.potential
        record.first_current = record.first_current or field.current
        record.largest_current = max(record.largest_current, field.current)
        if record.stopped:
            return
        pulses = self.spec.repetition_rate * duration
        strength = self._at_nodes(field.field)
        record.pulses += pulses
        record.energy += pulses * self.spec.pairs[train.pair].pulse_width * field.current * field.voltage
        self._field_sums[train.pair] = self._field_sums[train.pair] + pulses * strength
        self.largest_field = np.maximum(self.largest_field, strength)
        self._hottest = max(self._hottest, self._space.maximum(end))
        boiling = self._space.node_sum(np.where(end >= self._boiling, self._volume, 0.0))
        self._boiling_volume = max(self._boiling_volume, boiling)
        if self._last.end >= train.end - SAME_TIME:
            self._left[number] = field.potential
            self._remember()

    def _at_nodes(self, cells: Floats) -> Floats:
        """Mean over the volume around each node (count,)."""
        return np.asarray(self._operators.distributed(cells) / self._volume)

    def _remember(self) -> None:
        """What the finished trains have left open of the tissue."""
        share = np.zeros(self._space.cell_count)
        for potential in self._left.values():
            squared = np.maximum(self._operators.gradient_squared(potential), 0.0) / self._operators.cell_volume
            fresh = replace(self._tissue, remembered=np.zeros(len(share)))
            share = np.maximum(share, fresh.share(np.sqrt(squared)))
        self._tissue = replace(self._tissue, remembered=self.spec.conductivity_memory * share)

    def _trains_given(self) -> Iterator[tuple[Floats, float]]:
        """Mean field (count,) [V/m] over its pulses, and their number, of each pair that was pulsed."""
        for total, record in zip(self._field_sums, self.records, strict=True):
            if record.pulses > 0.0:
                yield total / record.pulses, round(record.pulses, _PULSE_DIGITS)

    def levels(self) -> dict[str, Floats]:
        """Of every electroporation model."""
        return {model.name: level_of_all(model, self._trains_given(), self._space.count) for model in self._models}

    def survivals(self) -> dict[str, Floats]:
        """By the deciding electroporation model."""
        survival = survival_of_all(self._deciding, self._trains_given(), self._space.count)
        return {self._deciding.name: survival}

    def row(self) -> dict[str, float]:
        """Pulses so far and current of every pair."""
        row = {}
        now = None if self._last is None else self.spec.trains[self._last.train].pair
        for number, (pair, record) in enumerate(zip(self.spec.pairs, self.records, strict=True)):
            row[f"{pair.name}.pulses"] = record.pulses
            row[f"{pair.name}.current_A"] = self._last.field.current if self._last and number == now else 0.0
        return row

    def fields(self) -> dict[str, Floats]:
        """Largest field so far, survival of the pulses, and the potential of the last of them."""
        return {
            "electric_field_maximum_V_per_m": self.largest_field,
            "electroporation_survival": self.survivals()[self._deciding.name],
            "potential_V": np.zeros(self._space.count) if self._last is None else self._last.field.potential,
        }

    def cell_fields(self) -> dict[str, Floats]:
        """What finished trains have left open of the tissue."""
        return {"electroporated_share": self._tissue.remembered}

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Fields of the pulses so far."""
        return {
            "largest": self.largest_field,
            **{f"sum/{pair}": total for pair, total in enumerate(self._field_sums)},
            **{f"potential/{pair}": values for pair, values in self._potentials.items()},
            **{f"left/{train}": values for train, values in self._left.items()},
        }

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from the fields of former pulses."""
        self.largest_field = fields["largest"]
        self._field_sums = [fields[f"sum/{pair}"] for pair in range(len(self.spec.pairs))]
        self._potentials, self._left = _numbered(fields, "potential/"), _numbered(fields, "left/")
        self._remember()

    def state(self) -> dict[str, Any]:
        """What the pairs have done."""
        records = [dict(vars(record)) for record in self.records]
        return {"records": records, "hottest": self._hottest, "boiling_volume": self._boiling_volume}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.records = [_Record(**record) for record in state["records"]]
        self._hottest, self._boiling_volume = state["hottest"], state["boiling_volume"]

    def statistics(self) -> dict[str, int]:
        """Of the solvers of all pairs."""
        solvers = [problem.solver for problem in self._problems]
        return {
            "pulse_field_solves": sum(solver.solves for solver in solvers),
            "pulse_field_iterations": sum(solver.iterations for solver in solvers),
        }

    def facts(self) -> dict[str, Any]:
        """What every pair was set to and has done, and by which rules it was judged."""
        return {
            "pairs": [
                {
                    "name": pair.name,
                    "voltage_V": pair.voltage,
                    "pulse_width_s": pair.pulse_width,
                    "pulses_planned": pair.pulses,
                    "pulses_given": round(record.pulses, 3),
                    "first_current_A": record.first_current,
                    "largest_current_A": record.largest_current,
                    "energy_J": record.energy,
                    "stopped_by_generator": record.stopped,
                }
                for pair, record in zip(self.spec.pairs, self.records, strict=True)
            ],
            "generator_limit_A": self.spec.largest_current,
            "repetition_rate_Hz": self.spec.repetition_rate,
            "largest_field_V_per_m": self._space.maximum(self.largest_field[: self._space.owned]),
            "conductivity_memory": self.spec.conductivity_memory,
            "several_pairs": "the pair that does most harm decides",
            "deciding_model": self._deciding.name,
        }

    def warnings(self) -> list[str]:
        """Pairs that were stopped, pulses the deciding model was not found with or is silent on, and boiling."""
        found = []
        for pair, record in zip(self.spec.pairs, self.records, strict=True):
            if record.stopped:
                found.append(
                    f"{pair.name}: a pulse would take {record.largest_current:.0f} A, the generator gives "
                    f"{self.spec.largest_current:g} A and stops after {record.pulses:.0f} of {pair.pulses} pulses"
                )
            found += self._unjudged(pair, record)
        if self._hottest >= self._boiling:
            found.append(
                f"tissue boiled at a needle (at once {self._boiling_volume * 1e9:.2g} mm3, up to {self._hottest:.0f} "
                "degC): the current would arc, which is not modelled"
            )
        return found

    def _unjudged(self, pair: PulsePair, record: _Record) -> Iterator[str]:
        """What the deciding model cannot say of the pulses of a pair."""
        model = self._deciding
        if round(record.pulses, _PULSE_DIGITS) < model.least_pulses:
            yield (
                f"{pair.name}: {model.name} judges trains of {model.least_pulses:g} pulses or more, this pair gave "
                f"{record.pulses:.0f}, so by that model it has killed nothing"
            )
        if (
            not model.shortest_pulse * (1.0 - _SAME_WIDTH)
            <= pair.pulse_width
            <= model.longest_pulse * (1.0 + _SAME_WIDTH)
        ):
            yield (
                f"{pair.name}: {model.name} was found with pulses of {model.shortest_pulse * 1e6:g} to "
                f"{model.longest_pulse * 1e6:g} us and knows no width; those of {pair.pulse_width * 1e6:g} us are "
                "judged as if they were so long"
            )


def _numbered(fields: Mapping[str, Floats], prefix: str) -> dict[int, Floats]:
    return {int(name.removeprefix(prefix)): values for name, values in fields.items() if name.startswith(prefix)}
