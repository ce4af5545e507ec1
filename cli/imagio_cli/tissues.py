# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio tissues``: what the tissue library holds, and where each number comes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from imagio_sim.tissue import Tissue, Value


def tissues(
    name: Annotated[str | None, typer.Argument(help="Tissue to show; without it, all tissues are listed.")] = None,
    species: Annotated[str | None, typer.Option("--species", help="As it is in this species.")] = None,
    condition: Annotated[list[str] | None, typer.Option("--condition", help="As it is in this condition.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List tissues, species and conditions, or print one tissue's values with unit, spread, evidence and source."""
    from imagio_sim.tissue import load_tissue, parameter_set, tissue_names

    sets = [parameter_set("condition", one) for one in condition or ()]
    sets += [] if species is None else [parameter_set("species", species)]
    if name is not None:
        _show(load_tissue(name, sets=sets), as_json=as_json)
        return
    _list([load_tissue(each, sets=sets) for each in tissue_names()], as_json=as_json)


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
    console = Console()
    console.print(table)
    console.print(_sets_table())


def _sets_table() -> Table:
    from rich.table import Table

    from imagio_sim.tissue import parameter_set, parameter_set_names

    table = Table("kind", "name", "what it changes", title="Patient factors")
    kinds: tuple[Literal["species", "condition"], ...] = ("species", "condition")
    for kind in kinds:
        for name in parameter_set_names(kind):
            table.add_row(kind, name, parameter_set(kind, name).description)
    return table


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

    table = Table("property", "value", "unit", "spread", "evidence", "set by", "source", "note", title=tissue.name)
    for key, value in tissue.values.items():
        style = "yellow" if value.evidence == "memory" else None
        origin = value.origin or "library"
        told = (f"{value.value:g}", value.unit, _spread(value), value.evidence, origin, value.source, value.note)
        table.add_row(key, *told, style=style)
    console = Console()
    console.print(tissue.description)
    console.print(table)
    for source in sorted({value.source for value in tissue.values.values()}):
        console.print(f"{source}: {load_sources()[source].reference}", highlight=False)


def _spread(value: Value) -> str:
    deviation = "" if value.sd is None else f"sd {value.sd:g}"
    interval = "" if value.low is None or value.high is None else f"{value.low:g} to {value.high:g}"
    return ", ".join(part for part in (interval, deviation) if part)
