# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio anatomy``: what image and segmentation files hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagio_sim.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from imagio_sim.anatomy.summary import FileSummary


def anatomy(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Images, segmentations or surfaces: a file, a DICOM folder, or data:NAME/FILE."
        ),
    ],
    pack: Annotated[str, typer.Option(help="Organ pack: liver, lung, kidney or soft_tissue.")] = "liver",
    names: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER=NAME", help="Name of a label number, e.g. 1=liver (repeatable).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what image and segmentation files hold, and which tissue each label would become."""
    from imagio_sim.anatomy.datasets import resolve_path
    from imagio_sim.anatomy.summary import summarise

    paths = [resolve_path(file, base=Path.cwd(), where="imagio anatomy") for file in files]
    summaries = summarise(paths, pack=pack, names=parse_names(names or []))
    if as_json:
        typer.echo(json.dumps([asdict(summary) for summary in summaries], indent=1))
    else:
        show(summaries)


def parse_names(texts: Sequence[str]) -> dict[int, str]:
    """Label names by number from texts such as ``1=liver``."""
    names = {}
    for text in texts:
        number, equals, name = text.partition("=")
        if not equals or not number.strip().isdigit() or not name.strip():
            raise InputError(
                "--names", found=repr(text), allowed="NUMBER=NAME", remedy="write e.g. --names 1=liver --names 2=tumour"
            )
        names[int(number)] = name.strip()
    return names


def show(summaries: Sequence[FileSummary]) -> None:
    """Print the summaries for people."""
    from rich.console import Console

    console = Console()
    for summary in summaries:
        console.print(summary.path, style="bold", highlight=False, markup=False, soft_wrap=True)
        console.print(geometry(summary), highlight=False, soft_wrap=True)
        if summary.labels:
            console.print(label_table(summary))


def geometry(summary: FileSummary) -> str:
    """Grid, extent and range of values in two lines."""
    shape = " x ".join(str(count) for count in summary.shape)
    spacing = " x ".join(f"{length:g}" for length in summary.spacing_mm)
    extent = ", ".join(
        f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("LPS", summary.lower_mm, summary.upper_mm, strict=True)
    )
    values = f", values {summary.value_range[0]:g} to {summary.value_range[1]:g}" if summary.value_range else ""
    return (
        f"  {summary.kind}: {shape} voxels of {spacing} mm, axes {summary.orientation}{values}\n  extent (mm): {extent}"
    )


def label_table(summary: FileSummary) -> Table:
    """Labels of one file, one per row."""
    from rich.table import Table

    table = Table(header_style="bold")
    table.add_column("number", justify="right")
    table.add_column("label", overflow="fold")
    table.add_column("volume (ml)", justify="right")
    for heading in ("tissue", "role", "field of view"):
        table.add_column(heading, overflow="fold")
    for label in summary.labels:
        tissue = label.tissue or f"[red]none (nearest known: {label.nearest_known})[/red]"
        cut = "[yellow]cut[/yellow]" if label.cut_by_field_of_view else "whole"
        table.add_row(str(label.number), label.name, f"{label.volume_ml:.1f}", tissue, label.role or "", cut)
    return table
