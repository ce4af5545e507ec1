# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio campaign``: many runs, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from imagio_sim.campaign.workflow.standing import Standing

campaign = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Run cases x plans x parameters, or a cohort, on this machine or on a cluster with SLURM.",
)
Folder = Annotated[Path, typer.Argument(help="Folder of the campaign.", show_default=False)]


@campaign.command("run")
def run(
    file: Annotated[Path, typer.Argument(help="Campaign (YAML) or cohort (CSV).", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the campaign; default: campaigns/<file>.", show_default=False)
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Of this machine, default: all; on a cluster: jobs in the queue.")
    ] = None,
    slurm: Annotated[bool, typer.Option("--slurm", help="On the cluster whose login node this is.")] = False,
    partition: Annotated[str | None, typer.Option(help="Of the cluster; default: its own.")] = None,
    account: Annotated[str | None, typer.Option(help="To be charged on the cluster.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Folder of another Snakemake profile.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what has failed before.")] = False,
) -> None:
    """Run a campaign, or go on with it: what is complete is not run again.

    Everything that is wrong with it is said before anything starts. A run that fails does not stop the others.
    """
    from imagio_sim.campaign.workflow.conduct import conduct, last_words
    from imagio_sim.campaign.workflow.engine import Cluster, Engine

    folder = out or Path("campaigns") / file.stem
    engine = Engine(cores, Cluster(partition, account) if slurm else None, profile)
    with _shown() as tell:
        standing = conduct(file, folder.absolute(), engine, tell=tell, retry_failed=retry_failed)
    _say(standing, folder)
    if standing.settled < len(standing.runs):
        typer.echo(f"the engine ended early: {last_words(folder)}", err=True)
    if standing.count("complete") < len(standing.runs):
        raise typer.Exit(3)


@campaign.command("status")
def status(folder: Folder) -> None:
    """Say how far a campaign is; at any time, from any machine that sees the folder."""
    from imagio_sim.campaign.workflow.standing import standing_of

    _say(standing_of(folder), folder)


@campaign.command("collect")
def collect(folder: Folder) -> None:
    """Make the table of results from the run folders: results.parquet and results.csv."""
    from imagio_sim.campaign.workflow.collection import CSV, PARQUET
    from imagio_sim.campaign.workflow.collection import collect as collect_runs

    standing, rows = collect_runs(folder)
    typer.echo(f"{standing.text}; {len(rows)} rows, {len(rows[0])} columns")
    typer.echo(f"{folder / PARQUET}, {folder / CSV}")


@campaign.command("report")
def report(
    folder: Folder,
    rank: Annotated[str | None, typer.Option(help="Ranking rule, NAME[:TOLERANCE[:ENOUGH]],...")] = None,
) -> None:
    """Write a page with every run, ranked within its case, and every failure with its reason."""
    from imagio_sim.campaign.workflow.campaign_report import write_campaign_report
    from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule

    typer.echo(str(write_campaign_report(folder, parse_rule(rank or DEFAULT_RULE))))


def _say(standing: Standing, folder: Path) -> None:
    typer.echo(f"{standing.name}: {standing.text}")
    if standing.by is not None:
        typer.echo(f"being run by {standing.by.text}")
    for one in standing.failed:
        typer.echo(f"failed: {one.run.name}: {one.record.reason}")
    for one in standing.retried:
        for attempt in one.record.attempts[:-1]:
            typer.echo(f"retried: {one.run.name}: {attempt.reason or attempt.outcome or 'its job was killed'}")
    if standing.mean_seconds is not None:
        typer.echo(f"{standing.mean_seconds:.1f} s per run; results: {folder / 'results.parquet'}")


@contextmanager
def _shown() -> Iterator[Callable[[Standing], None]]:
    """Progress: a bar on a terminal, elsewhere a line whenever it has changed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    said: set[str] = set()

    def say(standing: Standing) -> None:
        if standing.text not in said:
            said.add(standing.text)
            console.print(standing.text)

    if not console.is_terminal:
        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda now: bar.update(task, description=now.text, completed=now.settled, total=len(now.runs))
