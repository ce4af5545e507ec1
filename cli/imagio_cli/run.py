# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio run``: solve the plans of a scenario."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagio_cli.progress import shown, stoppable

if TYPE_CHECKING:
    from imagio_sim.outcome.result import Result


class Resolution(StrEnum):
    """How finely the region is meshed."""

    coarse = "coarse"
    normal = "normal"
    fine = "fine"


def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    plan: Annotated[list[str] | None, typer.Option(help="Only this plan (repeatable); default: all.")] = None,
    resolution: Annotated[Resolution | None, typer.Option(help="Of the mesh; default: the scenario's.")] = None,
    ranks: Annotated[int, typer.Option("-n", min=1, help="MPI ranks.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: runs/<scenario>.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Start over instead of going on.")] = False,
) -> None:
    """Solve a scenario and write zones, margins, pictures and fields.

    A finished identical run is shown at once; an interrupted one goes on where it stopped.
    """
    from imagio_sim.campaign.run import Listener, RunOptions, run_plans
    from imagio_sim.plan import load_scenario

    loaded = load_scenario(scenario)
    names = plan or list(loaded.plans)
    for name in names:
        loaded.plan(name)
    options = RunOptions(
        out=out or Path("runs") / loaded.name,
        resolution=resolution.value if resolution else loaded.solver.resolution,
        ranks=ranks,
        restart=restart,
    )
    results = []
    with stoppable() as wish, shown() as display:
        listener = Listener(display.say, wish.while_solving(display.progress), wish)
        for result in run_plans(loaded, names, options, listener):
            results.append(result)
            wish.solving = False
            display.finish()
    _show(results, options.out, as_json=as_json)


def _show(results: list[Result], out: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(results, indent=1))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from imagio_sim.outcome.comparison import comparison_rows

    console = Console(highlight=False)
    table = Table(header_style="bold")
    table.add_column("")
    for result in results:
        table.add_column(result["plan"], justify="right")
    for row in comparison_rows(results):
        table.add_row(f"{row.quantity} ({row.unit})" if row.unit else row.quantity, *row.values)
    console.print(table)
    for result in results:
        for warning in result["warnings"]:
            console.print(f"[yellow]warning[/yellow] {result['plan']}: {escape(warning)}", soft_wrap=True)
        console.print(f"{result['plan']}: {out / result['plan'] / 'report.html'}", soft_wrap=True)
    console.print("Research software, not a medical device.")
