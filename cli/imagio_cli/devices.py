# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio devices``: the applicators that are known, and where each figure comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from imagio_sim.devices.device import Device


def devices(
    name: Annotated[str | None, typer.Argument(help="Device to show; without it, all devices are listed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the applicators, or print one with every figure, its spread, evidence and source."""
    from imagio_sim.devices.library import device_names, load_device

    if name is not None:
        _show(load_device(name), as_json=as_json)
        return
    _list([load_device(each) for each in device_names()], as_json=as_json)


def _list(library: list[Device], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({device.name: _summary(device) for device in library}, indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("device", no_wrap=True), "what it is", "modes", title="Device library")
    for device in library:
        table.add_row(device.name, f"{device.title} ({device.modality})", ", ".join(device.modes))
    Console().print(table)


def _summary(device: Device) -> dict[str, Any]:
    reach = device.deployment_range_mm
    return {
        "title": device.title,
        "modality": device.modality,
        "modes": list(device.modes),
        "deployment": f"{reach[0]:g} mm to {reach[1]:g} mm" if reach else None,
    }


def _show(device: Device, *, as_json: bool) -> None:
    from imagio_sim.devices.library import sources

    used = {key: dict(sources()[key]) for key in device.source_keys}
    data = device.model_dump(mode="json", exclude_none=True)
    if as_json:
        typer.echo(json.dumps({**data, "references": used}, indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("figure", overflow="fold"), "value", "spread", "evidence", "source", "note", title=device.name)
    for path, figure in _figures(data):
        style = "yellow" if figure["evidence"] in ("memory", "assumed") else None
        spread = str(figure["spread"])
        table.add_row(
            path, str(figure["value"]), spread, figure["evidence"], figure["source"], figure["note"], style=style
        )
    console = Console()
    console.print(device.title)
    console.print(table)
    for key, source in used.items():
        console.print(f"{key}: {source['ref']} {source.get('doi', source.get('url', ''))}", highlight=False)


def _figures(data: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every sourced figure of a device with its place in the file."""
    if isinstance(data, dict) and "evidence" in data:
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _figures(value, f"{path}.{key}".lstrip("."))
    elif isinstance(data, list):
        for item in data:
            named = f"[{item['name']}]" if isinstance(item, dict) and "name" in item else ""
            yield from _figures(item, path + named)
