# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether the process that waits for this one still lives: when it was killed, this one must not go on alone."""

from __future__ import annotations

import os
import threading
import time

import psutil

_WATCH = 0.5


class ParentProcess:
    """A process by its number, told apart from a later one that is given the same number."""

    def __init__(self, number: int) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(number)
        except psutil.NoSuchProcess:
            self._process = None

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        try:
            return bool(
                self._process is not None
                and self._process.is_running()
                and self._process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False


def end_with(process: int) -> None:
    """End this process at once when another one has ended."""
    parent = ParentProcess(process)

    def watch() -> None:
        while parent.lives:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
