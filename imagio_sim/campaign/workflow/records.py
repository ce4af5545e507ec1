# SPDX-License-Identifier: LGPL-3.0-or-later
"""What became of every run of a campaign: a small file each, written whole, so that many machines can share them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from imagio_sim.campaign.workflow.manifest import RECORDS, PlannedRun, write_json

Outcome = Literal["", "complete", "failed", "interrupted", "broken off"]
"""How an attempt ended: ``failed`` would fail again, ``broken off`` (killed, disk full) might not; empty until then."""


@dataclass(frozen=True)
class Attempt:
    """One try: where and when (ISO 8601), how it ended, and why."""

    host: str
    begun: str
    outcome: Outcome = ""
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Record:
    """All tries of one run; those of a run with another digest do not count."""

    digest: str
    attempts: tuple[Attempt, ...] = ()
    final: bool = False

    @property
    def outcome(self) -> Outcome:
        """How the last attempt ended."""
        return self.attempts[-1].outcome if self.attempts else ""

    @property
    def reason(self) -> str:
        """Why the last attempt ended as it did."""
        return self.attempts[-1].reason if self.attempts else ""

    @property
    def broken_off(self) -> int:
        """Attempts that something from outside has ended, those included that could not even say so."""
        return sum(one.outcome in ("broken off", "") for one in self.attempts)

    def begun(self, attempt: Attempt) -> Record:
        """With one more attempt."""
        return replace(self, attempts=(*self.attempts, attempt))

    def ended(self, outcome: Outcome, reason: str = "", *, seconds: float | None = None) -> Record:
        """With the end of the last attempt; complete and failed ones are final."""
        last = replace(self.attempts[-1], outcome=outcome, reason=reason, seconds=seconds)
        return replace(self, attempts=(*self.attempts[:-1], last), final=outcome in ("complete", "failed"))

    def given_up(self, reason: str) -> Record:
        """After too many attempts."""
        return replace(self.ended("broken off", reason), final=True)


def record_of(folder: Path, run: PlannedRun) -> Record:
    """What is known of a run; nothing, if its record is of something else."""
    try:
        data = json.loads(_file(folder, run).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Record(run.digest)
    if data["digest"] != run.digest:
        return Record(run.digest)
    return Record(**{**data, "attempts": tuple(Attempt(**one) for one in data["attempts"])})


def write_record(folder: Path, run: PlannedRun, record: Record) -> Record:
    """Keep what is known of a run."""
    write_json(_file(folder, run), asdict(record))
    return record


def forget(folder: Path, run: PlannedRun) -> None:
    """Let a run be tried again from its first attempt."""
    _file(folder, run).unlink(missing_ok=True)


def _file(folder: Path, run: PlannedRun) -> Path:
    return folder / RECORDS / f"{run.name}.json"
