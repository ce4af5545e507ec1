# SPDX-License-Identifier: LGPL-3.0-or-later
"""From label names to tissues: organ packs, which are data (``organ_packs/*.yaml``), and a scenario's overrides."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from imagio_sim.anatomy.label_names import UNNAMED
from imagio_sim.errors import InputError, InputErrors

Role = Literal["organ", "tumour", "vessel", "bile", "bone", "lung", "bowel", "air", "fat", "muscle", "skin", "other"]
ROLES: tuple[Role, ...] = get_args(Role)
SIDES = frozenset({"left", "right"})
SHARED = "body"
"""The file of patterns that every organ pack falls back to."""


@dataclass(frozen=True)
class LabelledTissue:
    """What a label is made of (a tissue name) and what part it plays in an intervention."""

    tissue: str
    role: Role


@dataclass(frozen=True)
class LabelPattern:
    """Label names (normalised, ``*`` for any text) that become one tissue with one role."""

    names: tuple[str, ...]
    labelled: LabelledTissue


@dataclass(frozen=True)
class OrganPack:
    """The patterns of one organ, in the order they are tried, and the role of each tissue."""

    name: str
    patterns: tuple[LabelPattern, ...]
    roles: Mapping[str, Role]

    def find(self, label: str) -> LabelledTissue | None:
        """Tissue of a label, or None where no pattern knows it."""
        name = normalised(label)
        for pattern in self.patterns:
            if any(fnmatchcase(name, known) for known in pattern.names):
                return pattern.labelled
        return None

    def nearest(self, label: str) -> str | None:
        """Known label name that is spelt most like this one; None in a pack that knows none."""
        known = [name for pattern in self.patterns for name in pattern.names if "*" not in name]
        return next(iter(difflib.get_close_matches(normalised(label), known, n=1, cutoff=0.0)), None)


def normalised(label: str) -> str:
    """Label name as the packs spell it: lower case, words joined by ``_``, without side, in British spelling."""
    words = [word for word in re.split(r"[^a-z0-9]+", label.lower()) if word and word not in SIDES]
    return "_".join(words).replace("tumor", "tumour")


def organ_pack_names() -> tuple[str, ...]:
    """Organ packs there are."""
    folder = files("imagio_sim.anatomy") / "organ_packs"
    stems = (entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(stem for stem in stems if stem != SHARED))


@lru_cache
def organ_pack(name: str) -> OrganPack:
    """Organ pack of this name; its own patterns come before those of the whole body."""
    if name not in organ_pack_names():
        raise InputError(
            "organ pack",
            found=repr(name),
            allowed=f"one of {', '.join(organ_pack_names())}",
            remedy=f"did you mean {difflib.get_close_matches(name, organ_pack_names(), n=1, cutoff=0.0)[0]!r}?",
        )
    shared = pack_data(SHARED)
    entries = [*pack_data(name)["labels"], *shared["labels"]]
    patterns = tuple(
        LabelPattern(tuple(entry["names"]), LabelledTissue(entry["tissue"], entry["role"])) for entry in entries
    )
    return OrganPack(name, patterns, shared["roles"])


def pack_data(name: str) -> dict[str, Any]:
    """Content of one file in ``organ_packs``."""
    text = (files("imagio_sim.anatomy") / "organ_packs" / f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def resolve_tissues(
    label_names: Iterable[str],
    *,
    pack: str | None,
    overrides: Mapping[str, str],
    meanings: Mapping[str, str] | None = None,
    substitutes: Mapping[str, str] | None = None,
    where: str = "labels",
) -> dict[str, LabelledTissue]:
    """Tissue and role of every label.

    Parameters
    ----------
    label_names
        The names in the patient's label volume.
    pack
        Organ pack, e.g. ``liver``; None: the overrides alone.
    overrides
        Tissue by label name, which wins over the pack.
    meanings
        Coded meaning by label name (``LabelVolume.meanings``), asked where the pack does not know the name.
    substitutes
        Tissue of the pack to the one that is there in this patient; tissues of ``overrides`` stay what they are.
    where
        Named in the error: the scenario and the path inside it.

    Raises
    ------
    InputErrors
        With every label that has no tissue, and every override whose label does not exist.
    """
    names = list(dict.fromkeys(label_names))
    chosen = organ_pack(pack) if pack is not None else OrganPack("none", (), pack_data(SHARED)["roles"])
    found = {name: labelled(name, chosen, overrides, meanings or {}, substitutes or {}) for name in names}
    errors = [no_tissue(name, chosen, where) for name, tissue in found.items() if tissue is None]
    errors += [no_label(name, names, where) for name in overrides if name not in names]
    if errors:
        raise InputErrors(errors)
    return {name: tissue for name, tissue in found.items() if tissue is not None}


def labelled(
    name: str,
    pack: OrganPack,
    overrides: Mapping[str, str],
    meanings: Mapping[str, str],
    substitutes: Mapping[str, str],
) -> LabelledTissue | None:
    """Tissue of one label; a label whose tissue is overridden keeps the role its name gives it."""
    known = pack.find(name) or (pack.find(meanings[name]) if name in meanings else None)
    if name not in overrides:
        return known and replace(known, tissue=substitutes.get(known.tissue, known.tissue))
    tissue = overrides[name]
    return LabelledTissue(tissue, known.role if known else pack.roles.get(tissue, "other"))


def no_tissue(name: str, pack: OrganPack, where: str) -> InputError:
    """Refusal of a label that no pack knows and no override names."""
    if name.startswith(UNNAMED):
        number = name.removeprefix(UNNAMED)
        return InputError(
            where,
            found=f"label number {number}, which has no name",
            allowed="labels with a name (a bare number is never taken for a tissue)",
            remedy=f"name it where the labels are given, e.g. names: {{{number}: liver}}",
        )
    return InputError(
        where,
        found=f"label {name!r} without a tissue in the organ pack {pack.name!r}",
        allowed=f"a label the pack knows (nearest: {pack.nearest(name)!r})"
        if pack.patterns
        else "a tissue for each label",
        remedy=f"say which tissue it is, e.g. tissues: {{{name}: soft_tissue}}",
    )


def no_label(name: str, names: list[str], where: str) -> InputError:
    """Refusal of an override for a label that does not exist."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return InputError(
        where,
        found=f"a tissue for label {name!r}, which the patient does not have",
        allowed=f"one of {', '.join(names)}",
        remedy=f"did you mean {near[0]!r}?" if near else "remove it",
    )
