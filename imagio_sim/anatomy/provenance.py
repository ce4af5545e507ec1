# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which files were read: their existence and their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from imagio_sim.errors import InputError


def require(path: Path, allowed: str) -> None:
    """Refuse a path that does not exist."""
    if not path.exists():
        raise InputError(
            str(path), found="no such file or folder", allowed=allowed, remedy="check the path and its spelling"
        )


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file, by its path."""
    return {str(path): sha256(path) for path in paths}
