# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs: what an applicator is told to do, one file per modality.

A new modality adds its file with ``PROGRAMS`` and ``AnyProgram`` and joins the two lines below that name them.
In a scenario ``mode`` names the program; the modality is that of the device and need not be written.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import Discriminator

from imagio_sim.plan.programs import cryo, electroporation, laser, microwave, radiofrequency, ultrasound
from imagio_sim.plan.programs.program import ProgramModel

PROGRAMS = (
    *radiofrequency.PROGRAMS,
    *cryo.PROGRAMS,
    *laser.PROGRAMS,
    *electroporation.PROGRAMS,
    *ultrasound.PROGRAMS,
    *microwave.PROGRAMS,
)
"""Every program there is; of two that share a mode, the first is taken when neither modality nor device is known."""


def tag_of(program: type[ProgramModel]) -> str:
    """``modality.mode`` of a program's class."""
    fields = program.model_fields
    return ".".join(str(get_args(field.annotation)[0]) for field in (fields["modality"], fields["mode"]))


_TAGS = tuple(tag_of(program) for program in PROGRAMS)


def _tag_of_given(given: Any) -> str | None:
    if not isinstance(given, dict):
        return tag_of(type(given)) if isinstance(given, PROGRAMS) else None
    mode, modality = given.get("mode"), given.get("modality")
    return next((tag for tag in _TAGS if tag.split(".")[1] == mode and modality in (None, tag.split(".")[0])), None)


def modes_of(modality: str | None) -> tuple[str, ...]:
    """The modes of a modality, or of all."""
    return tuple(tag.split(".")[1] for tag in _TAGS if modality in (None, tag.split(".")[0]))


Program = Annotated[
    radiofrequency.AnyProgram
    | cryo.AnyProgram
    | microwave.AnyProgram
    | laser.AnyProgram
    | electroporation.AnyProgram
    | ultrasound.AnyProgram,
    Discriminator(_tag_of_given),
]
