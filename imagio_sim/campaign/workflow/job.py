# SPDX-License-Identifier: LGPL-3.0-or-later
"""The program that one job of a campaign is: its runs in turn, each until it has a result or a reason why not.

``python -m imagio_sim.campaign.workflow.job FOLDER JOB`` ends with 0 when every run is settled, and with another code
when something from outside (a kill, a time limit) came between; the engine then starts it again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from imagio_sim.campaign.workflow.attempt import attempt
from imagio_sim.campaign.workflow.manifest import JOBS, LOGS, Manifest, PlannedRun, read_manifest, write_json
from imagio_sim.campaign.workflow.records import Attempt, Record, record_of, write_record
from imagio_sim.occupancy import Occupancy, occupied

INTERRUPTED = 130
_POLL = 0.2
_LAST_WORDS = 300


class Stopped:
    """Whether the job was told to end (SIGTERM)."""

    def __init__(self) -> None:
        self.wanted = False
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, self._note)

    def _note(self, *_: object) -> None:
        self.wanted = True


def main() -> int:
    """Settle the runs of a job; the exit code says whether all of them are."""
    folder, job = Path(sys.argv[1]).resolve(), sys.argv[2]
    manifest = read_manifest(folder)
    stopped = Stopped()
    _start_ranks_here()
    context = multiprocessing.get_context("forkserver")
    # What is imported there need not be imported by every run; MPI must not be, since no process can share it.
    context.set_forkserver_preload(["imagio_sim.campaign.run"])
    with occupied(folder / JOBS / f"{job}.lock", on_wait=lambda _: None) as place:
        for run in manifest.jobs.get(job, ()):
            settle(folder, run, manifest, context, place, stopped)
            if stopped.wanted:
                return INTERRUPTED
        write_json(folder / JOBS / f"{job}.done", {"job": job})
    return 0


def _start_ranks_here() -> None:
    """Let ``mpirun`` start the ranks of a run on this node, which the job has to itself as far as it asked for it.

    Of SLURM's variables only some reach a job through Snakemake; with those alone ``mpirun`` takes the cluster for its
    own and ends for want of the others.
    """
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]


def settle(
    folder: Path,
    run: PlannedRun,
    manifest: Manifest,
    context: ForkServerContext,
    place: Occupancy,
    stopped: Stopped,
) -> Record:
    """Try a run until it is complete, would fail again, or was broken off too often."""
    record = record_of(folder, run)
    while not record.final and not stopped.wanted:
        if record.broken_off >= manifest.attempts:
            why = record.reason or "its job was killed"
            record = write_record(folder, run, record.given_up(f"given up after {record.broken_off} attempts: {why}"))
            break
        begun = Attempt(host=socket.gethostname(), begun=datetime.now(UTC).isoformat(timespec="seconds"))
        write_record(folder, run, record.begun(begun))
        code = _watched(context, (folder, run, manifest), place, stopped)
        record = record_of(folder, run)
        if record.outcome == "":
            record = write_record(folder, run, record.ended("broken off", _reason(folder, run, code)))
    return record


def _watched(
    context: ForkServerContext, arguments: tuple[Path, PlannedRun, Manifest], place: Occupancy, stopped: Stopped
) -> int:
    """Wait for an attempt, with signs that this job lives; its exit code."""
    process: ForkServerProcess = context.Process(target=attempt, args=(*arguments, os.getpid()))
    process.start()
    told = False
    while process.is_alive():
        process.join(_POLL)
        place.beat()
        if stopped.wanted and not told:
            process.terminate()
            told = True
    assert process.exitcode is not None
    return process.exitcode


def _reason(folder: Path, run: PlannedRun, code: int) -> str:
    """Why a process ended that could not say so itself."""
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was killed ({name}{'; out of memory?' if -code == signal.SIGKILL else ''})"
    log = folder / LOGS / f"{run.name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    words = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return f"its process ended with code {code}: {words[-_LAST_WORDS:]}"


if __name__ == "__main__":
    sys.exit(main())
