# SPDX-License-Identifier: LGPL-3.0-or-later
"""All runs of a campaign, as they are kept in its folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from imagio_sim.errors import InputError

FILE = "campaign.json"
RUNS, JOBS, RECORDS, LOGS = "runs", "jobs", "records", "logs"
"""Folders below the campaign's: results, what was handed to the engine, what became of every run, what was said."""


@dataclass(frozen=True)
class PlannedRun:
    """One run.

    Attributes
    ----------
    name
        ``case/variant/plan``: its folder below ``runs``.
    digest
        SHA-256 of everything its result depends on.
    """

    name: str
    case: str
    patient: str
    scenario: str
    plan: str
    changes: Mapping[str, Any]
    resolution: Literal["coarse", "normal", "fine"]
    digest: str
    measured_zone: str | None = None


@dataclass(frozen=True)
class Manifest:
    """The runs of a campaign and how; see :class:`imagio_sim.campaign.workflow.campaign_file.CampaignFile`."""

    name: str
    runs: tuple[PlannedRun, ...]
    ranks: int
    runs_per_job: int
    attempts: int
    pictures: bool
    time_s: float | None
    memory_MB: float | None

    @property
    def jobs(self) -> dict[str, tuple[PlannedRun, ...]]:
        """Runs by job; a job is named by its runs' digests, so one whose runs have changed is another job."""
        size = self.runs_per_job
        chunks = [self.runs[start : start + size] for start in range(0, len(self.runs), size)]
        return {_job_name(number, chunk): chunk for number, chunk in enumerate(chunks)}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Keep the manifest in the campaign's folder; the file is either the old or the whole new one."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, asdict(manifest))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a campaign's folder."""
    try:
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            str(folder),
            found=f"no {FILE}",
            allowed="the folder of a campaign",
            remedy="imagio campaign run FILE makes one",
        ) from None
    return Manifest(**{**data, "runs": tuple(PlannedRun(**one) for one in data["runs"])})


def write_json(path: Path, data: Any) -> None:
    """Write a file that others may be reading: it is either the old or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}")
    partial.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _job_name(number: int, runs: Sequence[PlannedRun]) -> str:
    content = json.dumps([(run.name, run.digest) for run in runs])
    return f"{number:05d}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
