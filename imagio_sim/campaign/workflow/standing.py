# SPDX-License-Identifier: LGPL-3.0-or-later
"""How far a campaign is: read from its folder at any time, by anyone, without disturbing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imagio_sim.campaign.workflow.manifest import JOBS, PlannedRun, read_manifest
from imagio_sim.campaign.workflow.records import Record, record_of
from imagio_sim.occupancy import Occupant, occupant

LOCK = "campaign.lock"
State = Literal["complete", "failed", "running", "waiting"]


@dataclass(frozen=True)
class RunStanding:
    """One run: its state, and its record."""

    run: PlannedRun
    state: State
    record: Record


@dataclass(frozen=True)
class Standing:
    """All runs of a campaign; ``by`` is the process that drives it, None when nobody does."""

    name: str
    runs: tuple[RunStanding, ...]
    by: Occupant | None

    def count(self, state: State) -> int:
        """Runs in a state."""
        return sum(one.state == state for one in self.runs)

    @property
    def settled(self) -> int:
        """Runs that are complete or have failed."""
        return self.count("complete") + self.count("failed")

    @property
    def failed(self) -> tuple[RunStanding, ...]:
        """Runs that have failed."""
        return tuple(one for one in self.runs if one.state == "failed")

    @property
    def retried(self) -> tuple[RunStanding, ...]:
        """Runs that were broken off at least once."""
        return tuple(one for one in self.runs if len(one.record.attempts) > 1)

    @property
    def mean_seconds(self) -> float | None:
        """Mean wall time of the complete runs' last attempts."""
        times = [one.record.attempts[-1].seconds for one in self.runs if one.state == "complete"]
        known = [time for time in times if time is not None]
        return sum(known) / len(known) if known else None

    @property
    def text(self) -> str:
        """One line."""
        parts = [f"{self.count('complete')} of {len(self.runs)} complete"]
        parts += [f"{self.count(state)} {state}" for state in ("failed", "running", "waiting") if self.count(state)]
        return ", ".join(parts)


def standing_of(folder: Path, settled: Sequence[RunStanding] = ()) -> Standing:
    """Where a campaign stands; runs known to be settled are not read again."""
    manifest = read_manifest(folder)
    known = {one.run.name: one for one in settled if one.state in ("complete", "failed")}
    runs = [
        known.get(run.name) or RunStanding(run, *_state(folder, job, run))
        for job, members in manifest.jobs.items()
        for run in members
    ]
    return Standing(manifest.name, tuple(runs), occupant(folder / LOCK))


def _state(folder: Path, job: str, run: PlannedRun) -> tuple[State, Record]:
    record = record_of(folder, run)
    if record.final:
        return ("complete" if record.outcome == "complete" else "failed"), record
    tried = bool(record.attempts) and record.outcome == ""
    if tried and occupant(folder / JOBS / f"{job}.lock") is not None:
        return "running", record
    return "waiting", record
