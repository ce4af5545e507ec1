# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio validate``: run the validation book and write its page."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from imagio_sim.campaign.validation.case import BookCase
    from imagio_sim.campaign.validation.inputs import SourceTree
    from imagio_sim.campaign.validation.verdict import CaseResult


class Tier(enum.StrEnum):
    """How much is run."""

    fast = "fast"
    full = "full"


def validate(
    case: Annotated[list[str] | None, typer.Argument(help="Cases, e.g. AN01 CR01; default: all.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="fast: minutes; full: all. Default: fast, or as named.")] = None,
    workers: Annotated[int, typer.Option("-j", "--workers", min=1, help="Cases at a time.")] = min(
        2, os.cpu_count() or 1
    ),
    outdated: Annotated[bool, typer.Option("--outdated", help="Only cases whose result is missing or out of date.")] = (
        False
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which cases would be run, and why.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write results and page there; default: beside the cases.", show_default=False),
    ] = None,
    campaign: Annotated[
        Path | None,
        typer.Option(help="Run them by Snakemake in this folder; the same command goes on.", show_default=False),
    ] = None,
    slurm: Annotated[bool, typer.Option("--slurm", help="With --campaign: on the cluster of this login node.")] = False,
    partition: Annotated[str | None, typer.Option(help="Of the cluster; default: its own.")] = None,
    account: Annotated[str | None, typer.Option(help="To be charged on the cluster.")] = None,
) -> None:
    """Run verification and experiments, say which agree, and write docs/validation.md.

    A disagreeing experiment is a finding; a verification that disagrees or a run that breaks down ends with 1.
    """
    from imagio_sim.campaign.validation.case import chosen_cases, find_book, read_cases
    from imagio_sim.campaign.validation.conduct import keep
    from imagio_sim.campaign.validation.inputs import SourceTree
    from imagio_sim.campaign.validation.page import write_page

    book = find_book(Path.cwd())
    cases = read_cases(book)
    names = list(case or ())
    chosen = chosen_cases(cases, names, tier.value if tier else None if names else "full" if outdated else "fast")
    tree = SourceTree(book.parent)
    if outdated:
        chosen = [one for one in chosen if _state(tree, one)]
    if dry_run:
        _tell_states(tree, chosen)
        return
    _require_campaign(campaign, slurm, partition, account)
    started = _started(book, chosen, workers, campaign, slurm, partition, account)
    bad, missing = False, {entry.case.id for entry in chosen}
    file = book.parent / "docs" / "validation.md" if out is None else out / "validation.md"
    for done, (entry, result) in enumerate(started, start=1):
        _tell(entry, result, f"{done}/{len(chosen)}")
        bad |= bool(result.broken) or (entry.case.kind == "verification" and result.verdict == "disagree")
        missing.discard(entry.case.id)
        keep(entry, result, out)
        write_page(file, cases, results=out)  # each time: what is interrupted leaves a page that fits its results
    typer.echo(f"{len(chosen)} cases, {_processor_seconds():.0f} s of processor time")
    if missing:
        typer.echo(f"no result: {', '.join(sorted(missing))}; the engine's log is in {campaign}", err=True)
    typer.echo(f"{file}\nResearch software, not a medical device.")
    raise typer.Exit(1 if bad or missing else 0)


def _require_campaign(campaign: Path | None, slurm: bool, partition: str | None, account: str | None) -> None:
    from imagio_sim.errors import InputError

    if campaign is None and (slurm or partition or account):
        raise InputError(
            "--slurm",
            found="a cluster without --campaign",
            allowed="a folder that the cluster's nodes see",
            remedy="add --campaign FOLDER",
        )


def _started(
    book: Path,
    chosen: Sequence[BookCase],
    workers: int,
    campaign: Path | None,
    slurm: bool,
    partition: str | None,
    account: str | None,
) -> Iterator[tuple[BookCase, CaseResult]]:
    """The cases with their results as they come: from workers of this process, or from the engine of campaigns."""
    from imagio_sim.campaign.validation.campaign import campaign_results
    from imagio_sim.campaign.validation.conduct import run_cases
    from imagio_sim.campaign.workflow.engine import Cluster, Engine

    if campaign is None:
        return run_cases(book, chosen, workers)
    engine = Engine(workers, Cluster(partition, account) if slurm else None)
    return campaign_results(book, chosen, campaign.absolute(), engine)


def _processor_seconds() -> float:
    """What the processes that have ended have taken, and those that they have waited for."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _state(tree: SourceTree, entry: BookCase) -> str:
    """Why a case is to be run again: it has no result, broke down, or something has changed; empty if it is not."""
    from imagio_sim.campaign.validation.conduct import read_result

    result = read_result(entry.result_file)
    if tree.is_current(entry, result):
        return ""
    if result is None:
        return "has not been run"
    return "broke down" if result.broken else "its code or data has changed"


def _tell_states(tree: SourceTree, chosen: Sequence[BookCase]) -> None:
    for entry in chosen:
        typer.echo(f"{entry.case.id:12} {entry.case.tier:5} {_state(tree, entry) or 'up to date'}")


def _tell(entry: BookCase, result: CaseResult, progress: str) -> None:
    within = f"{result.agreeing_count} of {result.judged_count} within"
    reason = f"  {result.broken}" if result.broken else ""
    verdict = "calibrates" if entry.case.use == "calibrate" else result.verdict
    typer.echo(f"{progress:>7}  {entry.case.id:6} {verdict:11} {within:16} {result.seconds:6.0f} s{reason}")
