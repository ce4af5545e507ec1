# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio campaign``: what it says of a folder, and what it refuses before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagio_sim.campaign.workflow.expansion import plan_campaign
from imagio_sim.campaign.workflow.manifest import read_manifest, write_manifest
from imagio_sim.campaign.workflow.records import Attempt, record_of, write_record
from tests.campaign.bench import written_bench
from tests.campaign.workflow.test_campaign_file import campaign
from tests.cli.conftest import call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A campaign of six runs: one complete at the second attempt, one failed, the rest waiting."""
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    write_manifest(tmp_path / "out", plan_campaign(campaign(tmp_path)))
    runs = read_manifest(tmp_path / "out").runs
    first, again = Attempt("node1", "2026-01-01T10:00:00"), Attempt("node2", "2026-01-01T11:00:00")
    record = record_of(tmp_path / "out", runs[0]).begun(first).ended("broken off", "its process was killed (SIGKILL)")
    write_record(tmp_path / "out", runs[0], record.begun(again).ended("complete", seconds=12.0))
    failed = record_of(tmp_path / "out", runs[1]).begun(first).ended("failed", "label 'spleen' is missing")
    write_record(tmp_path / "out", runs[1], failed)
    return tmp_path


def test_the_status_says_how_many_what_failed_and_what_was_tried_again(folder: Path) -> None:
    ended = call("campaign", "status", "out", folder=folder)

    assert ended.code == 0
    assert ended.out.splitlines() == [
        "bench: 1 of 6 complete, 1 failed, 4 waiting",
        "failed: one/power=40_W/short: label 'spleen' is missing",
        "retried: one/power=20_W/short: its process was killed (SIGKILL)",
        "12.0 s per run; results: out/results.parquet",
    ]


@pytest.mark.parametrize("command", ["status", "collect", "report"])
def test_a_folder_without_a_campaign_is_refused(tmp_path: Path, command: str) -> None:
    ended = call("campaign", command, ".", folder=tmp_path)

    assert ended.code == 2
    assert "imagio campaign run FILE makes one" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_all_faults_are_said_before_anything_is_written(folder: Path) -> None:
    (folder / "cohort.csv").write_text(
        "patient,scenario,measured_zone\nP1,nowhere.yaml,a.nii.gz\nP2,one.yaml,b.nii.gz\n"
    )

    ended = call("campaign", "run", "cohort.csv", folder=folder)

    assert ended.code == 2
    assert len(ended.err.splitlines()) == 3
    assert not (folder / "campaigns").exists()


def test_another_campaign_s_folder_is_refused(folder: Path) -> None:
    ended = call("campaign", "run", campaign(folder, name="other"), "--out", "out", folder=folder)

    assert ended.code == 2
    assert "the folder of the campaign 'bench'" in ended.err


def test_a_profile_that_is_none_is_refused(folder: Path) -> None:
    ended = call("campaign", "run", "campaign.yaml", "--profile", "nowhere", folder=folder)

    assert ended.code == 2
    assert "no config.yaml" in ended.err
