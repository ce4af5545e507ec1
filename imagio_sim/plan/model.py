# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every part of a plan is built on: frozen models that report all their faults together, and checked names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from imagio_sim.units import Misfit

PathInFile = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """Something wrong at a path inside a model (or inside the file)."""

    path: PathInFile
    misfit: Misfit

    def below(self, *prefix: str | int) -> Fault:
        """The same fault seen from further up."""
        return Fault((*prefix, *self.path), self.misfit)


def fault(*path: str | int, found: str, allowed: str, remedy: str) -> Fault:
    """A fault in one call."""
    return Fault(path, Misfit(found, allowed, remedy))


class PlanModel(BaseModel):
    """A frozen part of a scenario that refuses unknown keys and reports all its faults together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def faults(self) -> Iterable[Fault]:
        """What does not fit together although every field is valid by itself."""
        return ()

    @model_validator(mode="after")
    def _refuse_faults(self, info: ValidationInfo) -> Self:
        found = tuple(dict.fromkeys(self.faults()))  # a program is judged for every applicator that shares it
        if found:
            raise PydanticCustomError("faults", "{count} faults", {"count": len(found), "faults": found})
        return self


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """The question whether the most similar known name was meant; ``otherwise`` where none is similar."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else otherwise


def _known_tissue(name: str) -> str:
    from imagio_sim.tissue.library import tissue_names

    if name not in tissue_names():
        remedy = nearest(name, tissue_names(), "see `imagio tissues`")
        raise Misfit(repr(name), "a tissue of the library", remedy).raised_in_validation()
    return name


def _known_organ_pack(name: str) -> str:
    from imagio_sim.anatomy.labelling import organ_pack_names

    if name not in organ_pack_names():
        allowed = f"one of {', '.join(organ_pack_names())}"
        raise Misfit(repr(name), allowed, nearest(name, organ_pack_names(), "choose one")).raised_in_validation()
    return name


def _known_device(name: str) -> str:
    from imagio_sim.devices.library import device_names

    if name not in device_names():
        remedy = nearest(name, device_names(), "see `imagio devices`")
        raise Misfit(repr(name), "a device of the library", remedy).raised_in_validation()
    return name


def _file_name(name: str) -> str:
    if not name or not all(letter.isalnum() or letter in "_-." for letter in name) or name[0] in ".-":
        raise Misfit(
            repr(name), "letters, digits, '_', '-' and '.'", "choose a name that can name a folder"
        ).raised_in_validation()
    return name


def one_key_of(*keys: str) -> Callable[[Any], str | None]:
    """A discriminator for variants that are told apart by the key they carry."""

    def key_of(given: Any) -> str | None:
        carried = given if isinstance(given, dict) else getattr(type(given), "model_fields", {})
        return next((key for key in keys if key in carried), None)

    return key_of


def repeated(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Index and name of every name that has appeared before."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield index, name
        seen.add(name)


TissueName = Annotated[str, AfterValidator(_known_tissue)]
OrganPackName = Annotated[str, AfterValidator(_known_organ_pack)]
DeviceName = Annotated[str, AfterValidator(_known_device)]
Name = Annotated[str, AfterValidator(_file_name)]
Text = Annotated[str, Field(min_length=1)]
Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-3000.0, le=3000.0)]
Point = tuple[Coordinate, Coordinate, Coordinate]
"""A place in the scenario's frame, x, y, z in mm."""
