# SPDX-License-Identifier: LGPL-3.0-or-later
"""How a comparison of runs is printed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from imagio_sim.campaign.what_if.comparison import Compared, Comparison, DifferenceVolumes
    from imagio_sim.outcome.comparison import Quantity
    from imagio_sim.outcome.uncertainty import PlanDifference

_SHOWN = (
    *("target_coverage", "minimal_ablative_margin", "collateral_volume", "ablation_zone_volume"),
    *("treatment_time", "energy"),
)
_MOST_DIFFERENCES = 6
"""Lines about differences and missed constraints; the files hold all of them."""
_BESIDE_EACH_OTHER, _LONGEST = 4, 12
"""Runs that fit beside each other, and characters of a cell that are not broken over lines."""
_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red"}


def show_comparison(comparison: Comparison, folder: Path | None, *, as_json: bool) -> None:
    """Print a comparison as a table with its rule, volumes and notes, or as JSON."""
    if as_json:
        typer.echo(json.dumps(comparison.data(), indent=1, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    _print_table(console, comparison)
    for run in comparison.runs[:_MOST_DIFFERENCES]:
        if missed := _missed(run):
            console.print(f"{run.label}: {missed}", soft_wrap=True)
    console.print(f"Ranked by: {comparison.rule}.", soft_wrap=True)
    for one in comparison.differences[:_MOST_DIFFERENCES]:
        console.print(_difference_text(one), soft_wrap=True)
    if len(comparison.differences) > _MOST_DIFFERENCES:
        console.print(f"and {len(comparison.differences) - _MOST_DIFFERENCES} more in comparison.json")
    for pair in comparison.pairs:
        console.print(pair_text(pair), soft_wrap=True)
    for note in comparison.notes:
        console.print(f"[yellow]note[/yellow] {note}", soft_wrap=True)
    if folder is not None:
        maps = "difference maps (1 only the first kills, 2 only the second, 3 both)"
        kept = f"comparison.csv, comparison.json, differences.csv and {maps}"
        console.print(f"{folder}: {kept}", soft_wrap=True)
    console.print("Research software, not a medical device.")


def _difference_text(one: DifferenceVolumes) -> str:
    said = (
        f"{one.first} kills {one.only_first_ml:.1f} ml that {one.second} spares, "
        f"and spares {one.only_second_ml:.1f} ml that it kills; both kill {one.both_ml:.1f} ml"
    )
    parts = [
        f"{part.region} {part.only_first_ml:.1f} / {part.only_second_ml:.1f} / {part.both_ml:.1f}"
        for part in one.regions
    ]
    return f"{said} (of these {', '.join(parts)} ml)" if parts else said


def _print_table(console: Console, comparison: Comparison) -> None:
    """A column per run while they fit beside each other, else a row per run."""
    from rich.table import Column, Table

    heads, rows = _headings_and_rows(comparison)
    if len(rows) > _BESIDE_EACH_OTHER:
        table = Table(header_style="bold")
        for head, *cells in zip(heads, *rows, strict=True):
            longest = max(map(_printed_length, cells))
            table.add_column(head, overflow="fold", min_width=min(longest, _LONGEST), justify="right")
        for row in rows:
            table.add_row(*row)
    else:
        table = Table("rank", *(Column(row[0], justify="right") for row in rows), header_style="bold")
        for head, *cells in list(zip(heads, *rows, strict=True))[1:]:
            table.add_row(head, *cells)
    console.print(table)


def _headings_and_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """What a table says: rank and name first, then what was varied, figures, and constraints."""
    from imagio_sim.campaign.what_if.variation import short_keys
    from imagio_sim.outcome.comparison import QUANTITIES

    runs = comparison.runs
    varied = list(dict.fromkeys(path for run in runs for path in run.varied))
    several_patients = len({run.patient for run in runs}) > 1
    shown = [one for one in QUANTITIES if one.key in _SHOWN and any(run.figures[one.key] is not None for run in runs)]
    heads = ["", "plan" if varied else "run", *(["patient"] if several_patients else []), *short_keys(varied)]
    rows = [
        [
            str(run.rank),
            run.plan if varied else run.label,
            *([str(run.patient)] if several_patients else []),
            *(str(run.varied.get(path, "")) for path in varied),
            *(_figure_text(run, one) for one in shown),
            _constraints_text(run),
        ]
        for run in runs
    ]
    return [*heads, *(one.heading for one in shown), "constraints"], rows


def _printed_length(cell: str) -> int:
    from rich.text import Text

    return len(Text.from_markup(cell))


def _constraints_text(run: Compared) -> str:
    counts = Counter(run.constraints.values())
    if not run.constraints:
        return "–"
    missed = [f"[{_COLOURS[status]}]{counts[status]} {status}[/]" for status in ("fail", "warn") if counts[status]]
    return ", ".join(missed) or "[green]all pass[/green]"


def _missed(run: Compared) -> str:
    """Constraints that a run does not keep, by name."""
    from rich.markup import escape

    missed = [(name, status) for name, status in run.constraints.items() if status != "pass"]
    return ", ".join(f"[{_COLOURS[status]}]{status}[/]: {escape(name)}" for name, status in missed)


def _figure_text(run: Compared, one: Quantity) -> str:
    """A figure, with its interval where its plan was drawn."""
    value, interval = run.figures[one.key], run.intervals.get(one.key)
    if value is None:
        return "–"
    text = f"{value:.{one.digits}f}"
    return text if interval is None else f"{text} ({interval.low:.{one.digits}f} to {interval.high:.{one.digits}f})"


def pair_text(one: PlanDifference) -> str:
    """``A against B, 64 draws: minimal ablative margin better in 83 % (72 % to 90 %), ...``."""
    from imagio_sim.outcome.comparison import QUANTITIES

    titles = {quantity.key: quantity.title for quantity in QUANTITIES}
    told = ", ".join(
        f"{titles[key]} better in {found.value:.0%} ({found.low:.0%} to {found.high:.0%})"
        for key, found in one.better.items()
    )
    return f"{one.first} against {one.second}, {one.members} draws: {told}"
