# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissues by name: the data files in ``library/``, one per tissue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.tissue.parameter_sets import ParameterSet, in_order
from imagio_sim.tissue.properties import refuse_implausible, refuse_unknown_property
from imagio_sim.tissue.value import Value, load_sources, read_data_file, read_value


@dataclass(frozen=True)
class Tissue:
    """A tissue and what is known about it.

    Attributes
    ----------
    name
        Name in the library, or the user's own.
    values
        Property name to :class:`Value`; what is not known is absent.
    description
        One line for people.
    generic
        True when the tissue stands for no organ in particular and must be chosen on purpose.
    injectable
        True when it is a fluid that may be injected to separate organs.
    """

    name: str
    values: Mapping[str, Value]
    description: str = ""
    generic: bool = False
    injectable: bool = False

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            refuse_implausible(name, value, where=f"tissue '{self.name}'")

    def value(self, name: str) -> float:
        """Give a property in SI units; ``volumetric_heat_capacity`` [J/(m3 K)] is density times specific heat."""
        if name in DERIVED:
            return DERIVED[name](self)
        if name not in self.values:
            refuse_unknown_property(name, where=f"tissue '{self.name}'")
            raise InputError(
                f"tissue '{self.name}'",
                found=f"no value for '{name}'",
                allowed=f"a tissue that has '{name}'",
                remedy=f"give '{name}' with its source in the scenario, or choose another tissue",
            )
        return self.values[name].value


def _volumetric_heat_capacity(tissue: Tissue) -> float:
    return tissue.value("density") * tissue.value("specific_heat_capacity")


DERIVED: Mapping[str, Callable[[Tissue], float]] = MappingProxyType(
    {"volumetric_heat_capacity": _volumetric_heat_capacity}
)
"""Properties that follow from others and are not stored."""


@cache
def tissue_names() -> tuple[str, ...]:
    """Names of all tissues in the library, sorted."""
    entries = files("imagio_sim.tissue").joinpath("library").iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def load_tissue(name: str, overrides: Mapping[str, Value] | None = None, sets: Sequence[ParameterSet] = ()) -> Tissue:
    """Load a tissue as it is in a patient: the library's values, changed by the patient's sets, then the overrides.

    Parameters
    ----------
    name
        One of :func:`tissue_names`.
    overrides
        Property name to the value that stands in for all others, with its own source text.
    sets
        Species and conditions of the patient; see :func:`imagio_sim.tissue.parameter_sets.in_order`.
    """
    tissue = _library_tissue(name)
    values = dict(tissue.values)
    for change in in_order(sets):
        values = change.changed(name, values)
    return replace(tissue, values=MappingProxyType({**values, **(overrides or {})}))


@cache
def injectable_fluids() -> tuple[str, ...]:
    """Names of the tissues that are fluids one may inject, sorted."""
    return tuple(name for name in tissue_names() if _library_tissue(name).injectable)


@cache
def _library_tissue(name: str) -> Tissue:
    if name not in tissue_names():
        nearest = get_close_matches(name, tissue_names(), n=1, cutoff=0.0)
        raise InputError(
            f"tissue '{name}'",
            found="a tissue the library does not hold",
            allowed=f"one of {', '.join(tissue_names())}",
            remedy=f"did you mean '{nearest[0]}'?",
        )
    record = read_data_file(f"library/{name}.yaml")
    records = {**record["values"], **_optics().get(name, {}), **_interstitium().get(name, {})}
    values = {key: _library_value(name, key, value) for key, value in records.items()}
    return Tissue(
        name,
        MappingProxyType(values),
        record["description"],
        record.get("generic", False),
        record.get("injectable", False),
    )


@cache
def _optics() -> dict[str, dict[str, dict[str, object]]]:
    """Optical properties by tissue: a file of their own, because laser alone asks for them."""
    return read_data_file("optics.yaml")


@cache
def _interstitium() -> dict[str, dict[str, dict[str, object]]]:
    """Interstitium and capillaries by tissue: a file of their own, because drugs alone ask for them."""
    return read_data_file("interstitium.yaml")


def _library_value(tissue: str, name: str, record: Mapping[str, object]) -> Value:
    where = f"library/{tissue}.yaml: {name}"
    value = read_value(record, where=where)
    if value.source not in load_sources() or not value.has_spread:
        raise InputError(
            where,
            found=f"source '{value.source}', spread known: {value.has_spread}",
            allowed="a key of sources.yaml and a spread (sd, or low and high)",
            remedy="complete the data file",
        )
    return value


def property_table(tissues: Sequence[str | Tissue], properties: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Properties of several tissues as arrays (len(tissues),) in SI units.

    Raises
    ------
    InputError
        Naming tissue and property, when a tissue lacks one: there are no defaults.
    """
    loaded = [load_tissue(tissue) if isinstance(tissue, str) else tissue for tissue in tissues]
    return {name: np.array([tissue.value(name) for tissue in loaded]) for name in properties}
