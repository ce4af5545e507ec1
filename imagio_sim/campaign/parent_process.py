# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether the process that waits for this one still lives: when it was killed, this one must not go on alone."""

from __future__ import annotations

import os
import threading
import time

_WATCH = 0.5


def lives(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def end_with(process: int) -> None:
    """End this process at once when another one has ended."""

    def watch() -> None:
        while lives(process):
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
