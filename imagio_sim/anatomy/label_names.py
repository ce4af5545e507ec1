# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names for label numbers: from the caller, a header, or a ``labels.json`` beside the file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import LabelVolume
from imagio_sim.errors import InputError

UNNAMED = "unnamed label "
LabelNames = Mapping[Any, str]
"""Names the caller gives: by label number, or by the name a structure has in its file."""


def given_names(own: Mapping[int, str], given: LabelNames, *, where: str) -> dict[int, str]:
    """Name each structure: as the caller wants for its number or for its own name, else by its own.

    Refused where the caller names a structure that the file does not have.
    """
    for key in given:
        if isinstance(key, str) and key not in own.values():
            raise no_structure(key, list(own.values()), where=where)
    return {number: given.get(number, given.get(name, name)) for number, name in own.items()}


def no_structure(name: str, available: Sequence[str], *, where: str) -> InputError:
    """Refusal of a structure that the file does not hold."""
    near = difflib.get_close_matches(name, available, n=1, cutoff=0.0)
    return InputError(
        where,
        found=f"no structure {name!r}",
        allowed=f"one of {', '.join(available) or 'none (the file holds no structure)'}",
        remedy=f"did you mean {near[0]!r}?" if near else "choose another file",
    )


def name_numbers(
    present: NDArray[np.int32], given: LabelNames, *known: Mapping[int, str], where: str
) -> dict[int, str]:
    """Name each number but 0: from the first of ``known`` that has one, else ``unnamed label N``; ``given`` wins.

    An unnamed label can be looked at, but no organ pack knows it, so no tissue is ever guessed from its number.
    """
    own = {
        number: next((names[number] for names in known if number in names), f"{UNNAMED}{number}")
        for number in (int(value) for value in np.unique(present))
        if number != 0
    }
    return given_names(own, given, where=where)


def sidecar_names(path: Path) -> dict[int, str]:
    """Names for a label file from the ``labels.json`` in its folder (empty where there is none).

    Three forms are read: ``{"1": "liver"}``, the same under the file's name, and the same under ``labels``.
    A comment in brackets after a name is dropped.
    """
    sidecar = path.with_name("labels.json")
    if not sidecar.is_file():
        return {}
    try:
        table = json.loads(sidecar.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            str(sidecar),
            found=f"no JSON ({error})",
            allowed='a JSON object such as {"1": "liver"}',
            remedy="correct or remove the file",
        ) from error
    if not isinstance(table, dict):
        return {}
    numbered: dict[str, object] = table.get(path.name) or table.get("labels") or table
    return {
        int(number): name.split("(")[0].strip()
        for number, name in numbered.items()
        if str(number).isdigit() and isinstance(name, str)
    }


def selected(available: Sequence[str], structures: Sequence[str] | None, *, where: str) -> list[str]:
    """Structures asked for, or all; refused where one is not in the file."""
    if structures is None:
        return list(available)
    for structure in structures:
        if structure not in available:
            raise no_structure(structure, available, where=where)
    return list(structures)


def keep_structures(volume: LabelVolume, structures: Sequence[str] | None, *, where: str) -> LabelVolume:
    """Volume with only these labels; the others become unlabelled."""
    if structures is None:
        return volume
    kept = selected(list(volume.names.values()), structures, where=where)
    names = {number: name for number, name in volume.names.items() if name in kept}
    labels = np.where(np.isin(volume.labels, list(names)), volume.labels, 0).astype(np.int32)
    return replace(volume, labels=labels, names=names)


def painting_order(labels: Mapping[int, str], structures: Sequence[str] | None, *, where: str) -> list[int]:
    """Order the label numbers for :func:`painted`: the first of ``structures`` last, without them as they come."""
    kept = selected(list(labels.values()), structures, where=where)
    order = [number for number in labels if labels[number] in kept]
    return order if structures is None else sorted(order, key=lambda number: -kept.index(labels[number]))


def painted(shape: tuple[int, int, int], masks: Iterable[tuple[int, NDArray[np.bool_]]]) -> NDArray[np.int32]:
    """Labels (i, j, k) from number-mask pairs painted in this order: the last one wins where masks overlap."""
    labels = np.zeros(shape, dtype=np.int32)
    for number, mask in masks:
        labels[mask] = number
    return labels


def only_label(volume: LabelVolume, name: str, *, where: str) -> LabelVolume:
    """Give the volume's one label this name; refused where it holds several."""
    if len(volume.names) != 1:
        raise InputError(
            where,
            found=f"{len(volume.names)} structures ({', '.join(volume.names.values())}) for the name {name!r}",
            allowed="one structure",
            remedy="name them one by one with names, or choose one with structures",
        )
    ((number, own),) = volume.names.items()
    surfaces = {name: volume.surfaces[own]} if own in volume.surfaces else {}
    meanings = {name: volume.meanings[own]} if own in volume.meanings else {}
    return replace(volume, names={number: name}, surfaces=surfaces, meanings=meanings)
