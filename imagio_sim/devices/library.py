# SPDX-License-Identifier: LGPL-3.0-or-later
"""The applicator library: device files read into frozen, checked :class:`Device` objects."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import yaml

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities import DEVICES
from imagio_sim.errors import InputError


def _folder() -> Traversable:
    return resources.files("imagio_sim.devices") / "library"


@cache
def device_names() -> tuple[str, ...]:
    """Names of all devices, sorted."""
    files = (entry.name.removesuffix(".yaml") for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(name for name in files if name != "sources"))


@cache
def sources() -> Mapping[str, Mapping[str, str]]:
    """The sources that device figures refer to, by key."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load((_folder() / "sources.yaml").read_text(encoding="utf-8"))
    return loaded


def unknown_device(name: str, where: str) -> InputError:
    """The error for a device that is not in the library, with the nearest that is."""
    nearest = difflib.get_close_matches(name, device_names(), n=1, cutoff=0.4)
    remedy = f"did you mean {nearest[0]!r}?" if nearest else "see `imagio devices`"
    return InputError(where, found=repr(name), allowed="a device of the library", remedy=remedy)


@cache
def load_device(name: str) -> Device:
    """A device of the library; an unknown name is refused with the nearest one."""
    if name not in device_names():
        raise unknown_device(name, "device")
    data = yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    return DEVICES[data["modality"]].model_validate(data)
