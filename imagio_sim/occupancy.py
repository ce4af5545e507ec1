# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who works in a folder: one process at a time, also on a file system that several machines share.

File locks are not dependable there. Instead a small file says who it is, and is touched now and then while they work.
A file whose process has ended (on this machine), or that nobody has touched for :data:`STALE_AFTER`, counts for
nothing. Times are those of the file system, not of the machines' clocks.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

STALE_AFTER = 90.0
"""Time [s] without a sign after which a file is taken for left behind."""
BEAT = 10.0
"""Time [s] between signs."""
_POLL = 1.0
_SAME_BEGIN = 5.0
"""How far [s] two readings of when a process began may differ: they shift with the machine's clock."""


@dataclass(frozen=True)
class Occupant:
    """A process: machine, number, and when it began, since numbers are given again."""

    host: str
    pid: int
    begun: float

    @property
    def text(self) -> str:
        """For messages."""
        return f"process {self.pid} on {self.host}"


class Occupancy:
    """A place that is held; ``beat`` now and then keeps it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last = time.monotonic()

    def beat(self) -> None:
        """Give a sign, if it is time for one."""
        if time.monotonic() - self._last < BEAT:
            return
        self._last = time.monotonic()
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._file)

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Give signs by itself while something is done that takes long."""
        ended = threading.Event()

        def give_signs() -> None:
            while not ended.wait(BEAT):
                self.beat()

        thread = threading.Thread(target=give_signs, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@contextlib.contextmanager
def occupied(file: Path, *, on_wait: Callable[[Occupant], None]) -> Iterator[Occupancy]:
    """Hold the place that ``file`` stands for; while another does, ``on_wait`` is called every second and may raise."""
    file.parent.mkdir(parents=True, exist_ok=True)
    while (other := _claim(file)) is not None:
        on_wait(other)
        time.sleep(_POLL)
    try:
        yield Occupancy(file)
    finally:
        file.unlink(missing_ok=True)


def occupant(file: Path) -> Occupant | None:
    """Who holds a place now."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        found = Occupant(**data)
        return found if _works(found, file) else None
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _claim(file: Path) -> Occupant | None:
    """Take the place; who has it, if it is taken."""
    # A whole file is linked into place: a link that is there already fails, on NFS as well.
    own = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    own.write_text(json.dumps(_self().__dict__), encoding="utf-8")
    try:
        while True:
            with contextlib.suppress(FileExistsError):
                os.link(own, file)
                return None
            if (other := occupant(file)) is not None:
                return other
            with contextlib.suppress(FileNotFoundError):
                file.rename(own.with_suffix(".stale"))  # of several who try only one succeeds
                own.with_suffix(".stale").unlink()
    finally:
        own.unlink(missing_ok=True)


def _self() -> Occupant:
    return Occupant(socket.gethostname(), os.getpid(), psutil.Process().create_time())


def _works(found: Occupant, file: Path) -> bool:
    if found.host == socket.gethostname():
        try:
            process = psutil.Process(found.pid)
            same = abs(process.create_time() - found.begun) < _SAME_BEGIN
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False
    return _age(file) < STALE_AFTER


def _age(file: Path) -> float:
    """Time [s] since a file was touched, by the clock of its file system."""
    probe = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    probe.touch()
    try:
        return probe.stat().st_mtime - file.stat().st_mtime
    finally:
        probe.unlink()
