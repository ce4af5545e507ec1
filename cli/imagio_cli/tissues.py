# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio tissues``: what the tissue library holds, and where each number comes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from imagio_sim.tissue import Tissue, Value


def tissues(
    name: Annotated[str | None, typer.Argument(help="Tissue to show; without it, all tissues are listed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the tissues, or print one tissue's values with unit, spread, evidence and source."""
    from imagio_sim.tissue import load_tissue, tissue_names

    if name is not None:
        _show(load_tissue(name), as_json=as_json)
        return
    _list([load_tissue(each) for each in tissue_names()], as_json=as_json)


def _list(library: list[Tissue], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({tissue.name: tissue.description for tissue in library}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("tissue", "what it is", "values", "from memory", title="Tissue library")
    for tissue in library:
        remembered = sum(value.evidence == "memory" for value in tissue.values.values())
        table.add_row(tissue.name, tissue.description, str(len(tissue.values)), str(remembered))
    Console().print(table)


def _as_data(tissue: Tissue) -> dict[str, object]:
    from imagio_sim.tissue import source_text

    values = {key: {**asdict(value), "reference": source_text(value)} for key, value in tissue.values.items()}
    return {"name": tissue.name, "description": tissue.description, "generic": tissue.generic, "values": values}


def _show(tissue: Tissue, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_as_data(tissue), indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    from imagio_sim.tissue import load_sources

    table = Table("property", "value", "unit", "spread", "evidence", "source", "note", title=tissue.name)
    for key, value in tissue.values.items():
        style = "yellow" if value.evidence == "memory" else None
        table.add_row(
            key, f"{value.value:g}", value.unit, _spread(value), value.evidence, value.source, value.note, style=style
        )
    console = Console()
    console.print(tissue.description)
    console.print(table)
    for source in sorted({value.source for value in tissue.values.values()}):
        console.print(f"{source}: {load_sources()[source].reference}", highlight=False)


def _spread(value: Value) -> str:
    deviation = "" if value.sd is None else f"sd {value.sd:g}"
    interval = "" if value.low is None or value.high is None else f"{value.low:g} to {value.high:g}"
    return ", ".join(part for part in (interval, deviation) if part)
