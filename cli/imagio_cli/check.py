# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio check``: is a scenario valid, and what does it come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from imagio_sim.plan import Assignment, Scenario
    from imagio_sim.plan.infusions import InfusionModel


def check(
    scenario: Annotated[Path | None, typer.Argument(help="Scenario file (YAML).", show_default=False)] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of scenario files.")] = False,
) -> None:
    """Check a scenario: every value, every name, every file; then show its plans."""
    if schema:
        from imagio_sim.plan import json_schema

        typer.echo(json.dumps(json_schema(), indent=2))
        return
    if scenario is None:
        raise typer.BadParameter("give a scenario file, or --schema")
    _check(scenario)


def _check(path: Path) -> None:
    from rich.console import Console

    from imagio_sim.plan import input_files, load_scenario

    loaded = load_scenario(path)
    files = input_files(loaded)
    console = Console(highlight=False)
    console.print(f"[bold]{loaded.name}[/bold]: {loaded.question}")
    for place, file in files.items():
        console.print(f"  {place}: {file}", soft_wrap=True)
    for name in loaded.plans:
        _show_plan(console, loaded, name)
    console.print(f"{path}: valid", soft_wrap=True)


def _show_plan(console: Console, scenario: Scenario, name: str) -> None:
    from rich.table import Column, Table

    from imagio_sim.plan import assignments, placed_applicators

    plan = scenario.plan(name)
    names = [Column(title, overflow="fold") for title in ("stage", "begin", "given by", "device", "path")]
    table = Table(*names, Column("program", ratio=1), title=f"Plan {name}", expand=True)
    for number, times in enumerate(plan.timeline):
        begin = _clock(times.begin)
        for called, infusion in zip(plan.infusion_names[number], plan.stages[number].infusions, strict=True):
            table.add_row(times.name, begin, called, infusion.kind, "", _infusion_text(infusion))
        programs = {one.name: one for one in assignments(scenario, name, number)}
        for placed in placed_applicators(scenario, name, number):
            length = sum((a - b) ** 2 for a, b in zip(placed.entry_mm, placed.tip_mm, strict=True)) ** 0.5
            program = _program_text(programs[placed.name]) if placed.name in programs else "takes back the current"
            table.add_row(times.name, begin, placed.name, placed.device, f"{length:.0f} mm", program)
        if times.wait:
            table.add_row(times.name, _clock(times.end), "", "", "", f"wait {_clock(times.wait)}")
    console.print(table)


def _infusion_text(infusion: InfusionModel) -> str:
    """All figures of an infusion."""
    data = infusion.model_dump(mode="json", exclude_none=True, exclude={"name", "kind"})
    return ", ".join(f"{key} {value}" for key, value in data.items())


def _program_text(assigned: Assignment) -> str:
    """All figures of a program, the device's own included."""
    data = assigned.program.model_dump(mode="json", exclude_none=True, exclude={"modality", "mode"})
    return f"{assigned.program.mode}: " + ", ".join(f"{key} {value}" for key, value in data.items())


def _clock(seconds: float) -> str:
    """Write a time in the largest unit that keeps it above one."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
