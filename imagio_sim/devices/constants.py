# SPDX-License-Identifier: LGPL-3.0-or-later
"""The figures of a device by name, such as ``freezing.temperature``, and the device with others in their place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from imagio_sim.devices.device import Device
from imagio_sim.devices.sourced import Evidence, Sourced
from imagio_sim.units import QuantityKind

GIVEN = "given"
"""Evidence of a figure that the user states."""

_NUMBER = QuantityKind("number", "", -math.inf, math.inf, "1.5")

WITHOUT_EFFECT = frozenset(
    {
        *("largest_zone", "geometry.shaft.length", "geometry.length", "antenna.line.port"),
        *("geometry.shaft.sections.radiating.start", "geometry.shaft.sections.radiating.end"),
    }
)
"""Figures that decide how much of the patient is modelled, and how finely, not what happens in it."""
LIMITS = frozenset(
    {
        *("max_power", "max_voltage", "max_current", "max_acoustic_power", "shortest_pulse", "longest_pulse"),
        *("steering", "radius_of_curvature", "deployment_low", "deployment_high", "exposure_low", "exposure_high"),
    }
)
"""Last names of figures that a plan has to stay within or agree with: others refuse the plan instead of changing it."""
TUNED = frozenset({"generator.frequency", "antenna.frequency", "laser.wavelength"})
"""Frequencies at which tissue is known: of others nothing is."""


@dataclass(frozen=True)
class DeviceConstant:
    """A single number of a device.

    Attributes
    ----------
    name
        Its keys in the device file, joined by dots; an item of a list goes by its own name.
    kind
        What it is: unit and plausible range.
    value, spread
        In that unit; ``spread`` is a standard deviation, a tolerance or half a range.
    source, evidence
        As in the device file.
    """

    name: str
    kind: QuantityKind
    value: float
    spread: float
    source: str
    evidence: Evidence

    @property
    def acts(self) -> bool:
        """Whether another value makes another treatment of the same plan."""
        last = self.name.rpartition(".")[2]
        begins_at_the_tip = last == "start" and self.value == 0.0
        return not (self.name in WITHOUT_EFFECT | TUNED or last in LIMITS or begins_at_the_tip)


@dataclass(frozen=True)
class GivenFigure:
    """What takes the place of a figure: in the unit of its kind; ``spread`` is 0 where none is stated."""

    value: float
    spread: float
    source: str


def device_constants(device: Device) -> dict[str, DeviceConstant]:
    """Every single number of a device by name; counts, and the extents of layers, are none."""
    return {name: _constant(name, figure) for name, figure in _figures(device, "") if _is_number(figure.value)}


def with_figures(device: Device, given: Mapping[str, GivenFigure]) -> Device:
    """The device with other figures.

    Raises
    ------
    pydantic.ValidationError
        The figures do not go together, such as a choke that no longer fits into its shaft.
    """
    constants, data = device_constants(device), device.model_dump(mode="json", exclude_none=True)
    for name, figure in given.items():
        kind = constants[name].kind
        _place(data, name.split(".")).update(
            value=_written(kind, figure.value),
            spread=_written(spread_kind(kind), figure.spread),
            source=figure.source,
            evidence=GIVEN,
            note="",
        )
    return type(device).model_validate(data)


def spread_kind(kind: QuantityKind) -> QuantityKind:
    """A spread of this quantity; of a temperature it is a difference."""
    unit = "K" if kind.unit == "degC" else kind.unit
    return QuantityKind(kind.name, unit, 0.0, kind.high - min(kind.low, 0.0), kind.example)


def _is_number(value: object) -> bool:
    return isinstance(value, float)


def _figures(part: Any, path: str) -> Iterator[tuple[str, Sourced[Any]]]:
    if isinstance(part, Sourced):
        yield path, part
        return
    for key, inside in _parts(part):
        yield from _figures(inside, f"{path}.{key}".lstrip("."))


def _parts(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, BaseModel):
        yield from ((name, getattr(part, name)) for name in type(part).model_fields)
    elif isinstance(part, Mapping):
        yield from part.items()
    elif isinstance(part, tuple):
        yield from ((str(getattr(item, "name", number)), item) for number, item in enumerate(part))


def _constant(name: str, figure: Sourced[Any]) -> DeviceConstant:
    kind = next((one for one in type(figure).model_fields["value"].metadata if isinstance(one, QuantityKind)), _NUMBER)
    spread = spread_kind(kind).read(figure.spread)
    return DeviceConstant(name, kind, figure.value, spread, figure.source, figure.evidence)


def _written(kind: QuantityKind, value: float) -> str | float:
    return kind.text(value) if kind.unit else value


def _place(data: Any, keys: list[str]) -> dict[str, Any]:
    """The mapping at the end of these keys of a written device."""
    for number, key in enumerate(keys):
        if isinstance(data, list):
            named = [one for one in data if one.get("name") == key]
            data = named[0] if named else data[int(key)]
        else:
            data = data[key]
        assert data is not None, keys[: number + 1]
    found: dict[str, Any] = data
    return found
