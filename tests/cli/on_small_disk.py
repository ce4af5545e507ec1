# SPDX-License-Identifier: LGPL-3.0-or-later
"""Run ``imagio`` with a folder on a disk of its own: ``python -m tests.cli.on_small_disk SIZE FOLDER ARGUMENTS...``.

The disk (a tmpfs) exists only in this process's mount namespace, so what is on it at the end is reported, as JSON on
standard output. ``SIZE`` is that of the mount option, e.g. ``16m``; with a ``!`` in front the check for room before the
run is skipped, as if another program took the room afterwards. Ends with 77 where no disk can be mounted.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

NO_DISK = 77


def mount(folder: Path, size: str) -> None:
    """Mount a small disk, as root or as anyone in a user namespace."""
    user, group = os.getuid(), os.getgid()
    try:
        os.unshare(os.CLONE_NEWNS)
    except PermissionError:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    libc = ctypes.CDLL(None, use_errno=True)
    private, recursive = 1 << 18, 1 << 14
    libc.mount(None, b"/", None, private | recursive, None)  # or a shared root would show the disk to everyone
    if libc.mount(b"small", bytes(folder), b"tmpfs", 0, f"size={size}".encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def main(size: str, folder: Path, arguments: list[str]) -> None:
    """Mount, run and report."""
    try:
        mount(folder, size.removeprefix("!"))
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"no small disk can be mounted here: {error}\n")
        sys.exit(NO_DISK)
    from imagio_cli.main import main as imagio
    from imagio_sim.campaign import folder as run_folder

    if size.startswith("!"):
        run_folder.NEEDED_BYTES_AT_LEAST = run_folder.NEEDED_BYTES_PER_NODE = 0
    sys.argv = ["imagio", *arguments]
    out, err, code = io.StringIO(), io.StringIO(), None
    with redirect_stdout(out), redirect_stderr(err):
        try:
            imagio()
        except SystemExit as end:
            code = end.code
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    results = {name: json.loads(path.read_text()) for name, path in files.items() if path.name == "result.json"}
    json.dump(
        {"code": code, "out": out.getvalue(), "err": err.getvalue(), "files": list(files), "results": results},
        sys.stdout,
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
