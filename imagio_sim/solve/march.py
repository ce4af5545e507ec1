# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drive a stage to its end: checkpoints, a polite stop, and an observer after every step, on all ranks alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from imagio_sim.errors import Interrupted, SolverFailure, StorageFailure
from imagio_sim.solve.checkpoint import save_checkpoint
from imagio_sim.solve.stage import Stage

Value = TypeVar("Value")

CHECKPOINT_SECONDS = 30.0
"""Wall time between checkpoints [s]: little is lost, and writing costs under a percent."""


class March:
    """A stage on its way, with where its checkpoints go.

    Parameters
    ----------
    observe
        Called on every rank after each accepted step (and once before the first); may communicate and write on rank 0.
    stop
        Asked on rank 0 after each step; True ends the run at a checkpoint.
    """

    def __init__(
        self,
        stage: Stage,
        checkpoint: Path,
        *,
        digest: str,
        observe: Callable[[Stage], None],
        stop: Callable[[], bool],
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self._stage, self._checkpoint, self._digest = stage, checkpoint, digest
        self._observe, self._stop, self._interval = observe, stop, checkpoint_seconds
        self._saved_at = time.monotonic()

    def run(self, steps: Sequence[float] | None = None) -> None:
        """Go to the end, or replay the given step lengths [s].

        Raises
        ------
        Interrupted
            When ``stop`` said so; the checkpoint holds the state.
        SolverFailure
            When the solution breaks down; the checkpoint holds the last good state.
        StorageFailure
            When a file cannot be written.
        """
        replay = iter(steps) if steps is not None else None
        if not self._stage.history:
            self.save()  # so that there is one whatever happens before the next
        self._guarded(lambda: self._observe(self._stage))
        while not self._stage.finished:
            prescribed = None if replay is None else next(replay, None)
            if replay is not None and prescribed is None:
                break
            self._advance(prescribed)
            self._guarded(lambda: self._observe(self._stage))
            if self._asked_to_stop():
                self.save()
                raise Interrupted(f"stopped at {self._stage.time:.1f} s; the same command goes on from here")
            if self._checkpoint_is_due():
                self.save()

    def save(self) -> None:
        """Write a checkpoint now (collective)."""
        self._guarded(lambda: save_checkpoint(self._stage, self._checkpoint, digest=self._digest))
        self._saved_at = time.monotonic()

    def _advance(self, prescribed: float | None) -> None:
        begun = time.perf_counter()
        try:
            self._stage.advance(prescribed)
        except SolverFailure:
            self.save()
            raise
        self._stage.wall_seconds += time.perf_counter() - begun

    def _guarded(self, write: Callable[[], None]) -> None:
        guarded(self._stage.space.comm, write, folder=self._checkpoint.parent)

    def _asked_to_stop(self) -> bool:
        comm = self._stage.space.comm
        return bool(comm.bcast(self._stop() if comm.rank == 0 else None, root=0))

    def _checkpoint_is_due(self) -> bool:
        comm = self._stage.space.comm
        return bool(comm.bcast(time.monotonic() - self._saved_at > self._interval if comm.rank == 0 else None, root=0))


def guarded(comm: Any, write: Callable[[], Value], *, folder: Path) -> Value:
    """Do something that writes on rank 0, after all it has to communicate (collective).

    Raises
    ------
    StorageFailure
        On every rank, when a file on rank 0 could not be written.
    """
    value, problem = None, None
    try:
        value = write()
    except OSError as error:
        problem = StorageFailure.of(error, folder)
    told = comm.bcast(None if problem is None else (problem.path, problem.reason), root=0)
    if told is not None:
        raise StorageFailure(*told) from problem
    return cast(Value, value)
