# SPDX-License-Identifier: LGPL-3.0-or-later
"""What Snakemake is asked for, and which cluster is refused before anything starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from imagio_sim.campaign.workflow import engine as engines
from imagio_sim.campaign.workflow.engine import WORKFLOW, Cluster, Engine, check_engine, job_resources
from imagio_sim.campaign.workflow.manifest import Manifest
from imagio_sim.errors import InputError

MANIFEST = Manifest("bench", (), ranks=1, runs_per_job=1, attempts=3, pictures=False, time_s=None, memory_MB=None)
Programs = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Stand-ins for a cluster's commands, which are all that is on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            file = tmp_path / name
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)

    return put


def test_a_cluster_without_commands_is_refused(programs: Programs) -> None:
    with pytest.raises(InputError, match="no sbatch on PATH"):
        check_engine(Engine(cluster=Cluster()))


@pytest.mark.parametrize("sinfo", ["exit 1", "sleep 5"])
def test_a_scheduler_that_gives_no_answer_is_refused(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, sinfo: str
) -> None:
    monkeypatch.setattr(engines, "_ANSWER_WITHIN", 0.5)
    programs(sbatch="exit 0", sinfo=f"PATH=/usr/bin:/bin; {sinfo}")

    with pytest.raises(InputError, match="cannot be reached") as refused:
        check_engine(Engine(cluster=Cluster()))

    assert "\n" not in str(refused.value)


def test_a_partition_that_there_is_not_is_refused(programs: Programs) -> None:
    programs(sbatch="exit 0", sinfo="echo short; echo long; echo long")

    check_engine(Engine(cluster=Cluster(partition="long")))
    with pytest.raises(InputError, match="expected one of short, long, got 'gpu'"):
        check_engine(Engine(cluster=Cluster(partition="gpu")))


@pytest.mark.parametrize(("sacct", "asked"), [("exit 0", "sacct"), ("exit 1", "squeue")])
def test_jobs_are_asked_for_where_the_cluster_keeps_them(programs: Programs, sacct: str, asked: str) -> None:
    programs(sacct=sacct)

    command = Engine(7, Cluster("long", "oncology")).command(Path("/campaign"))

    assert command[command.index("--slurm-status-command") + 1] == asked
    assert command[command.index("--jobs") + 1] == "7"
    assert command[command.index("--default-resources") + 1 :] == ["slurm_partition=long", "slurm_account=oncology"]


def test_here_all_cores_are_used_unless_told() -> None:
    assert Engine().command(Path("/campaign"))[-1] == str(len(os.sched_getaffinity(0)))
    assert Engine(3).command(Path("/campaign"))[-2:] == ["--cores", "3"]


def test_a_run_of_several_ranks_asks_for_as_many_tasks_on_one_node() -> None:
    wanted = job_resources(replace(MANIFEST, ranks=4, time_s=5400.0, memory_MB=4000.0))

    assert wanted == {"mpi": "mpirun", "nodes": 1, "tasks": 4, "cpus_per_task": 1, "runtime": 90, "mem_mb": 4000}
    assert job_resources(MANIFEST)["mpi"] == ""  # one task with a name there would wait for ever


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_one_failing_job_stops_no_other_whatever_the_profile(name: str) -> None:
    profile = yaml.safe_load((WORKFLOW / name / "config.yaml").read_text(encoding="utf-8"))

    assert profile["keep-going"] is True
    assert profile["rerun-incomplete"] is True
    assert profile["executor"] == name


def test_the_engine_ends_with_the_one_that_started_it() -> None:
    engine = (
        "import os, time; from imagio_sim.campaign.workflow.engine import end_with_parent\n"
        "end_with_parent(jobs_too=False); print(os.getpid(), flush=True); time.sleep(60)"
    )
    starter = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {engine!r}]); time.sleep(60)"
    started = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    pid = int(started.stdout.readline())  # it is up, and watches

    started.send_signal(signal.SIGKILL)
    started.wait()

    end = time.monotonic() + 20.0
    while _lives(pid):
        assert time.monotonic() < end
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
