# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same campaign on a real SLURM of one node: killed in the middle, resumed, and with the same numbers as here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaign.bench import POWER, written_bench
from tests.campaign.workflow.driving import (
    POWERS,
    complete,
    finish,
    kill,
    kill_a_job,
    require_same_numbers,
    rows,
    start,
    wait_until,
)
from tests.campaign.workflow.one_node_cluster import OneNodeCluster, needs_cluster
from tests.campaign.workflow.test_campaign_file import campaign

pytestmark = needs_cluster(__name__)


def test_twenty_runs_on_a_cluster_survive_a_killed_job_and_a_killed_driver(
    cluster: OneNodeCluster, tmp_path: Path
) -> None:
    written_bench(tmp_path, "one")
    file = campaign(tmp_path, cases=[{"scenario": "one.yaml"}], vary={POWER: POWERS}, runs_per_job=5)
    here, out = tmp_path / "here", tmp_path / "out"
    assert finish(start(file, here), 600)[0] == 0

    first = start(file, out, "--slurm", environment=cluster.environment)
    wait_until(lambda: complete(out) >= 2, 300)
    assert cluster.ask("squeue", "--noheader").strip()  # they are the cluster's jobs
    kill_a_job(out)
    wait_until(lambda: complete(out) >= 6, 300)
    kill(first)
    code, said = finish(start(file, out, "--slurm", environment=cluster.environment), 900)

    assert code == 0, said
    assert len(rows(out)) == len({row["run"] for row in rows(out)}) == 20
    assert {row["state"] for row in rows(out)} == {"complete"}
    require_same_numbers(out, here)


@pytest.mark.mpi
def test_a_run_of_two_ranks_gets_two_tasks_of_the_cluster(cluster: OneNodeCluster, tmp_path: Path) -> None:
    written_bench(tmp_path, "one")
    changes = {"cases": [{"scenario": "one.yaml"}], "vary": {POWER: "40W,50W"}, "runs_per_job": 2}
    assert finish(start(campaign(tmp_path, **changes), tmp_path / "here"), 300)[0] == 0

    file = campaign(tmp_path, **changes, ranks=2, limits={"time": "5 min", "memory": "1 GB"})
    code, said = finish(start(file, tmp_path / "out", "--slurm", environment=cluster.environment), 600)

    assert code == 0, said
    assert "NumTasks=2" in cluster.ask("scontrol", "show", "jobs")
    for mine, other in zip(rows(tmp_path / "here"), rows(tmp_path / "out"), strict=True):
        assert other["ablation_zone.volume_ml"] == pytest.approx(mine["ablation_zone.volume_ml"], rel=1e-3)


def test_a_scheduler_that_has_gone_is_said_before_anything_starts(cluster: OneNodeCluster, tmp_path: Path) -> None:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    nowhere = tmp_path / "slurm.conf"
    own = Path(cluster.environment["SLURM_CONF"]).read_text()
    nowhere.write_text("\n".join(f"{line}9" if line.startswith("SlurmctldPort") else line for line in own.splitlines()))
    gone = {**os.environ, "SLURM_CONF": str(nowhere)}

    code, said = finish(start(campaign(tmp_path), tmp_path / "out", "--slurm", environment=gone), 120)

    assert code == 2, said
    assert len(said.splitlines()) == 1
    assert "cannot be reached" in said
    assert not (tmp_path / "out").exists()


def test_an_unknown_partition_is_refused(cluster: OneNodeCluster, tmp_path: Path) -> None:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    options = ("--slurm", "--partition", "gpu")

    code, said = finish(start(campaign(tmp_path), tmp_path / "out", *options, environment=cluster.environment), 60)

    assert code == 2
    assert "expected one of main, got 'gpu'" in said
