# SPDX-License-Identifier: LGPL-3.0-or-later
"""Several results side by side, as rows of text for terminal and report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imagio_sim.outcome.result import Result

MISSING = "–"


@dataclass(frozen=True)
class Row:
    """One quantity: its name, its unit and its value in each result."""

    quantity: str
    unit: str
    values: tuple[str, ...]


def comparison_rows(results: Sequence[Result]) -> list[Row]:
    """Rows of the table that compares plans; quantities no result has are left out."""
    rows = [
        Row(quantity, unit, tuple(_text(read(result), digits) for result in results))
        for quantity, unit, digits, read in _QUANTITIES
    ]
    rows += _constraint_rows(results)
    return [row for row in rows if any(value != MISSING for value in row.values)]


def _constraint_rows(results: Sequence[Result]) -> list[Row]:
    names = dict.fromkeys(c["name"] for result in results for c in result.get("constraints", []))
    return [Row(name, "", tuple(_status(result, name) for result in results)) for name in names]


def _status(result: Result, name: str) -> str:
    found = [c["status"] for c in result.get("constraints", []) if c["name"] == name]
    return found[0] if found else MISSING


def _text(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _coverage(result: Result) -> float | None:
    target = result.get("target")
    return None if target is None else 100.0 * target["coverage"]


def _margin(result: Result) -> float | None:
    target = result.get("target")
    return None if target is None else target["minimal_ablative_margin_mm"]


def _margin_5(result: Result) -> float | None:
    target = result.get("target")
    share = None if target is None else target["margin_surface_fraction"]["ge_5"]
    return None if share is None else 100.0 * share


def _volume(result: Result) -> float | None:
    return result["ablation_zone"]["volume_ml"] if "ablation_zone" in result else None


def _long(result: Result) -> float | None:
    return result["ablation_zone"]["long_axis_mm"] if "ablation_zone" in result else None


def _short(result: Result) -> float | None:
    return result["ablation_zone"]["short_axis_mm"] if "ablation_zone" in result else None


def _minutes(result: Result) -> float | None:
    return result["treatment_time_s"] / 60.0 if "treatment_time_s" in result else None


def _energy(result: Result) -> float | None:
    return result["energy"]["source_J"] / 1000.0 if "energy" in result else None


def _solve_time(result: Result) -> float | None:
    return result["timing"]["solve_s"] if "timing" in result else None


_QUANTITIES: tuple[tuple[str, str, int, Callable[[Result], float | None]], ...] = (
    ("target coverage", "%", 1, _coverage),
    ("minimal ablative margin", "mm", 1, _margin),
    ("target surface with margin ≥ 5 mm", "%", 1, _margin_5),
    ("ablation zone", "ml", 1, _volume),
    ("long axis", "mm", 1, _long),
    ("short axis", "mm", 1, _short),
    ("treatment time", "min", 1, _minutes),
    ("energy into tissue", "kJ", 1, _energy),
    ("solve time", "s", 1, _solve_time),
)
