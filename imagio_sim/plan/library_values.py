# SPDX-License-Identifier: LGPL-3.0-or-later
"""What of the pharmacy and of the death models a scenario may give: names, and how each value is written."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from imagio_sim.plan.model import nearest
from imagio_sim.tissue.death.library import FIXED, death_records
from imagio_sim.tissue.value import Value
from imagio_sim.units import Misfit, QuantityKind

# How far beyond its range a parameter of a death model may lie: so many times its ends, or of a temperature its widths.
_BEYOND_RANGE = 10.0
# Parameters that are shares, above 0 and below 1.
_SHARES, _NEARLY_ALL = ("dead_survival", "critical_supply"), 0.999


def _known_entry(name: str) -> str:
    from imagio_sim.pharmacy.library import entry_names

    if name not in entry_names():
        remedy = nearest(name, entry_names(), f"one of {', '.join(entry_names())}")
        raise Misfit(repr(name), "something of the pharmacy", remedy).raised_in_validation()
    return name


def _known_model(name: str) -> str:
    if name not in death_records():
        remedy = nearest(name, death_records(), f"one of {', '.join(death_records())}")
        raise Misfit(repr(name), "a death model", remedy).raised_in_validation()
    return name


PharmacyName = Annotated[str, AfterValidator(_known_entry)]
DeathModelName = Annotated[str, AfterValidator(_known_model)]


def pharmacy_kinds(entry: str) -> dict[str, QuantityKind]:
    """What may be given of an entry of the pharmacy, by its keys (see :mod:`imagio_sim.pharmacy.library`)."""
    from imagio_sim.pharmacy.library import LIBRARY, values_of

    return {
        key: _kind(key, known.value, known.quantity.low, known.quantity.high)
        for key, known in values_of(LIBRARY.entry(entry)).items()
    }


def death_kinds(model: str) -> dict[str, QuantityKind]:
    """What may be given of a death model, by its parameters."""
    return {
        name: _kind(name, value, *_plausible(name, value))
        for name, value in death_records()[model].parameters.items()
        if name not in FIXED
    }


def _kind(name: str, value: Value, low: float, high: float) -> QuantityKind:
    unit = "" if value.unit == "1" else value.unit
    return QuantityKind(name, unit, low, high, f"{value.value:g} {unit}".strip())


def _plausible(name: str, value: Value) -> tuple[float, float]:
    low, high = (value.value if end is None else end for end in (value.low, value.high))
    if value.unit == "degC":
        return low - _BEYOND_RANGE * (high - low), high + _BEYOND_RANGE * (high - low)
    return low / _BEYOND_RANGE, min(_BEYOND_RANGE * high, _NEARLY_ALL) if name in _SHARES else _BEYOND_RANGE * high
