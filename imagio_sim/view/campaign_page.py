# SPDX-License-Identifier: LGPL-3.0-or-later
"""The page of a campaign: every run by case, ranked, and what failed or was tried again, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imagio_sim.view.page import rendered, write_page


@dataclass(frozen=True)
class RunRow:
    """One run: rank, figures as text, status of its constraints by name, and where it lies."""

    rank: int
    texts: tuple[str, ...]
    constraints: tuple[tuple[str, str], ...]
    label: str
    link: str


@dataclass(frozen=True)
class CaseTable:
    """Complete runs of one case, the best first."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[RunRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FailureRow:
    """A run that has no result."""

    run: str
    attempts: int
    reason: str


@dataclass(frozen=True)
class AttemptRow:
    """An attempt that was not the last."""

    run: str
    begun: str
    host: str
    reason: str


@dataclass(frozen=True)
class CampaignPage:
    """What the page says."""

    name: str
    standing: str
    rule: str
    cases: tuple[CaseTable, ...]
    failures: tuple[FailureRow, ...]
    retried: tuple[AttemptRow, ...]


def write_campaign_page(path: Path, page: CampaignPage) -> None:
    """Write the page; it opens without a network, its links lead to the runs beside it."""
    write_page(path, rendered("campaign.html.j2", page=page))
