# SPDX-License-Identifier: LGPL-3.0-or-later
"""``log.txt``: what a run said and when, for whoever looks at its folder later."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

FILE_NAME = "log.txt"


class RunLog:
    """Lines with the time of day, held back until the run has a folder: a refused run leaves nothing behind."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._file: Path | None = None

    def say(self, text: str) -> None:
        """Note down a line. That the disk takes no more is for those to say who write what matters."""
        self._waiting.append(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")
        if self._file is None:
            return
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as stream:
            stream.writelines(self._waiting)
            self._waiting.clear()

    def open(self, folder: Path) -> None:
        """From now on write to the folder's log, at its end if there is one."""
        self._file = folder / FILE_NAME
