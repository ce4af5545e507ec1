# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cell death by trains of strong pulses: models of the field that kills, made from ``electroporation.yaml``.

They know fields and numbers of pulses and nothing of temperature. Where several pairs of electrodes act, a cell
survives what the pair that does it most harm leaves alive: for equal trains that is the law at the largest of their
fields, as Go-Smart evaluates it. Harm from different pairs is not added up, because no measurement of it was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from imagio_sim.tissue.arithmetic import NUMPY, Arithmetic, Operand
from imagio_sim.tissue.death.library import DECIDING, ELECTROPORATION, NOMINAL, Parameters, death_records, parameters_of
from imagio_sim.tissue.death.model import LEVEL_LIMIT, Array, clipped_level

_LARGEST_EXPONENT = 700.0


class PulseDeathModel(Protocol):
    """What a train of pulses of one pair of electrodes kills."""

    @property
    def name(self) -> str:
        """Name under which results are reported."""

    @property
    def least_pulses(self) -> float:
        """The shortest train it judges; fewer pulses kill nothing by it, which need not be true."""

    @property
    def shortest_pulse(self) -> float:
        """Width [s] of the shortest pulses it was found with."""

    @property
    def longest_pulse(self) -> float:
        """Width [s] of the longest pulses it was found with."""

    def survival(self, field: Array, pulses: float) -> Array:
        """Surviving share (n,) after a number of pulses at a field strength (n,) [V/m]; 1 without pulses or field."""

    def lethal_strength(self, pulses: float) -> float:
        """Field strength [V/m] from which on tissue counts as dead after a number of pulses; inf where none kills."""


def peleg_fermi(field: Operand, *, critical_field: Operand, field_width: Operand, xp: Arithmetic) -> Operand:
    """Surviving share of the cells by the Peleg-Fermi law: 1 / (1 + exp((E - E_c) / A)).

    Parameters
    ----------
    field
        Field strength during the pulses [V/m], any shape.
    critical_field, field_width
        E_c and A [V/m] for the number of pulses n; both fall with it, E_c = E_0 exp(-k_1 n) and A = A_0 exp(-k_2 n).

    Notes
    -----
    Source: Golberg and Rubinsky 2010 (doi 10.1186/1475-925X-9-13), as used by Garcia et al. 2014
    (doi 10.1371/journal.pone.0103083).
    """
    # the exponential of a larger argument overflows, where nothing survives anyway
    steepness = xp.minimum((field - critical_field) / field_width, _LARGEST_EXPONENT)
    return 1.0 / (1.0 + xp.exp(steepness))


@dataclass(frozen=True)
class PelegFermi:
    """The Peleg-Fermi law with fields that fall with the number of pulses; dead below a survival."""

    name: str
    first_field: float
    field_rate: float
    first_width: float
    width_rate: float
    dead_survival: float
    least_pulses: float
    shortest_pulse: float
    longest_pulse: float

    def critical_field(self, pulses: float) -> float:
        """Field E_c [V/m] that half of the cells survive."""
        return float(self.first_field * np.exp(-self.field_rate * pulses))

    def field_width(self, pulses: float) -> float:
        """Range A of fields [V/m] over which survival falls."""
        return float(self.first_width * np.exp(-self.width_rate * pulses))

    def survival(self, field: Array, pulses: float) -> Array:
        """Surviving share (n,), of what the law leaves alive without a field.

        The law itself leaves 0.95 alive after one pulse of no field and all but 1e-18 after ninety.
        """
        return np.asarray(self._law(field, pulses) / self._law(np.zeros(1), pulses))

    def _law(self, field: Array, pulses: float) -> Array:
        critical, width = self.critical_field(pulses), self.field_width(pulses)
        return np.asarray(peleg_fermi(field, critical_field=critical, field_width=width, xp=NUMPY))

    def lethal_strength(self, pulses: float) -> float:
        """Field strength [V/m] at which the survival that counts as dead is reached; inf without pulses."""
        if pulses < self.least_pulses:
            return float("inf")
        left = self.dead_survival * float(self._law(np.zeros(1), pulses)[0])
        return float(self.critical_field(pulses) + self.field_width(pulses) * np.log(1.0 / left - 1.0))


@dataclass(frozen=True)
class LethalField:
    """Death at once where a field [V/m] was reached by a train of enough pulses."""

    name: str
    field: float
    least_pulses: float
    shortest_pulse: float
    longest_pulse: float

    def survival(self, field: Array, pulses: float) -> Array:
        """1 below the threshold or for a shorter train, 0 from there on."""
        return np.asarray(np.where(field >= self.lethal_strength(pulses), 0.0, 1.0))

    def lethal_strength(self, pulses: float) -> float:
        """The threshold [V/m]; inf for a train that is too short."""
        return self.field if pulses >= self.least_pulses else float("inf")


def survival_of_all(model: PulseDeathModel, trains: Iterable[tuple[Array, float]], count: int) -> Array:
    """Surviving share (count,) after trains of several pairs, each a field (count,) [V/m] and a number of pulses."""
    left: Array = np.ones(count)
    for field, pulses in trains:
        left = np.minimum(left, model.survival(field, pulses) if pulses > 0.0 else 1.0)
    return left


def level_of_all(model: PulseDeathModel, trains: Iterable[tuple[Array, float]], count: int) -> Array:
    """Level function (count,) after trains of several pairs: the logarithm of the field over the lethal one.

    Positive where dead. The logarithm, because the field of a needle falls by orders of magnitude.
    """
    level: Array = np.full(count, -LEVEL_LIMIT)
    for field, pulses in trains:
        with np.errstate(divide="ignore"):
            level = np.maximum(level, np.log(field) - np.log(model.lethal_strength(pulses)))
    return clipped_level(level)


_LAWS: Mapping[str, type[Any]] = MappingProxyType({"peleg_fermi": PelegFermi, "lethal_field": LethalField})


def electroporation_death_models(given: Parameters = NOMINAL) -> tuple[PulseDeathModel, ...]:
    """All models of the library, the deciding one first; ``given`` parameters in place of the nominal ones."""
    models: list[PulseDeathModel] = [
        _LAWS[record.law](name=name, **parameters_of(name, given))
        for name, record in death_records().items()
        if record.agent == ELECTROPORATION
    ]
    return tuple(sorted(models, key=lambda model: model.name != DECIDING[ELECTROPORATION]))
