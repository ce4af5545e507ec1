# SPDX-License-Identifier: LGPL-3.0-or-later
"""Device figures with their evidence: value, spread, source and how the source was seen."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

Evidence = Literal["read", "derived", "memory", "assumed", "given"]
"""``read``: read in the source. ``derived``: computed from figures that were read. ``memory``: general knowledge,
not checked. ``assumed``: chosen by this project because nothing is published. ``given``: by the user, in no file."""

Value = TypeVar("Value")


class DeviceData(BaseModel):
    """A frozen part of a device file that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(DeviceData, Generic[Value]):
    """A figure with where it comes from.

    ``spread`` has the figure's unit and is a standard deviation, a tolerance or half a range; ``source`` is a key of
    ``sources.yaml``, or text where the user gives the figure.
    """

    value: Value
    spread: str | float
    source: str
    evidence: Evidence
    note: str = ""
