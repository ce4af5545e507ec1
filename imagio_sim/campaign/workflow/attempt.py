# SPDX-License-Identifier: LGPL-3.0-or-later
"""One try at one run of a campaign, in a process of its own: a crash or a kill takes nothing else with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from imagio_sim.campaign.parent_process import end_with
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.workflow.manifest import LOGS, RUNS, Manifest, PlannedRun
from imagio_sim.campaign.workflow.records import Outcome, record_of, write_record
from imagio_sim.errors import ImagioError, Interrupted, StorageFailure
from imagio_sim.plan import changed, load_scenario


def attempt(folder: Path, run: PlannedRun, manifest: Manifest, waiting: int) -> None:
    """Run it, and write down how that ended.

    Parameters
    ----------
    waiting
        Process that waits for this one; when it is gone, this one ends at once, for another may take its place.
    """
    _to_log(folder / LOGS / f"{run.name}.log")
    end_with(waiting)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    begun = time.monotonic()
    outcome, reason = _tried(folder, run, manifest, stop)
    ended = record_of(folder, run).ended(outcome, reason, seconds=time.monotonic() - begun)
    write_record(folder, run, ended)


def options_of(folder: Path, run: PlannedRun, manifest: Manifest) -> RunOptions:
    """What the run is told beside its scenario."""
    out = (folder / RUNS / run.name).parent
    return RunOptions(out=out, resolution=run.resolution, ranks=manifest.ranks, pictures=manifest.pictures)


def _tried(folder: Path, run: PlannedRun, manifest: Manifest, stop: threading.Event) -> tuple[Outcome, str]:
    listener = Listener(_say, lambda _: None, stop.is_set)
    try:
        scenario = changed(load_scenario(run.scenario), run.changes)
        run_plan(scenario, run.plan, options_of(folder, run, manifest), listener)
    except Interrupted as stopped:
        return "interrupted", str(stopped)
    except StorageFailure as failure:
        return "broken off", str(failure)
    except ImagioError as error:
        return "failed", " | ".join(str(error).splitlines())
    return "complete", ""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _to_log(file: Path) -> None:
    """Send everything that is said, by libraries too, to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
