# SPDX-License-Identifier: LGPL-3.0-or-later
"""A run in a process of its own: what kills it takes nothing else with it, and several can go on side by side."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

from imagio_sim.campaign.parent_process import end_with
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.errors import ImagioError, Interrupted, SolverFailure
from imagio_sim.outcome.result import Result
from imagio_sim.plan import Scenario

_POLL = 0.2


def affordable_workers(wanted: int, ranks: int) -> int:
    """How many of the wanted runs go on at a time without more processes than this machine lets us have cores."""
    return max(1, min(wanted, len(os.sched_getaffinity(0)) // ranks))


def run_apart(
    scenario: Scenario, plan_name: str, options: RunOptions, stop: Callable[[], bool], *, abandon: threading.Event
) -> Result:
    """Run a plan as :func:`~imagio_sim.campaign.run.run_plan` does, in another process.

    Parameters
    ----------
    stop
        Asked several times a second; ends it at a checkpoint.
    abandon
        Ends it at once.

    Raises
    ------
    ImagioError
        What it ended with there; a :class:`SolverFailure` where its process was killed.
    """
    if stop() or abandon.is_set():
        raise Interrupted("stopped before it was begun")
    receiver, sender = _context().Pipe(duplex=False)
    process = _context().Process(target=_run, args=(scenario, plan_name, options, sender, os.getpid()))
    process.start()
    sender.close()  # so that the end of the process is the end of what can be read
    told = False
    while not receiver.poll(_POLL):
        if abandon.is_set():
            process.kill()
        elif stop() and not told:
            process.terminate()
            told = True
    try:
        outcome: Result | ImagioError = receiver.recv()
    except EOFError:
        outcome = _lost(process.join, lambda: process.exitcode)
    process.join()
    if isinstance(outcome, ImagioError):
        raise outcome
    return outcome


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # What is imported there need not be imported by every run; MPI must not be, since no process can share it.
    context.set_forkserver_preload([__name__])
    return context


def _lost(join: Callable[[], None], code: Callable[[], int | None]) -> SolverFailure:
    """Why there is no outcome."""
    join()
    ended = code() or 0
    how = f"was killed ({signal.Signals(-ended).name})" if ended < 0 else f"ended with code {ended}"
    return SolverFailure(
        f"its process {how} without a result",
        last_good_time=0.0,
        suggestions=(
            "the same command again, which goes on from its checkpoint",
            "fewer workers, which need less memory",
        ),
    )


def _run(scenario: Scenario, plan_name: str, options: RunOptions, sender: Connection, waiting: int) -> None:
    """What the process does: nothing is printed, and Ctrl-C is for the one who waits, who passes it on."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    end_with(waiting)
    try:
        sender.send(run_plan(scenario, plan_name, options, Listener(lambda _: None, lambda _: None, stop.is_set)))
    except ImagioError as error:
        sender.send(error)
