# SPDX-License-Identifier: LGPL-3.0-or-later
"""A real SLURM on this machine: munged, slurmctld and slurmd of one node, all of whose files lie in one folder."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SBIN = "/usr/sbin:/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo", "squeue")


def lacking() -> str:
    """Which of the programs are not installed."""
    path = f"{os.environ['PATH']}:{SBIN}"
    return ", ".join(name for name in PROGRAMS if shutil.which(name, path=path) is None)


def needs_cluster(module: str) -> list[pytest.MarkDecorator]:
    """Marks of a module of tests that run on a real cluster."""
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install 'imagio-sim[campaign]'")
    reason = f"no SLURM here ({lacking()}): environment/enter --layer slurm python3 -m pytest -m slow {module}"
    return [pytest.mark.slow, pytest.mark.skipif(bool(lacking()), reason=reason)]


@dataclass
class OneNodeCluster:
    """A running cluster; ``environment`` is what its clients need."""

    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]]

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=30, check=True
        ).stdout

    def stop_controller(self) -> None:
        self.processes["slurmctld"].kill()
        self.processes["slurmctld"].wait()


@contextlib.contextmanager
def one_node_cluster(folder: Path, *, cpus: int) -> Iterator[OneNodeCluster]:
    """Start it, wait until its node is idle, and stop it."""
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{SBIN}", "SLURM_CONF": str(folder / "slurm.conf")}
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir()
    (folder / "munge").chmod(0o755)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "slurm.conf").write_text(_configuration(folder, cpus))
    (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    cluster = OneNodeCluster(folder, environment, {})
    try:
        munge = [f"--{name}-file={folder / 'munge' / name}" for name in ("key", "log", "pid", "seed")]
        _start(cluster, "munged", "--foreground", "--force", f"--socket={folder / 'munge' / 'socket'}", *munge)
        _until(lambda: (folder / "munge" / "socket").exists(), cluster, "munged")
        _start(cluster, "slurmctld", "-D", "-i")
        _start(cluster, "slurmd", "-D")
        _until(lambda: "idle" in _state(cluster), cluster, "slurmctld")
        yield cluster
    finally:
        for process in reversed(cluster.processes.values()):
            process.terminate()
        for process in cluster.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _configuration(folder: Path, cpus: int) -> str:
    host, user = socket.gethostname().split(".")[0], getpass.getuser()
    controller, daemon = _free_port(), _free_port()
    return f"""\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
SchedulerParameters=sched_interval=2,bf_interval=2
MinJobAge=300
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=60 State=UP
"""


def _start(cluster: OneNodeCluster, name: str, *arguments: str) -> None:
    program = shutil.which(name, path=cluster.environment["PATH"])
    assert program is not None
    with (cluster.folder / f"{name}.out").open("wb") as out:
        cluster.processes[name] = subprocess.Popen(
            [program, *arguments], env=cluster.environment, stdout=out, stderr=out, start_new_session=True
        )


def _state(cluster: OneNodeCluster) -> str:
    answer = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"],
        env=cluster.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return answer.stdout


def _until(happened: object, cluster: OneNodeCluster, name: str, seconds: float = 60.0) -> None:
    assert callable(happened)
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end or cluster.processes[name].poll() is not None:
            said = (cluster.folder / f"{name}.out").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{name} did not come up: {said}")
        time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
