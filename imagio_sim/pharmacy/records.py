# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pharmacy's data files: ``library/<folder>/<name>.yaml``, in which every number carries its source and spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from imagio_sim.errors import InputError
from imagio_sim.tissue.value import Value, load_sources, read_value


@dataclass(frozen=True)
class Quantity:
    """What a number of a data file must be: its unit, the range in which anything real lies, its meaning in words."""

    unit: str
    low: float
    high: float
    meaning: str


Quantities = Mapping[str, Quantity]
Values = Mapping[str, Value]


@cache
def record_names(folder: str) -> tuple[str, ...]:
    """Names of all data files of a folder, sorted."""
    entries = (files("imagio_sim.pharmacy") / "library" / folder).iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def read_record(folder: str, name: str, what: str) -> dict[str, Any]:
    """Parse a data file.

    Parameters
    ----------
    folder, name
        Where it is.
    what
        What it describes, in words, for the error that names the nearest where there is none.
    """
    known = record_names(folder)
    if name not in known:
        nearest = get_close_matches(name, known, n=1, cutoff=0.0)
        raise InputError(
            f"{what} '{name}'",
            found=f"a {what} the pharmacy does not hold",
            allowed=f"one of {', '.join(known)}",
            remedy=f"did you mean '{nearest[0]}'?",
        )
    text = (files("imagio_sim.pharmacy") / "library" / folder / f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.CSafeLoader))


def read_values(records: Mapping[str, Mapping[str, Any]], quantities: Quantities, *, where: str) -> Values:
    """Read all numbers of a data file, each with a known source, a spread, the right unit and a plausible value."""
    return MappingProxyType(
        {name: _read(record, quantities, name, f"{where}: {name}") for name, record in records.items()}
    )


def _read(record: Mapping[str, Any], quantities: Quantities, name: str, where: str) -> Value:
    value = read_value(record, where=where)
    if value.source not in load_sources() or not value.has_spread:
        raise InputError(
            where,
            found=f"source '{value.source}', spread known: {value.has_spread}",
            allowed="a key of the bibliography and a spread (sd, or low and high)",
            remedy="complete the data file",
        )
    refuse_implausible(name, value, quantities, where=where)
    return value


def refuse_implausible(name: str, value: Value, quantities: Quantities, *, where: str) -> None:
    """Raise for an unknown quantity, another unit than the quantity's, or a value where nothing real lies."""
    if name not in quantities:
        nearest = get_close_matches(name, quantities, n=1, cutoff=0.0)
        raise InputError(
            where,
            found=f"quantity '{name}'",
            allowed=f"one of {', '.join(quantities)}",
            remedy=f"did you mean '{nearest[0]}'?",
        )
    quantity = quantities[name]
    if value.unit != quantity.unit or not quantity.low <= value.value <= quantity.high:
        raise InputError(
            where,
            found=f"{value.value:g} {value.unit}",
            allowed=f"{quantity.low:g} to {quantity.high:g} {quantity.unit}",
            remedy="give the value in this unit and range",
        )


def needed(values: Values, name: str, quantities: Quantities, *, where: str) -> Value:
    """One of the values; there is no default for one that is missing."""
    if name not in values:
        meaning = f" ({quantities[name].meaning})" if name in quantities else ""
        raise InputError(
            where,
            found=f"no value for '{name}'{meaning}",
            allowed=f"data that hold '{name}'",
            remedy=f"add '{name}' with its source to the data file, or choose another",
        )
    return values[name]
