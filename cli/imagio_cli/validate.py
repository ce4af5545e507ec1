# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio validate``: run the validation book and write its page."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from imagio_sim.campaign.validation.case import BookCase
    from imagio_sim.campaign.validation.verdict import CaseResult


class Tier(enum.StrEnum):
    """How much is run."""

    fast = "fast"
    full = "full"


def validate(
    case: Annotated[list[str] | None, typer.Argument(help="Cases, e.g. AN01 CR01; default: all.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="fast: minutes; full: all. Default: fast, or as named.")] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Cases at a time.")] = min(2, os.cpu_count() or 1),
    out: Annotated[
        Path | None,
        typer.Option(help="Write results and page there; default: beside the cases.", show_default=False),
    ] = None,
) -> None:
    """Run verification and experiments, say which agree, and write docs/validation.md.

    A disagreeing experiment is a finding; a verification that disagrees or a run that breaks down ends with 1.
    """
    from imagio_sim.campaign.validation.case import chosen_cases, find_book, read_cases
    from imagio_sim.campaign.validation.conduct import run_cases, write_result
    from imagio_sim.campaign.validation.page import write_page

    book = find_book(Path.cwd())
    cases = read_cases(book)
    names = list(case or ())
    chosen = chosen_cases(cases, names, tier.value if tier else None if names else "fast")
    bad = False
    file = book.parent / "docs" / "validation.md" if out is None else out / "validation.md"
    for done, (entry, result) in enumerate(run_cases(book, chosen, jobs), start=1):
        _tell(entry, result, f"{done}/{len(chosen)}")
        bad |= bool(result.broken) or (entry.case.kind == "verification" and result.verdict == "disagree")
        target = entry.result_file if out is None else out / f"{entry.case.id}.json"
        assert target is not None
        write_result(target, result)
        write_page(file, cases, results=out)  # each time: what is interrupted leaves a page that fits its results
    typer.echo(f"{file}\nResearch software, not a medical device.")
    raise typer.Exit(1 if bad else 0)


def _tell(entry: BookCase, result: CaseResult, progress: str) -> None:
    within = f"{result.agreeing_count} of {result.judged_count} within"
    reason = f"  {result.broken}" if result.broken else ""
    verdict = "calibrates" if entry.case.use == "calibrate" else result.verdict
    typer.echo(f"{progress:>7}  {entry.case.id:6} {verdict:11} {within:16} {result.seconds:6.0f} s{reason}")
