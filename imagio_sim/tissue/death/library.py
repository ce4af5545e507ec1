# SPDX-License-Identifier: LGPL-3.0-or-later
"""The death models by what kills: records of all, and the temperature-driven ones (heat, cold) made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from imagio_sim.tissue.death.arrhenius import Arrhenius
from imagio_sim.tissue.death.cooling_rate import CoolingRateNadir
from imagio_sim.tissue.death.held_nadir import HeldNadir
from imagio_sim.tissue.death.isotherm import Isotherm
from imagio_sim.tissue.death.model import DeathModel
from imagio_sim.tissue.death.nadir import Nadir
from imagio_sim.tissue.death.thermal_dose import ThermalDose
from imagio_sim.tissue.death.three_state import ThreeState
from imagio_sim.tissue.value import Value, read_data_file, read_value

HEAT, COLD, ELECTROPORATION = "heat", "cold", "electroporation"
ISCHAEMIA = "ischaemia"
RADIATION = "radiation"
DRUG = "drug"

DECIDING: Mapping[str, str] = MappingProxyType(
    {
        HEAT: "arrhenius_hepg2",
        COLD: "nadir_40",
        ELECTROPORATION: "lethal_field",
        ISCHAEMIA: "ischaemia_half_day",
        RADIATION: "lq_tissue",
        DRUG: "drug_exposure",
    }
)
"""The model that decides where each agent has killed; docs/decisions/0003, 0009, 0010 and 0014 say why."""

SLOW = frozenset({ISCHAEMIA, RADIATION, DRUG})
"""What kills over days: blood flows on in tissue whose cells it has doomed."""

_FILES: Mapping[str, str] = MappingProxyType(
    {
        HEAT: "death/library.yaml",
        COLD: "death/cold.yaml",
        ELECTROPORATION: "death/electroporation.yaml",
        ISCHAEMIA: "death/ischaemia.yaml",
        RADIATION: "death/radiation.yaml",
        DRUG: "death/drug.yaml",
    }
)

_LAWS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "arrhenius": Arrhenius,
        "thermal_dose": ThermalDose,
        "three_state": ThreeState,
        "isotherm": Isotherm,
        "nadir": Nadir,
        "held_nadir": HeldNadir,
        "cooling_rate": CoolingRateNadir,
    }
)


Parameters: TypeAlias = Mapping[str, Mapping[str, float]]
"""Numbers in place of the library's, by the name of a death model and of its parameter."""
NOMINAL: Parameters = MappingProxyType({})
"""The library's."""
FIXED = frozenset({"reference_time", "lowest", "highest", "initially_alive"})
"""Parameters that define the others of their model and cannot be given."""


@dataclass(frozen=True)
class DeathRecord:
    """What the library holds on a model: its law, a line for people, its parameters with their sources, its agent."""

    law: str
    description: str
    parameters: Mapping[str, Value]
    agent: str = HEAT


@cache
def death_records() -> Mapping[str, DeathRecord]:
    """All models of death by whatever agent, by name."""
    return MappingProxyType(
        {
            name: _record(name, record, agent)
            for agent, path in _FILES.items()
            for name, record in read_data_file(path).items()
        }
    )


def _record(name: str, record: Mapping[str, Any], agent: str) -> DeathRecord:
    parameters = {
        key: read_value(value, where=f"{_FILES[agent]}: {name}.{key}") for key, value in record["parameters"].items()
    }
    return DeathRecord(record["law"], record["description"], MappingProxyType(parameters), agent)


def parameters_of(model: str, given: Parameters = NOMINAL) -> dict[str, float]:
    """Parameters of a model: the given ones, and the library's where none is given (KeyError for an unknown model)."""
    nominal = {key: value.value for key, value in death_records()[model].parameters.items()}
    return {**nominal, **given.get(model, {})}


def death_models(agents: Iterable[str], given: Parameters = NOMINAL) -> tuple[DeathModel, ...]:
    """The models of some agents, those of heat gated; agents that act by other than temperature have none."""
    wanted = frozenset(agents)
    return tuple(
        death_model(name, given)
        for name, record in death_records().items()
        if record.law in _LAWS and record.agent in wanted
    )


def heat_death_models() -> tuple[DeathModel, ...]:
    """All models of death by heat with their nominal parameters, gated."""
    return death_models([HEAT])


def cold_death_models() -> tuple[DeathModel, ...]:
    """All models of death by cold with their nominal parameters."""
    return death_models([COLD])


def death_model(name: str, given: Parameters = NOMINAL) -> DeathModel:
    """One temperature-driven model by its name (KeyError for an unknown one)."""
    model: DeathModel = _LAWS[death_records()[name].law](name=name, **parameters_of(name, given))
    return model
