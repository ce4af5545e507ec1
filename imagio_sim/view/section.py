# SPDX-License-Identifier: LGPL-3.0-or-later
"""A headed part of the report, and how figures are written in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imagio_sim.outcome.comparison import MISSING
from imagio_sim.view.source_facts import FactTable, number


@dataclass(frozen=True)
class Section:
    """A headed part of the report: a sentence or two, and tables."""

    title: str
    text: str
    tables: Sequence[FactTable]


def percent(share: float | None) -> str:
    """A share as text."""
    return MISSING if share is None else f"{number(100.0 * share)} %"


def millilitres(volume: float | None) -> str:
    """A volume as text."""
    return MISSING if volume is None else f"{number(volume, 2)} ml"


def with_unit(value: float | None, unit: str) -> str:
    """A figure of three digits with its unit."""
    return MISSING if value is None else f"{value:.3g} {unit}"
