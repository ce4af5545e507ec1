# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sweep in a process that has no other children, kill the first two members when both run, and tell what they say."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import psutil

from imagio_sim.campaign.what_if.sweep import sweep
from tests.campaign.what_if.test_apart import DURATION, begun, listener, options, slow_members


def kill_when_begun(folders: list[Path]) -> None:
    """Kill what the server of processes has made; gmsh has ended where a folder has been begun."""
    while not all(map(begun, folders)):
        time.sleep(0.05)
    me = psutil.Process()
    for process in [one for one in me.children(recursive=True) if one.ppid() != me.pid]:
        process.kill()


def main(folder: Path) -> None:
    """Write why each member failed, as JSON; empty where it did not."""
    *long, _ = wanted = slow_members(f"{DURATION}=24h,23h,10s")
    killer = threading.Thread(target=kill_when_begun, args=([folder / one.variant.name for one in long],))
    killer.start()
    ended = list(sweep(wanted, options(folder), listener(), workers=2))
    killer.join()
    sys.stdout.write(json.dumps([one.failure for one in ended]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
