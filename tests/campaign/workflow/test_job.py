# SPDX-License-Identifier: LGPL-3.0-or-later
"""A job settles its runs: one that fails or is killed stops no other, and there is a reason for everything."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.campaign.workflow import attempt as attempts
from imagio_sim.campaign.workflow import job as jobs
from imagio_sim.campaign.workflow.expansion import plan_campaign
from imagio_sim.campaign.workflow.job import Stopped, settle
from imagio_sim.campaign.workflow.manifest import JOBS, Manifest, PlannedRun, read_manifest, write_manifest
from imagio_sim.campaign.workflow.records import Attempt, Record, record_of, write_record
from imagio_sim.campaign.workflow.standing import standing_of
from imagio_sim.errors import SolverFailure, StorageFailure
from imagio_sim.occupancy import occupied
from tests.campaign.bench import written_bench
from tests.campaign.workflow.test_campaign_file import campaign

CODES = {"killed": -signal.SIGKILL, "crashed": 1}


@pytest.fixture
def planned(tmp_path: Path) -> tuple[Path, Manifest]:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    folder = tmp_path / "campaign"
    write_manifest(folder, plan_campaign(campaign(tmp_path, runs_per_job=3, attempts=2)))
    return folder, read_manifest(folder)


def settled(folder: Path, manifest: Manifest, run: PlannedRun, monkeypatch: pytest.MonkeyPatch, *ends: str) -> Record:
    """Settle a run whose attempts end so, one after the other."""
    left = list(ends)

    def end(context: ForkServerContext, arguments: Any, place: Any, stopped: Stopped) -> int:
        how = left.pop(0)
        if how in CODES:
            return CODES[how]
        write_record(folder, run, record_of(folder, run).ended(how, "because"))  # type: ignore[arg-type]
        return 0

    monkeypatch.setattr(jobs, "_watched", end)
    context = multiprocessing.get_context("forkserver")
    with occupied(folder / JOBS / "x.lock", on_wait=lambda _: None) as place, quiet_signals():
        record = settle(folder, run, manifest, context, place, Stopped())
    assert left == []
    return record


@contextlib.contextmanager
def quiet_signals() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_complete_run_is_final(planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, manifest = planned
    run = manifest.runs[0]

    assert settled(folder, manifest, run, monkeypatch, "complete").final
    assert settled(folder, manifest, run, monkeypatch).outcome == "complete"  # not tried again
    assert standing_of(folder).count("complete") == 1


def test_a_failure_that_would_come_again_is_not_tried_again(
    planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, manifest = planned

    record = settled(folder, manifest, manifest.runs[0], monkeypatch, "failed")

    assert record.final
    assert [one.record.reason for one in standing_of(folder).failed] == ["because"]


def test_a_killed_run_is_tried_again_with_the_reason_kept(
    planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, manifest = planned

    record = settled(folder, manifest, manifest.runs[0], monkeypatch, "killed", "complete")

    assert record.outcome == "complete"
    assert record.attempts[0].reason == "its process was killed (SIGKILL; out of memory?)"
    assert [one.run.name for one in standing_of(folder).retried] == [manifest.runs[0].name]


@pytest.mark.parametrize(("end", "why"), [("killed", "SIGKILL"), ("crashed", "code 1"), ("broken off", "because")])
def test_after_so_many_attempts_a_run_is_given_up(
    planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch, end: str, why: str
) -> None:
    folder, manifest = planned

    record = settled(folder, manifest, manifest.runs[0], monkeypatch, end, end)

    assert record.final
    assert record.reason.startswith("given up after 2 attempts:")
    assert why in record.reason


def test_an_attempt_whose_whole_job_was_killed_counts(
    planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, manifest = planned
    run = manifest.runs[0]
    for _ in range(2):
        write_record(folder, run, record_of(folder, run).begun(Attempt("elsewhere", "2026-01-01")))

    record = settled(folder, manifest, run, monkeypatch)

    assert record.reason == "given up after 2 attempts: its job was killed"


def test_a_record_of_other_values_does_not_count(
    planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, manifest = planned
    run = manifest.runs[0]
    write_record(folder, run, Record("of another scenario", (Attempt("here", "now", "complete"),), final=True))

    assert record_of(folder, run).attempts == ()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SolverFailure("dried out", last_good_time=1.0, suggestions=("a", "b")), "failed"),
        (StorageFailure("runs", "no space left on device"), "broken off"),
    ],
)
def test_a_full_disk_is_tried_again_and_a_broken_solution_is_not(
    planned: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: str
) -> None:
    folder, manifest = planned

    def breaks(*_: object) -> None:
        raise error

    monkeypatch.setattr(attempts, "run_plan", breaks)

    ended, reason = attempts._tried(folder, manifest.runs[0], manifest, attempts.threading.Event())

    assert ended == outcome
    assert reason == str(error)


def test_a_real_run_in_its_own_process_is_killed_and_goes_on(planned: tuple[Path, Manifest]) -> None:
    folder, manifest = planned
    run = manifest.runs[0]
    context = multiprocessing.get_context("forkserver")
    killed: list[int] = []

    class Killer:
        """In place of a sign of life: kills the first attempt."""

        def beat(self) -> None:
            children = multiprocessing.active_children()
            if children and not killed:
                assert children[0].pid is not None
                os.kill(children[0].pid, signal.SIGKILL)
                killed.append(children[0].pid)

    with quiet_signals():
        record = settle(folder, run, manifest, context, Killer(), Stopped())  # type: ignore[arg-type]

    assert [one.outcome for one in record.attempts] == ["broken off", "complete"]
    assert (folder / "runs" / run.name / "necrosis.nii.gz").exists()
