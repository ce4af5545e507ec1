# SPDX-License-Identifier: LGPL-3.0-or-later
"""Figures of devices that a scenario gives in place of the library's (``device_values``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from imagio_sim.devices.constants import GivenFigure, device_constants, spread_kind, with_figures
from imagio_sim.devices.device import Device
from imagio_sim.devices.library import device_names, load_device
from imagio_sim.plan.model import Fault, PlanModel, fault, nearest
from imagio_sim.units import MisfitError, QuantityKind

Given = TypeVar("Given", bound=PlanModel)

CONTEXT = "devices"
"""Under which key of the validation context plans find the devices of their scenario."""


def devices_given(written: Any) -> dict[str, Device]:
    """The devices of which a scenario, as it is written, gives figures.

    What is at fault there is as in the library; :func:`device_value_faults` says what it is.
    """
    if not isinstance(written, Mapping):
        return {}
    known = {name: given for name, given in written.items() if name in device_names() and isinstance(given, Mapping)}
    return {name: _device(name, given) for name, given in known.items()}


def device_value_faults(
    name: str, given: Mapping[str, Given], faults_of: Callable[[QuantityKind, Given], Iterable[Fault]]
) -> Iterator[Fault]:
    """What is wrong with the figures given of a device: unknown, no such quantity, or a device that cannot be.

    ``faults_of`` says what is wrong with a figure as a quantity of a kind.
    """
    constants, faulty = device_constants(load_device(name)), False
    for constant, value in given.items():
        if constant not in constants:
            faulty = True
            allowed = f"a constant of {name}"
            remedy = nearest(constant, constants, f"one of {', '.join(constants)}")
            yield fault(constant, found=repr(constant), allowed=allowed, remedy=remedy)
            continue
        for found in faults_of(constants[constant].kind, value):
            faulty = True
            yield found.below(constant)
    if not faulty:
        yield from _impossible(name, {key: value.model_dump() for key, value in given.items()})


def _impossible(name: str, given: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        with_figures(load_device(name), _readable(name, given))
    except ValidationError as error:
        (reason, *_) = error.errors()
        found = f"figures that do not go together: {reason['msg'].removeprefix('Value error, ')}"
        remedy = "give the figures that belong together, or leave them as they are"
        yield fault(found=found, allowed=f"a {name} that can be made", remedy=remedy)


def _device(name: str, given: Mapping[str, Any]) -> Device:
    try:
        return with_figures(load_device(name), _readable(name, given))
    except ValidationError:
        return load_device(name)


def _readable(name: str, given: Mapping[str, Any]) -> dict[str, GivenFigure]:
    constants = device_constants(load_device(name))
    found = {}
    for key, value in given.items():
        if key not in constants or not isinstance(value, Mapping) or not isinstance(value.get("source"), str):
            continue
        kind, spread = constants[key].kind, value.get("spread")
        try:
            stated = 0.0 if spread is None else spread_kind(kind).read(spread)
            found[key] = GivenFigure(kind.read(value.get("value")), stated, value["source"])
        except MisfitError:
            continue
    return found
