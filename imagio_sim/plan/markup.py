# SPDX-License-Identifier: LGPL-3.0-or-later
"""3D Slicer line markups as entry and tip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from imagio_sim.errors import InputError

LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])

Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class ControlPoint(BaseModel):
    """A point of a line [mm]; what else Slicer writes is of no concern here."""

    position: tuple[Finite, Finite, Finite]
    label: str = ""

    @property
    def is_labelled_tip(self) -> bool:
        """Whether its label says that the needle ends here."""
        return any(word in self.label.lower() for word in ("tip", "target"))


class Line(BaseModel):
    """A line markup with Slicer's own key names."""

    coordinate_system: Literal["LPS", "RAS"] = Field(alias="coordinateSystem")
    coordinate_units: Literal["mm"] = Field(default="mm", alias="coordinateUnits")
    control_points: tuple[ControlPoint, ...] = Field(alias="controlPoints", min_length=2, max_length=2)

    def in_lps(self, point: ControlPoint) -> NDArray[np.float64]:
        """Position (3,) of a point in LPS mm."""
        position = np.array(point.position)
        return position * LPS_FROM_RAS if self.coordinate_system == "RAS" else position


def read_line(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Entry and tip (3,) of a Slicer line markup (``.mrk.json``), in LPS mm.

    The first point is the entry and the second the tip, unless the first is labelled ``tip`` or ``target``.
    """
    try:
        line = Line.model_validate(_only_line(_parsed(path), path))
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"]))
        raise _refusal(path, f"{place} {detail['input']!r}", detail["msg"].removeprefix("Input should be ")) from error
    first, second = line.control_points
    entry, tip = (second, first) if first.is_labelled_tip else (first, second)
    return line.in_lps(entry), line.in_lps(tip)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        found = (error.strerror or "an unreadable file").lower()
        raise _refusal(path, found, "a Slicer line markup (.mrk.json)") from error
    except ValueError as error:
        raise _refusal(path, "no JSON", "a Slicer line markup (.mrk.json)") from error


def _only_line(data: Any, path: Path) -> dict[str, Any]:
    markups = data.get("markups") if isinstance(data, dict) else None
    lines = [one for one in markups if isinstance(one, dict)] if isinstance(markups, list) else []
    lines = [one for one in lines if one.get("type") == "Line"]
    if len(lines) != 1:
        raise _refusal(path, f"{len(lines)} lines", "exactly one line markup")
    return lines[0]


def _refusal(path: Path, found: str, allowed: str) -> InputError:
    remedy = "save the line again from 3D Slicer, or give entry and tip"
    return InputError(str(path), found=found, allowed=allowed, remedy=remedy)
