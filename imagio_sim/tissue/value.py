# SPDX-License-Identifier: LGPL-3.0-or-later
"""One number of the data files: value, unit, spread, source and how it was seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from imagio_sim.errors import InputError

Evidence = Literal["read", "derived", "memory", "assumed", "given"]
"""read in the source named; derived from numbers read there; from memory and to be checked; assumed by convention,
for the reason in the note; given by the user."""

FIELDS = ("value", "unit", "low", "high", "sd", "source", "evidence", "note", "percentiles")


@dataclass(frozen=True)
class Value:
    """A number with its provenance.

    Attributes
    ----------
    value, unit
        The number and its unit (SI, temperatures in degC).
    low, high
        Range in which the value is expected, or None.
    sd
        Standard deviation of the source's sample, or None.
    source
        Key in ``sources.yaml``; free text when the value is given by the user.
    evidence
        How the number was seen.
    note
        What a reader must know to use it.
    percentiles
        Pairs (percent, value) where the source publishes a distribution.
    origin
        What has put the number in place of the library's (``species pig``, ``condition cirrhosis``, ``scenario``);
        empty for the library's own.
    """

    value: float
    unit: str
    low: float | None
    high: float | None
    sd: float | None
    source: str
    evidence: Evidence
    note: str = ""
    percentiles: tuple[tuple[float, float], ...] = ()
    origin: str = ""

    def __post_init__(self) -> None:
        _refuse_not_finite(self)
        _refuse_outside_own_range(self)
        if self.evidence not in get_args(Evidence):
            raise InputError(
                f"value {self.value:g} {self.unit}",
                found=f"evidence '{self.evidence}'",
                allowed=f"one of {', '.join(get_args(Evidence))}",
                remedy="say how the number was seen",
            )
        if not self.source.strip():
            raise InputError(
                f"value {self.value:g} {self.unit}",
                found="no source",
                allowed="a source key or a text that names the source",
                remedy="name where the number comes from",
            )

    @property
    def has_spread(self) -> bool:
        """Whether a standard deviation or a range is known."""
        return self.sd is not None or (self.low is not None and self.high is not None)


def _refuse_not_finite(value: Value) -> None:
    for name in ("value", "low", "high", "sd"):
        number = getattr(value, name)
        if number is not None and not math.isfinite(number):
            raise InputError(
                f"value from {value.source}: {name}",
                found=str(number),
                allowed="a finite number",
                remedy=f"give {name} as a plain number in {value.unit}",
            )


def _refuse_outside_own_range(value: Value) -> None:
    low = -math.inf if value.low is None else value.low
    high = math.inf if value.high is None else value.high
    if not low <= value.value <= high or (value.sd is not None and value.sd < 0.0):
        raise InputError(
            f"value from {value.source}",
            found=f"{value.value:g} {value.unit} with low {value.low}, high {value.high}, sd {value.sd}",
            allowed="low <= value <= high and sd >= 0",
            remedy="correct the value or its spread",
        )


def read_value(record: Mapping[str, Any], *, where: str) -> Value:
    """Make a :class:`Value` of one mapping of a data file; ``where`` names it in errors."""
    unknown = sorted(set(record) - set(FIELDS))
    missing = [field for field in ("value", "unit", "source", "evidence") if field not in record]
    if unknown or missing:
        raise InputError(
            where,
            found=f"unknown {unknown}, missing {missing}",
            allowed=f"fields {', '.join(FIELDS)}",
            remedy="correct the data file",
        )
    return Value(
        value=float(record["value"]),
        unit=str(record["unit"]),
        low=_optional(record.get("low")),
        high=_optional(record.get("high")),
        sd=_optional(record.get("sd")),
        source=str(record["source"]),
        evidence=record["evidence"],
        note=str(record.get("note", "")),
        percentiles=tuple((float(p), float(v)) for p, v in record.get("percentiles", {}).items()),
    )


def _optional(number: Any) -> float | None:
    return None if number is None else float(number)


def read_data_file(path: str) -> dict[str, Any]:
    """Parse a data file of this package, named relative to ``imagio_sim/tissue``."""
    text = files("imagio_sim.tissue").joinpath(path).read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.CSafeLoader))


@dataclass(frozen=True)
class Source:
    """Where numbers come from: reference, digital object identifier or address (may be empty), how it was accessed."""

    reference: str
    doi: str
    url: str
    access: str


@cache
def load_sources() -> Mapping[str, Source]:
    """All sources by key."""
    return {
        key: Source(
            reference=record["reference"],
            doi=record.get("doi", ""),
            url=record.get("url", ""),
            access=record["access"],
        )
        for key, record in read_data_file("sources.yaml").items()
    }


def source_text(value: Value) -> str:
    """Name the source of a value in words: the library's entry for a key, the user's own text otherwise."""
    source = load_sources().get(value.source)
    if source is None:
        return value.source
    return f"{source.reference} doi:{source.doi}" if source.doi else source.reference
