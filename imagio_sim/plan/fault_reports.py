# SPDX-License-Identifier: LGPL-3.0-or-later
"""From what pydantic reports to errors a planner can act on: the path as it stands in the file, and four parts each."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from imagio_sim.errors import InputError
from imagio_sim.plan.model import Fault, PathInFile, nearest
from imagio_sim.plan.programs import modes_of
from imagio_sim.plan.scenario import Scenario
from imagio_sim.units import Misfit

Location = tuple[int | str, ...]


def errors_of(
    error: ValidationError, data: Mapping[str, Any], where: str, model: type[BaseModel] = Scenario
) -> list[InputError]:
    """All faults of a file that should describe a ``model``, in pydantic's order."""
    return [
        found
        for detail in error.errors()
        if not _follows_from_others(detail)
        for found in _errors_of_detail(detail, data, where, model)
    ]


def _follows_from_others(detail: ErrorDetails) -> bool:
    """A list counts as too short when its items are invalid, which is reported already."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def path_text(path: PathInFile, data: Any, *, keep_last: bool) -> str:
    """A path as it stands in the file, ``plans.A.applicators[0].power``.

    Steps that are not in ``data`` (tags of variants, the list of stages that a shorthand leaves out) are dropped;
    the last step is kept on demand, because a missing key is not in the data either.
    """
    steps: list[str] = []
    place = data
    for number, step in enumerate(path):
        inside = _step_into(place, step)
        if inside is not _ABSENT:
            place = inside
        elif not (keep_last and number == len(path) - 1):
            continue
        steps.append(
            f"[{step}]"
            if isinstance(step, int) and isinstance(place if inside is _ABSENT else [], list)
            else f".{step}"
        )
    return "".join(steps).lstrip(".")


_ABSENT = object()


def _step_into(place: Any, step: str | int) -> Any:
    if isinstance(place, dict):
        return place.get(step, _ABSENT)
    if isinstance(place, list) and isinstance(step, int) and step < len(place):
        return place[step]
    return _ABSENT


def _errors_of_detail(
    detail: ErrorDetails, data: Mapping[str, Any], where: str, model: type[BaseModel]
) -> Iterator[InputError]:
    location = detail["loc"]
    if detail["type"] == "faults":
        faults: tuple[Fault, ...] = detail["ctx"]["faults"]
        for fault in faults:
            yield fault.misfit.at(_place(where, path_text((*location, *fault.path), data, keep_last=bool(fault.path))))
        return
    keep_last = detail["type"] == "missing"
    yield _misfit_of(detail, model).at(_place(where, path_text(location, data, keep_last=keep_last)))


def _place(where: str, path: str) -> str:
    return f"{where}: {path}" if path else where


def _misfit_of(detail: ErrorDetails, model: type[BaseModel]) -> Misfit:
    if detail["type"] == "extra_forbidden":
        return _unknown_key(detail, keys_at(detail["loc"][:-1], model))
    if detail["type"] == "union_tag_not_found":
        return _no_variant(detail, keys_at(detail["loc"], model))
    translate = _TRANSLATIONS.get(detail["type"], _in_pydantics_words)
    return translate(detail)


def _given_misfit(detail: ErrorDetails) -> Misfit:
    return Misfit(**{part: str(detail["ctx"][part]) for part in ("found", "allowed", "remedy")})


def _missing(detail: ErrorDetails) -> Misfit:
    key = detail["loc"][-1]
    return Misfit("nothing", "a value", f"add {key}" if isinstance(key, str) else "the list is too short")


def _unknown_key(detail: ErrorDetails, known: list[str]) -> Misfit:
    key = str(detail["loc"][-1])
    return Misfit(f"unknown key {key!r}", f"one of {', '.join(known)}", nearest(key, known, "leave it out"))


def _no_variant(detail: ErrorDetails, known: list[str]) -> Misfit:
    given, place = detail["input"], detail["loc"]
    if place and place[-1] == "program" and isinstance(given, dict):
        return _unknown_mode(given)
    if place and place[0] == "constraints" and isinstance(given, dict):
        return Misfit("no quantity", "a quantity", "say which quantity of the result is limited")
    found = f"keys {', '.join(map(str, given))}" if isinstance(given, dict) else repr(given)
    return Misfit(found, f"a mapping with one of {', '.join(known)}", "choose one of them")


def _unknown_mode(program: Mapping[str, Any]) -> Misfit:
    modes = modes_of(program.get("modality"))
    if "mode" not in program:
        return Misfit("no mode", f"mode: one of {', '.join(modes)}", "say how the generator is controlled")
    return Misfit(
        f"mode {program['mode']!r}",
        f"one of {', '.join(modes)}",
        nearest(str(program["mode"]), modes, "choose one of them"),
    )


def _wrong_variant(detail: ErrorDetails) -> Misfit:
    expected = str(detail["ctx"]["expected_tags"]).replace("'", "").split(", ")
    tag = str(detail["ctx"]["tag"])
    return Misfit(repr(tag), f"one of {', '.join(expected)}", nearest(tag, expected, "choose one of them"))


def _wrong_choice(detail: ErrorDetails) -> Misfit:
    expected = str(detail["ctx"]["expected"])
    known = expected.replace("'", "").replace(" or ", ", ").split(", ")
    return Misfit(
        repr(detail["input"]), f"one of {', '.join(known)}", nearest(str(detail["input"]), known, "choose one of them")
    )


def _in_pydantics_words(detail: ErrorDetails) -> Misfit:
    allowed = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    found = (
        repr(detail["input"]) if not isinstance(detail["input"], dict | list) else f"a {type(detail['input']).__name__}"
    )
    return Misfit(found, allowed, "correct this value")


_TRANSLATIONS: Mapping[str, Callable[[ErrorDetails], Misfit]] = {
    "misfit": _given_misfit,
    "missing": _missing,
    "union_tag_invalid": _wrong_variant,
    "literal_error": _wrong_choice,
}


def keys_at(location: Location, model: type[BaseModel] = Scenario) -> list[str]:
    """Keys a mapping may have at a place, following the models along the path; tags pick the variant."""
    models: list[type[BaseModel]] = [model]
    for step in location:
        inside = [found for one in models for found in _models_of_field(one, str(step))]
        models = inside or _variant(models, str(step))
    return list(dict.fromkeys(field.alias or name for one in models for name, field in one.model_fields.items()))


def _models_of_field(model: type[BaseModel], name: str) -> list[type[BaseModel]]:
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    return _models_in(fields[name].annotation) if name in fields else []


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]


def _variant(models: list[type[BaseModel]], tag: str) -> list[type[BaseModel]]:
    chosen = [model for model in models if _carries(model, tag.split(".")[-1])]
    return chosen or models


def _carries(model: type[BaseModel], tag: str) -> bool:
    return tag in model.model_fields or any(
        tag in typing.get_args(field.annotation) for field in model.model_fields.values()
    )
