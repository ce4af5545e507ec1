# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio run``: solve the plans of a scenario."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

    from imagio_sim.campaign.solving import Progress
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
    from imagio_sim.campaign.run import Listener, RunOptions, run_plan
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
    with _stoppable() as stop, _display() as display:
        for name in names:
            listener = Listener(display.say, display.progress, stop)
            results.append(run_plan(loaded, name, options, listener))
            display.finish()
    _show(results, options.out, as_json=as_json)


@contextmanager
def _stoppable() -> Iterator[_Wish]:
    """Turn Ctrl-C and SIGTERM into a wish to stop at a checkpoint; a second Ctrl-C ends at once."""
    wish = _Wish()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:
        if wish.made:
            raise KeyboardInterrupt
        wish.made = True

    for number in before:
        signal.signal(number, note)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Wish:
    """Whether the user wants to stop."""

    def __init__(self) -> None:
        self.made = False

    def __call__(self) -> bool:
        return self.made


class _Display:
    """Progress for people: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True, highlight=False)
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._next_share = 0.0
        if self._console.is_terminal:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[state]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text)

    def progress(self, progress: Progress) -> None:
        """Where the solution is in simulated time."""
        share = progress.time / progress.end if progress.end > 0.0 else 1.0
        state = (
            f"{progress.time:.0f} of {progress.end:.0f} s simulated, {progress.power:.0f} W, "
            f"hottest {progress.maximum_temperature:.0f} °C"
        )
        if self._bar is None:
            if share >= self._next_share:
                self._console.print(f"{share:4.0%}  {state}")
                self._next_share = min(_tenth_below(share) + 0.1, 1.0)
            return
        if self._task is None:
            self._task = self._bar.add_task("solving", total=progress.end, state=state)
        self._bar.update(self._task, completed=progress.time, total=progress.end, state=state)

    def finish(self) -> None:
        """The plan is done."""
        self._next_share = 0.0
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def _tenth_below(share: float) -> float:
    """The share rounded down to tenths."""
    return int(share * 10.0 + 1e-9) / 10.0


@contextmanager
def _display() -> Iterator[_Display]:
    display = _Display()
    try:
        yield display
    finally:
        display.close()


def _show(results: list[Result], out: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(results, indent=1))
        return
    from rich.console import Console
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
            console.print(f"[yellow]warning[/yellow] {result['plan']}: {warning}", soft_wrap=True)
        console.print(f"{result['plan']}: {out / result['plan'] / 'report.html'}", soft_wrap=True)
    console.print("Research software, not a medical device.")
