# SPDX-License-Identifier: LGPL-3.0-or-later
"""Places in a scenario by their path, as errors write it, with the shorthands that a file may use.

``plans.A.applicators[0].tip`` leaves out the list of stages where there is only one, and
``plans.A.applicators[0].power`` means the program that drives this applicator.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from imagio_sim.errors import InputError
from imagio_sim.plan.fault_reports import keys_at
from imagio_sim.plan.model import PathInFile
from imagio_sim.units import Misfit

_NAMED_TWICE = ("tissue_values", "device_values", "pharmacy_values", "death_values")
"""Mappings of such mappings: a tissue, a device and so on, and what is given of it."""
_NAMED = ("plans", "constants", *_NAMED_TWICE)
"""Mappings whose keys are names that the file gives: nothing can be put below one that is not there."""
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")


def keys_of(path: str, where: str) -> PathInFile:
    """Split ``plans.A.applicators[0].tip`` into its steps; anything else than names and ``[numbers]`` is refused."""
    steps = list(_STEP.finditer(path))
    if not steps or "".join(step[0] for step in steps) != path:
        raise InputError(
            where,
            found=f"the path {path!r}",
            allowed="names joined by dots, with [numbers] for lists",
            remedy="for example plans.A.applicators[0].power",
        )
    return tuple(step[1] if step[1] is not None else int(step[2]) for step in steps)


def place_of(data: Mapping[str, Any], path: str, where: str) -> PathInFile:
    """The steps from the top of a written scenario to what a path means.

    Parameters
    ----------
    data
        The scenario as :func:`imagio_sim.plan.reading.written` gives it: every plan with its list of stages.
    path
        As errors write it, shorthands allowed. Its last step may be a key that is allowed there and not yet given.
    where
        The file, for the error that offers the nearest path.
    """
    found: PathInFile = ()
    keys = _with_whole_names(keys_of(path, where), data)
    for number, key in enumerate(keys):
        is_last = number == len(keys) - 1
        inside = _after_shorthands(data, found, key, f"{where}: {path}")
        if not _holds(_at(data, inside), key) and not (is_last and key in _allowed_keys(data, inside)):
            raise _misfit(data, found, inside, key).at(f"{where}: {path}")
        found = (*inside, key)
    return found


def put(data: dict[str, Any], place: PathInFile, value: Any) -> None:
    """Set what stands at a place."""
    _at(data, place[:-1])[place[-1]] = value


def value_at(data: Mapping[str, Any], place: PathInFile) -> Any:
    """What stands at a place; None where nothing does."""
    inside = _at(data, place[:-1])
    return inside[place[-1]] if _holds(inside, place[-1]) else None


def _with_whole_names(keys: PathInFile, data: Mapping[str, Any]) -> PathInFile:
    """Join steps that are one name with dots in it: ``plans.probe_2.4mm.program``, or the constant of a device."""
    count = 1 if keys[0] == "plans" else 2 if keys[0] in _NAMED_TWICE else 0
    whole, rest, place = keys[:1], keys[1:], data.get(str(keys[0]), {})
    for _ in range(count):
        ends = [end for end in range(len(rest), 0, -1) if ".".join(map(str, rest[:end])) in place]
        if not ends:
            break
        name = ".".join(map(str, rest[: ends[0]]))
        whole, rest, place = (*whole, name), rest[ends[0] :], place[name]
    return (*whole, *rest)


def _at(data: Any, place: PathInFile) -> Any:
    for key in place:
        data = data[key]
    return data


def _holds(place: Any, key: str | int) -> bool:
    if isinstance(place, list):
        return isinstance(key, int) and key < len(place)
    return isinstance(place, dict) and key in place


def _allowed_keys(data: Mapping[str, Any], place: PathInFile) -> list[str]:
    """Keys that what stands at a place may have, given or not."""
    there = _at(data, place)
    if not isinstance(there, dict):
        return []
    if (place and place[0] in _NAMED_TWICE) or (len(place) == 1 and place[0] in _NAMED):
        return [str(key) for key in there] if len(place) < 3 else keys_at(place)
    tags = [str(there[tag]) for tag in ("modality", "mode", "kind") if tag in there]
    return list(dict.fromkeys([*map(str, there), *keys_at((*place, *tags))]))


def _after_shorthands(data: Mapping[str, Any], place: PathInFile, key: str | int, where: str) -> PathInFile:
    """Where ``key`` is to be looked for, when steps that a file may leave out are left out before it."""
    if not isinstance(key, str) or key in _allowed_keys(data, place):
        return place
    if len(place) == 2 and place[0] == "plans":
        only = (*place, "stages", 0)
        _require_one_stage(_at(data, place)["stages"], key, where)
        return _after_shorthands(data, only, key, where)
    if place[:1] != ("plans",) or len(place) not in (4, 6):
        return place
    if _holds(_at(data, place), "program"):
        return (*place, "program")
    return _to_shared_program(data, place, where) if place[4:5] == ("applicators",) else place


def _to_shared_program(data: Mapping[str, Any], applicator: PathInFile, where: str) -> PathInFile:
    """The stage's program, if this applicator is the only one that it drives."""
    stage = _at(data, applicator[:4])
    if "program" not in stage:
        return applicator
    driven = sum("program" not in one for one in stage["applicators"])
    if driven > 1:
        raise InputError(
            where,
            found=f"a program that {driven} applicators share",
            allowed="the program of one applicator",
            remedy="vary the stage's program, or give each applicator its own",
        )
    return (*applicator[:4], "program")


def _require_one_stage(stages: list[Any], key: str, where: str) -> None:
    if len(stages) > 1:
        raise InputError(
            where,
            found=f"a plan of {len(stages)} stages",
            allowed=f"stages[0] to stages[{len(stages) - 1}] before {key}",
            remedy="name the stage",
        )


def _misfit(data: Mapping[str, Any], found: PathInFile, inside: PathInFile, key: str | int) -> Misfit:
    """What is wrong with a step ``key`` from ``found``, which shorthands may have led on to ``inside``."""
    there, place = _at(data, inside), written_path(found) or "the scenario"
    if isinstance(there, list):
        return _beyond_list(len(there), place, key)
    known = list(dict.fromkeys([*_allowed_keys(data, found), *_allowed_keys(data, inside)]))
    if not known and isinstance(there, dict):
        return Misfit(f"no {key!r} in {place}", "what the file gives", "add it to the file")
    if not known:
        return Misfit(f"{key!r} below a value", f"{place} itself", "shorten the path")
    close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    remedy = f"did you mean {written_path((*found, close[0]))!r}?" if close else "choose one of them"
    return Misfit(f"no {key!r} in {place}", f"one of {', '.join(known)}", remedy)


def _beyond_list(count: int, place: str, key: str | int) -> Misfit:
    if count == 0:
        return Misfit(f"no [{key}] in {place}", "nothing: the list is empty", "add it to the file")
    step = f"[{key}]" if isinstance(key, int) else repr(key)
    return Misfit(f"no {step} in {place}", f"[0] to [{count - 1}]", f"did you mean '{place}[{count - 1}]'?")


def written_path(place: PathInFile) -> str:
    """A place as errors write it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
