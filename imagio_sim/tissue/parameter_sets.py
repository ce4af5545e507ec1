# SPDX-License-Identifier: LGPL-3.0-or-later
"""Patient factors by name: what a species (``species/``) or a condition (``conditions/``) changes, one file per set.

A set replaces values of tissues, multiplies them, or both. The order of precedence is library, species, conditions,
scenario; within the conditions, values that are replaced come before factors, so that the order in which conditions
are named does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from imagio_sim.errors import InputError
from imagio_sim.tissue.properties import refuse_implausible, refuse_unknown_property
from imagio_sim.tissue.value import Evidence, Value, load_sources, read_data_file, read_value

Kind = Literal["species", "condition"]

_FOLDERS: Mapping[Kind, str] = MappingProxyType({"species": "species", "condition": "conditions"})
_KEYS = frozenset(
    {"description", "body_temperature", "substitutes", "every_tissue", "tissues", "factors", "constants", "excludes"}
)
# From what was seen to what was not: a product is as uncertain as its weaker part.
_FROM_STRONG_TO_WEAK: tuple[Evidence, ...] = ("read", "derived", "given", "assumed", "memory")

Values = Mapping[str, Value]


@dataclass(frozen=True)
class ParameterSet:
    """What is different in patients of one species, or in one condition.

    Attributes
    ----------
    name, kind
        Together they are the origin that changed values carry.
    description
        One line for people.
    every_tissue
        Property to the value it has in all tissues (no perfusion ex vivo).
    tissues
        Tissue to property to the value that replaces the library's.
    factors
        Tissue to property to what its value is multiplied by (unit ``1``).
    constants
        Law constants that are different.
    substitutes
        Tissue of a label to the tissue it is here (collapsed for inflated lung).
    body_temperature
        Where the set knows it.
    excludes
        Conditions that contradict this one.
    """

    name: str
    kind: Kind
    description: str
    every_tissue: Values
    tissues: Mapping[str, Values]
    factors: Mapping[str, Values]
    constants: Values
    substitutes: Mapping[str, str]
    body_temperature: Value | None
    excludes: frozenset[str]

    def __post_init__(self) -> None:
        for tissue, values in {"every_tissue": self.every_tissue, **self.tissues}.items():
            for name, value in values.items():
                refuse_implausible(name, value, where=f"{self.origin}: {tissue}")
        for tissue, values in self.factors.items():
            for name, factor in values.items():
                refuse_unknown_property(name, where=f"{self.origin}: {tissue}")
                _refuse_no_factor(factor, where=f"{self.origin}: {tissue}.{name}")

    @property
    def origin(self) -> str:
        """Kind and name, as changed values carry it."""
        return f"{self.kind} {self.name}"

    @property
    def stops_blood(self) -> bool:
        """Whether no tissue is perfused."""
        return "perfusion_rate" in self.every_tissue and self.every_tissue["perfusion_rate"].value == 0.0

    def replaced(self, tissue: str) -> dict[str, Value]:
        """Values that replace others in a tissue."""
        found = {**self.every_tissue, **self.tissues.get(tissue, {})}
        return {name: replace(value, origin=self.origin) for name, value in found.items()}

    def changed(self, tissue: str, values: Values) -> dict[str, Value]:
        """Values of a tissue as this set leaves them: replaced first, then multiplied."""
        return self.multiplied(tissue, {**values, **self.replaced(tissue)})

    def multiplied(self, tissue: str, values: Values) -> dict[str, Value]:
        """Values of a tissue after the set's factors; a property the tissue lacks stays away."""
        factors = self.factors.get(tissue, {})
        return {
            name: _product(value, factors[name], self.origin) if name in factors else value
            for name, value in values.items()
        }


def in_order(sets: Sequence[ParameterSet]) -> tuple[ParameterSet, ...]:
    """Sets in the order in which they act: species, what conditions replace, what conditions multiply."""
    species = [one for one in sets if one.kind == "species"]
    conditions = [one for one in sets if one.kind == "condition"]
    replacing = [replace(one, factors=MappingProxyType({})) for one in conditions]
    multiplying = [replace(one, every_tissue=MappingProxyType({}), tissues=MappingProxyType({})) for one in conditions]
    return (*species, *replacing, *multiplying)


def contradictions(conditions: Sequence[ParameterSet]) -> Iterator[tuple[int, str]]:
    """Index of every condition that does not fit to one before it, and why."""
    for number, one in enumerate(conditions):
        for other in conditions[:number]:
            if one.name == other.name:
                yield number, f"{one.name!r} twice"
            elif one.name in other.excludes or other.name in one.excludes:
                yield number, f"{one.name!r} beside {other.name!r}"
            else:
                for name in sorted(_replacements(one) & _replacements(other)):
                    yield number, f"{name} set by both {other.name!r} and {one.name!r}"


def _replacements(one: ParameterSet) -> set[str]:
    tissues = {f"{tissue}.{name}" for tissue, values in one.tissues.items() for name in values}
    return tissues | {f"every tissue's {name}" for name in one.every_tissue} | set(one.constants)


def parameter_set_names(kind: Kind) -> tuple[str, ...]:
    """Names of all species or conditions, sorted."""
    entries = files("imagio_sim.tissue").joinpath(_FOLDERS[kind]).iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


@cache
def parameter_set(kind: Kind, name: str) -> ParameterSet:
    """A set by its name; an unknown one is refused with the nearest."""
    known = parameter_set_names(kind)
    if name not in known:
        nearest = get_close_matches(name, known, n=1, cutoff=0.0)
        raise InputError(
            kind,
            found=repr(name),
            allowed=f"one of {', '.join(known)}",
            remedy=f"did you mean {nearest[0]!r}?",
        )
    path = f"{_FOLDERS[kind]}/{name}.yaml"
    return _read_set(kind, name, read_data_file(path), path)


def _read_set(kind: Kind, name: str, record: Mapping[str, Any], path: str) -> ParameterSet:
    unknown = sorted(set(record) - _KEYS)
    if unknown or "description" not in record:
        raise InputError(
            path,
            found=f"unknown keys {unknown}" if unknown else "no description",
            allowed=f"description and some of {', '.join(sorted(_KEYS))}",
            remedy="correct the data file",
        )
    temperature = record.get("body_temperature")
    return ParameterSet(
        name=name,
        kind=kind,
        description=record["description"],
        every_tissue=_read_values(record.get("every_tissue", {}), f"{path}: every_tissue"),
        tissues=_read_tissues(record, "tissues", path),
        factors=_read_tissues(record, "factors", path),
        constants=_read_values(record.get("constants", {}), f"{path}: constants"),
        substitutes=MappingProxyType(dict(record.get("substitutes", {}))),
        body_temperature=None
        if temperature is None
        else _sourced(temperature, f"{path}: body_temperature", f"{kind} {name}"),
        excludes=frozenset(record.get("excludes", ())),
    )


def _read_tissues(record: Mapping[str, Any], key: str, path: str) -> Mapping[str, Values]:
    tissues = record.get(key, {})
    return MappingProxyType(
        {tissue: _read_values(values, f"{path}: {key}.{tissue}") for tissue, values in tissues.items()}
    )


def _read_values(records: Mapping[str, Mapping[str, Any]], where: str) -> Values:
    return MappingProxyType({name: _sourced(record, f"{where}.{name}", "") for name, record in records.items()})


def _sourced(record: Mapping[str, Any], where: str, origin: str) -> Value:
    value = read_value(record, where=where)
    if value.source not in load_sources() or not value.has_spread:
        raise InputError(
            where,
            found=f"source '{value.source}', spread known: {value.has_spread}",
            allowed="a key of sources.yaml and a spread (sd, or low and high)",
            remedy="complete the data file",
        )
    return replace(value, origin=origin)


def _refuse_no_factor(factor: Value, *, where: str) -> None:
    if factor.unit != "1" or factor.value < 0.0:
        raise InputError(
            where,
            found=f"{factor.value:g} {factor.unit}",
            allowed="a factor of 0 or more, unit 1",
            remedy="write a number that the value is multiplied by",
        )


def _product(value: Value, factor: Value, origin: str) -> Value:
    """A value times a factor; both spreads together, and the weaker evidence of the two."""
    low, high = _range(value)
    least, most = _range(factor)
    ends = [end * part for end in (low, high) for part in (least, most)]
    evidence = max("derived", value.evidence, factor.evidence, key=_FROM_STRONG_TO_WEAK.index)
    return Value(
        value.value * factor.value,
        value.unit,
        min(ends),
        max(ends),
        None,
        factor.source,
        evidence,
        f"{factor.value:g} times {value.value:g} {value.unit} ({value.source}); {factor.note}".rstrip("; "),
        origin=origin,
    )


def _range(value: Value) -> tuple[float, float]:
    """Range of a value; two standard deviations about it where only those are known."""
    if value.low is not None and value.high is not None:
        return value.low, value.high
    reach = 2.0 * (value.sd or 0.0)
    return value.value - reach, value.value + reach
