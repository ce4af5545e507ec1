# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cell death where arterioles are closed, from ``ischaemia.yaml``. The least certain of all models of death here.

A closed arteriole takes the arterial share of the blood from the tissue it feeds; what comes from the portal vein
stays. Cells whose supply falls below a critical share of the normal one die, the faster the more is lacking, and not
before a tolerated time. No kinetics of it were found for human tumours: hepatocytes without oxygen are beyond recovery
after an hour, cells of hepatocellular carcinoma survive for days. So three models span what is possible, and every
result that rests on them says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from imagio_sim.tissue.death.library import DECIDING, ISCHAEMIA, NOMINAL, Parameters, death_records, parameters_of
from imagio_sim.tissue.death.model import Array


class IschaemiaDeathModel(Protocol):
    """What the loss of arterial blood kills."""

    @property
    def name(self) -> str:
        """Name under which results are reported."""

    @property
    def dead_survival(self) -> float:
        """Surviving share at which tissue counts as dead."""

    def survival(self, supply: float, duration: float) -> float:
        """Surviving share after ``duration`` [s] with ``supply``, the share of the normal blood flow that is left."""


@dataclass(frozen=True)
class SupplyDeficit:
    """Death at a rate that grows with what is lacking: S = exp(-k (1 - s / s_c) (t - t_tolerated)).

    Attributes
    ----------
    critical_supply
        Share s_c of the normal flow from which on nothing dies.
    tolerated_time
        Time [s] that all cells survive.
    death_rate
        Rate k [1/s] without any flow.
    dead_survival
        Surviving share at which tissue counts as dead.
    """

    name: str
    critical_supply: float
    tolerated_time: float
    death_rate: float
    dead_survival: float

    def survival(self, supply: float, duration: float) -> float:
        """Surviving share in (0, 1]."""
        lacking = max(1.0 - supply / self.critical_supply, 0.0)
        return exp(-self.death_rate * lacking * max(duration - self.tolerated_time, 0.0))


@dataclass(frozen=True)
class ToleratedTime:
    """All cells below the critical supply die together when the tolerated time [s] is over."""

    name: str
    critical_supply: float
    tolerated_time: float
    dead_survival: float

    def survival(self, supply: float, duration: float) -> float:
        """1 up to the tolerated time and where enough blood is left, 0 otherwise."""
        return 0.0 if supply < self.critical_supply and duration > self.tolerated_time else 1.0


def ischaemia_level(model: IschaemiaDeathModel, survival: Array) -> Array:
    """Level function (n,) of a surviving share (n,): the dead share by the lethal one, above 1.

    Linear in the share, because a node between tumour and liver has the mean of both: the logarithm of what is nearly
    nothing would draw the zone's surface a whole cell inside the tumour.
    """
    return np.asarray((1.0 - survival) / (1.0 - model.dead_survival) - 1.0, dtype=np.float64)


_LAWS: Mapping[str, type[Any]] = MappingProxyType({"supply_deficit": SupplyDeficit, "tolerated_time": ToleratedTime})


def ischaemia_death_models(given: Parameters = NOMINAL) -> tuple[IschaemiaDeathModel, ...]:
    """All models of the library, the deciding one first; ``given`` parameters in place of the nominal ones."""
    models: list[IschaemiaDeathModel] = [
        _LAWS[record.law](name=name, **parameters_of(name, given))
        for name, record in death_records().items()
        if record.agent == ISCHAEMIA
    ]
    return tuple(sorted(models, key=lambda model: model.name != DECIDING[ISCHAEMIA]))
