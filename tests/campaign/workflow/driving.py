# SPDX-License-Identifier: LGPL-3.0-or-later
"""Campaigns started as users start them, and killed as machines kill them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imagio_sim.campaign.workflow.manifest import FILE, JOBS, RECORDS
from imagio_sim.campaign.workflow.standing import LOCK

POWERS = "20W:58W:2W"
"""Twenty of them."""
CHANGING = ("timing.", "attempts", "reason")
"""Columns that differ from one time to the next."""
ROUND_OFF = ("energy.balance_error", "energy.withheld_J")
"""Columns that say how large an error is."""


def start(
    campaign: Path, out: Path, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """``imagio campaign run``."""
    return subprocess.Popen(
        [sys.executable, "-m", "imagio_cli", "campaign", "run", str(campaign), "--out", str(out), *options],
        env=dict(environment or os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(started: subprocess.Popen[str], seconds: float) -> tuple[int, str]:
    """Its exit code and what it said."""
    said, _ = started.communicate(timeout=seconds)
    return started.returncode, said


def complete(out: Path) -> int:
    """How many runs are complete."""
    records = out.glob(f"{RECORDS}/**/[!.]*.json")
    return sum(json.loads(file.read_text())["attempts"][-1]["outcome"] == "complete" for file in records)


def wait_until(happened: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def kill_a_job(out: Path) -> None:
    """Kill the process of a job that is running."""

    def killed() -> bool:
        for lock in out.glob(f"{JOBS}/[!.]*.lock"):
            try:
                os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue
            return True
        return False

    wait_until(killed, 60.0)


def kill(started: subprocess.Popen[str]) -> None:
    """Kill what drives the campaign; nothing can be tidied up."""
    started.send_signal(signal.SIGKILL)
    started.wait()


def rows(out: Path) -> list[dict[str, Any]]:
    """The table of results."""
    found: list[dict[str, Any]] = pq.read_table(out / "results.parquet").to_pylist()
    return found


def numbers(out: Path) -> dict[str, dict[str, Any]]:
    """What must be the same every time, by run."""
    return {
        row["run"]: {column: value for column, value in row.items() if not column.startswith(CHANGING)}
        for row in rows(out)
    }


def require_same_numbers(out: Path, undisturbed: Path) -> None:
    """To the last digit; to the solver's tolerance where a run was broken off and went on from its checkpoint."""
    broken_off = {row["run"] for row in rows(out) if row["attempts"] > 1}
    found, expected = numbers(out), numbers(undisturbed)
    assert found.keys() == expected.keys()
    for run, row in found.items():
        if run not in broken_off:
            assert row == expected[run]
        for column, value in row.items():
            if isinstance(value, float) and column not in ROUND_OFF:
                assert value == pytest.approx(expected[run][column], rel=1e-4, abs=1e-6), (run, column)


def is_whole(out: Path) -> bool:
    """Whether the folder holds a campaign that nobody drives."""
    return (out / FILE).exists() and not (out / LOCK).exists()
