# SPDX-License-Identifier: LGPL-3.0-or-later
"""Snakemake as the engine of campaigns: on the cores of this machine, or on a cluster with SLURM."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagio_sim.campaign.workflow.manifest import LOGS, Manifest
from imagio_sim.errors import InputError

WORKFLOW = Path(__file__).parent
_ANSWER_WITHIN = 20.0
_WATCH = 1.0
_GRACE = 60.0
"""Time [s] the engine has to stop its jobs at a checkpoint."""


@dataclass(frozen=True)
class Cluster:
    """Where on a cluster: SLURM's partition and account, its own defaults where None."""

    partition: str | None = None
    account: str | None = None


@dataclass(frozen=True)
class Engine:
    """How jobs are started.

    Attributes
    ----------
    cores
        Of this machine; on a cluster the number of jobs in its queue at a time, None for the profile's.
    cluster
        None for this machine.
    profile
        Folder of another Snakemake profile (``config.yaml``) than the one that comes with the program.
    snakefile
        The jobs.
    """

    cores: int | None = None
    cluster: Cluster | None = None
    profile: Path | None = None
    snakefile: Path = WORKFLOW / "Snakefile"

    def command(self, folder: Path) -> list[str]:
        """The command line of Snakemake."""
        profile = self.profile or WORKFLOW / ("local" if self.cluster is None else "slurm")
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(self.snakefile)),
            *("--directory", str(folder), "--profile", str(profile.resolve())),
        ]
        if self.cluster is None:
            return [*command, "--cores", str(self.cores or len(os.sched_getaffinity(0)))]
        if self.cores is not None:
            command += ["--jobs", str(self.cores)]
        return [*command, *_cluster_options(self.cluster)]


def job_resources(manifest: Manifest) -> dict[str, Any]:
    """What a job asks of a cluster, in Snakemake's names; the cluster's defaults where the campaign says nothing."""
    # With this key a job is not wrapped in srun, within whose step the run's own mpirun would not start; empty, since
    # the plugin refuses an MPI job of one task (without a word: it waits for ever).
    mpi = "mpirun" if manifest.ranks > 1 else ""
    wanted: dict[str, Any] = {"mpi": mpi, "nodes": 1, "tasks": manifest.ranks, "cpus_per_task": 1}
    if manifest.time_s is not None:
        wanted["runtime"] = math.ceil(manifest.time_s / 60.0)
    if manifest.memory_MB is not None:
        wanted["mem_mb"] = math.ceil(manifest.memory_MB)
    return wanted


def check_engine(engine: Engine) -> None:
    """Refuse an engine that is not installed or a cluster that does not answer.

    Raises
    ------
    InputError
        With what to do about it.
    """
    needed = ["snakemake", *(["snakemake_executor_plugin_slurm"] if engine.cluster is not None else [])]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            "campaign",
            found=f"no {missing[0].replace('_', '-')}",
            allowed="Snakemake 9 and its SLURM plugin",
            remedy="pip install 'imagio-sim[campaign]'",
        )
    if engine.profile is not None and not (engine.profile / "config.yaml").is_file():
        raise InputError(
            str(engine.profile), found="no config.yaml", allowed="the folder of a Snakemake profile", remedy="check it"
        )
    if engine.cluster is not None:
        _check_cluster(engine.cluster)


def _check_cluster(cluster: Cluster) -> None:
    if shutil.which("sbatch") is None or shutil.which("sinfo") is None:
        raise InputError(
            "slurm",
            found="no sbatch on PATH",
            allowed="the client commands of SLURM",
            remedy="start it on a login node of the cluster, or leave --slurm out",
        )
    answer = _answer("sinfo", "--noheader", "--format=%R")
    if answer is None:
        raise InputError(
            "slurm",
            found="a scheduler that cannot be reached (sinfo has no answer)",
            allowed="a running SLURM",
            remedy="try again when `sinfo` answers, or leave --slurm out",
        )
    partitions = list(dict.fromkeys(answer.split()))
    if cluster.partition is not None and cluster.partition not in partitions:
        raise InputError(
            "--partition",
            found=repr(cluster.partition),
            allowed=f"one of {', '.join(partitions)}",
            remedy="`sinfo` lists them",
        )


def _cluster_options(cluster: Cluster) -> list[str]:
    """Options that depend on the cluster: without accounting its history and accounts cannot be asked."""
    accounting = _answer("sacct", "--noheader", "--allocations") is not None
    options = ["--slurm-status-command", "sacct" if accounting else "squeue"]
    resources = []
    if cluster.partition is not None:
        resources.append(f"slurm_partition={cluster.partition}")
    if cluster.account is not None:
        resources.append(f"slurm_account={cluster.account}")
    return [*options, *(["--default-resources", *resources] if resources else [])]


def _answer(*command: str) -> str | None:
    """What a command prints; None if it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_WITHIN, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


@contextmanager
def running(engine: Engine, folder: Path) -> Iterator[Callable[[], int | None]]:
    """Start the engine in a campaign's folder; yields what polls it (its exit code, None while it runs).

    When the block is left while the engine runs, it is asked to end its jobs at a checkpoint.
    """
    log = folder / LOGS / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        # A session of its own: Ctrl-C is for the one who waits, who passes it on.
        process = subprocess.Popen(engine.command(folder), stdout=stream, stderr=stream, start_new_session=True)
        try:
            yield process.poll
        finally:
            _ended(process)


def end_with_parent(*, jobs_too: bool) -> None:
    """Let this process, which is the engine, end when the one that started it has ended.

    Parameters
    ----------
    jobs_too
        Jobs on this machine end with it, at a checkpoint; those on a cluster go on, and their results are found.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        if jobs_too:
            os.killpg(0, signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End the engine and, since they share its session, its jobs on this machine; those on a cluster it cancels."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
