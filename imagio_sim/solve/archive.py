# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nested frozen dataclasses with arrays in one file (NumPy archive), without running anything that the file says.

Fields hold numbers, text, None, arrays, tuples, mappings with text keys, and other dataclasses of a given list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

_TEXT = "text"


def save_dataclass(value: Any, path: Path) -> None:
    """Write a dataclass with everything in it."""
    arrays: dict[str, Any] = {}
    text = json.dumps(_packed(value, arrays))
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays, **{_TEXT: np.array(text)})


def load_dataclass(path: Path, parts: Iterable[type]) -> Any:
    """Read what :func:`save_dataclass` wrote; ``parts`` are all classes that may occur."""
    with np.load(path) as archive:
        stored = {name: archive[name] for name in archive.files}
    return _unpacked(json.loads(str(stored[_TEXT])), stored, {part.__name__: part for part in parts})


def _packed(value: Any, arrays: dict[str, Any]) -> Any:
    """The value as JSON data, its arrays put aside; everything but a scalar is a list that begins with its kind."""
    if isinstance(value, np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = value
        return ["array", name]
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: _packed(getattr(value, one.name), arrays) for one in fields(value) if one.init}
        return ["part", type(value).__name__, held]
    if isinstance(value, Mapping):
        return ["mapping", {key: _packed(entry, arrays) for key, entry in value.items()}]
    if isinstance(value, tuple | list):
        return ["tuple", [_packed(entry, arrays) for entry in value]]
    return value.item() if isinstance(value, np.generic) else value


def _unpacked(data: Any, arrays: Mapping[str, Any], parts: Mapping[str, type]) -> Any:
    if not isinstance(data, list):
        return data
    kind, *rest = data
    if kind == "array":
        return arrays[rest[0]]
    if kind == "tuple":
        return tuple(_unpacked(entry, arrays, parts) for entry in rest[0])
    held = {key: _unpacked(entry, arrays, parts) for key, entry in rest[-1].items()}
    return held if kind == "mapping" else parts[rest[0]](**held)
