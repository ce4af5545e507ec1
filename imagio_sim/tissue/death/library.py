# SPDX-License-Identifier: LGPL-3.0-or-later
"""The death models for heat, made from ``library.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from imagio_sim.tissue.death.arrhenius import Arrhenius
from imagio_sim.tissue.death.isotherm import Isotherm
from imagio_sim.tissue.death.model import DeathModel
from imagio_sim.tissue.death.thermal_dose import ThermalDose
from imagio_sim.tissue.death.three_state import ThreeState
from imagio_sim.tissue.value import Value, read_data_file, read_value

DECIDING = "arrhenius_hepg2"
"""The model that decides where heat has killed; docs/decisions/0003 says why."""

_LAWS: Mapping[str, type[Any]] = MappingProxyType(
    {"arrhenius": Arrhenius, "thermal_dose": ThermalDose, "three_state": ThreeState, "isotherm": Isotherm}
)


@dataclass(frozen=True)
class DeathRecord:
    """What the library holds on a model: its law, a line for people, its parameters with their sources."""

    law: str
    description: str
    parameters: Mapping[str, Value]


@cache
def death_records() -> Mapping[str, DeathRecord]:
    """All heat-death models by name."""
    return MappingProxyType(
        {name: _record(name, record) for name, record in read_data_file("death/library.yaml").items()}
    )


def _record(name: str, record: Mapping[str, Any]) -> DeathRecord:
    parameters = {
        key: read_value(value, where=f"death/library.yaml: {name}.{key}") for key, value in record["parameters"].items()
    }
    return DeathRecord(record["law"], record["description"], MappingProxyType(parameters))


@cache
def heat_death_models() -> tuple[DeathModel, ...]:
    """All models of the library with their nominal parameters, gated."""
    return tuple(_model(name, record) for name, record in death_records().items())


def _model(name: str, record: DeathRecord) -> DeathModel:
    model: DeathModel = _LAWS[record.law](name=name, **{key: value.value for key, value in record.parameters.items()})
    return model


def heat_death_model(name: str) -> DeathModel:
    """One model of :func:`heat_death_models` by its name (KeyError for an unknown one)."""
    return {model.name: model for model in heat_death_models()}[name]
