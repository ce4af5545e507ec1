# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cell death by a drug: models of exposure, made from ``drug.yaml``.

What has been done to cells is one number per point, the integral over time of a rate that depends on the concentration
alone, nothing without drug; the surviving share follows from it. Several drugs act independently of each other: their
surviving shares are multiplied.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from imagio_sim.errors import InputError
from imagio_sim.tissue.death.library import DECIDING, DRUG, NOMINAL, Parameters, death_records, parameters_of
from imagio_sim.tissue.death.model import Array, clipped_level

Quantity: TypeAlias = Literal["free", "content"]
"""What a model looks at: free drug in the interstitial fluid [mol/m3], or what one cell holds [mol]."""

_OF_DRUG = ("half_concentration", "half_content")


class DrugDeathModel(Protocol):
    """What exposure to a drug kills; the state (n,) is zero without drug."""

    @property
    def name(self) -> str:
        """Name under which results are reported; the same for all drugs."""

    @property
    def drug(self) -> str:
        """Drug whose parameters it has."""

    @property
    def quantity(self) -> Quantity:
        """Which amount ``rate`` and ``advance`` are given."""

    @property
    def dead_survival(self) -> float:
        """Surviving share below which tissue counts as dead."""

    def rate(self, amount: Array) -> Array:
        """Rate (n,) at which the state rises at an amount (n,) of ``quantity``."""

    def advance(self, state: Array, amount_start: Array, amount_end: Array, duration: float) -> Array:
        """State (n,) after ``duration`` [s], from the mean of the rates at both ends."""

    def survival(self, state: Array) -> Array:
        """Surviving share (n,) in [0, 1]."""

    def level(self, state: Array) -> Array:
        """Logarithm of the effect over the lethal one, positive where dead (n,)."""


@dataclass(frozen=True)
class _Integrated(ABC):
    """What both laws share; the effect is the negative logarithm of survival."""

    name: str
    drug: str
    dead_survival: float

    @abstractmethod
    def rate(self, amount: Array) -> Array: ...

    @abstractmethod
    def effect(self, state: Array) -> Array: ...

    def advance(self, state: Array, amount_start: Array, amount_end: Array, duration: float) -> Array:
        """State after a step; trapezoidal, so of second order in its length."""
        return np.asarray(state + 0.5 * duration * (self.rate(amount_start) + self.rate(amount_end)))

    def survival(self, state: Array) -> Array:
        """Surviving share: exp(-effect)."""
        return np.exp(-self.effect(state))

    def level(self, state: Array) -> Array:
        """Logarithm of the effect over that of ``dead_survival``."""
        with np.errstate(divide="ignore"):
            return clipped_level(np.log(self.effect(state)) - np.log(-np.log(self.dead_survival)))


@dataclass(frozen=True)
class DrugExposure(_Integrated):
    """Hill curve of a power of concentration, integrated over time: S = 1 / (1 + (C / IC50(t))^m).

    With the half concentration that falls with time as IC50(t) = C_24 (t_24 / t)^(1/n) and a concentration that varies,
    C^n t becomes the integral of C^n. n = 1 is concentration times time (Haber's rule).

    Attributes
    ----------
    half_concentration, reference_time
        C_24 [mol/m3] that half of the cells survive for t_24 [s].
    exponent, steepness
        n and m.
    """

    half_concentration: float
    reference_time: float
    exponent: float
    steepness: float

    @property
    def quantity(self) -> Quantity:
        """Free drug in the interstitial fluid."""
        return "free"

    def half_concentration_after(self, duration: float) -> float:
        """Concentration [mol/m3] that half of the cells survive for a time [s]."""
        return float(self.half_concentration * (self.reference_time / duration) ** (1.0 / self.exponent))

    def rate(self, amount: Array) -> Array:
        """(C / C_24)^n / t_24 [1/s]: the state is one where half of the cells survive."""
        relative = np.maximum(amount, 0.0) / self.half_concentration
        return np.asarray(relative**self.exponent / self.reference_time)

    def rate_slope(self, amount: Array) -> Array:
        """Derivative of the rate by the amount [m3/(mol s)]."""
        relative = np.maximum(amount, 0.0) / self.half_concentration
        slope = self.exponent * relative ** (self.exponent - 1.0) / (self.half_concentration * self.reference_time)
        return np.asarray(np.where(amount > 0.0, slope, 0.0))

    def effect(self, state: Array) -> Array:
        """log(1 + X^(m/n))."""
        return np.log1p(state ** (self.steepness / self.exponent))

    def survival_slope(self, state: Array) -> Array:
        """Derivative of the surviving share by the state X > 0: -(m/n) X^(m/n - 1) S^2."""
        power = self.steepness / self.exponent
        return np.asarray(-power * state ** (power - 1.0) * self.survival(state) ** 2)


@dataclass(frozen=True)
class CellContent(_Integrated):
    """Cells die at the rate k a / (a + a_50) of what they hold, a.

    Attributes
    ----------
    half_content
        a_50 [mol], at which the rate is half of the largest.
    largest_rate
        k [1/s].
    """

    half_content: float
    largest_rate: float

    @property
    def quantity(self) -> Quantity:
        """What one cell holds."""
        return "content"

    def rate(self, amount: Array) -> Array:
        """Rate of death [1/s]."""
        held = np.maximum(amount, 0.0)
        return np.asarray(self.largest_rate * held / (held + self.half_content))

    def effect(self, state: Array) -> Array:
        """The integrated rate."""
        return state


_LAWS: Mapping[str, type[Any]] = {"exposure": DrugExposure, "content": CellContent}


def _parameters(name: str, drug: str, given: Parameters) -> dict[str, float]:
    """Parameters of the model for a drug; those of other drugs are left out."""
    found = {}
    for key, value in parameters_of(name, given).items():
        whose = next((stem for stem in _OF_DRUG if key.startswith(f"{stem}_")), None)
        if whose is None:
            found[key] = value
        elif key == f"{whose}_{drug}":
            found[whose] = value
    if not any(stem in found for stem in _OF_DRUG):
        raise InputError(
            f"drug '{drug}'",
            found=f"no constant of it in the death model '{name}'",
            allowed=f"one of {', '.join(drugs_with_death_models())}",
            remedy="add its half_concentration and half_content with their sources to tissue/death/drug.yaml",
        )
    return found


@cache
def drugs_with_death_models() -> tuple[str, ...]:
    """Drugs whose effect on cells every model knows, sorted."""
    known = [
        {key.removeprefix(f"{stem}_") for key in record.parameters for stem in _OF_DRUG if key.startswith(f"{stem}_")}
        for record in death_records().values()
        if record.agent == DRUG
    ]
    return tuple(sorted(set.intersection(*known)))


def drug_death_models(drug: str, given: Parameters = NOMINAL) -> tuple[DrugDeathModel, ...]:
    """All models for a drug, the deciding one first; InputError for an unknown drug.

    ``given`` parameters take the place of the nominal ones.
    """
    models: list[DrugDeathModel] = [
        _LAWS[record.law](name=name, drug=drug, **_parameters(name, drug, given))
        for name, record in death_records().items()
        if record.agent == DRUG
    ]
    return tuple(sorted(models, key=lambda model: model.name != DECIDING[DRUG]))


def deciding_of(models: Sequence[DrugDeathModel], deciding: Collection[str]) -> DrugDeathModel:
    """The first of a drug's models that is among those that decide, or else its first."""
    return next((model for model in models if model.name in deciding), models[0])
