# SPDX-License-Identifier: LGPL-3.0-or-later
"""The folder of one run: what lies where, what state it is in, and whether it may be used."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagio_sim.errors import InputError, StorageFailure
from imagio_sim.outcome.result import FILE_NAME, Result, read_result, write_result

NEEDED_BYTES_PER_NODE = 6000
"""Room a run takes at most: 41 outputs, the case, two checkpoints and the final fields; 4500 were measured."""
NEEDED_BYTES_AT_LEAST = 64 * 2**20
RESERVE, RESERVE_BYTES = "reserve", 2**18
"""Room held back while a run lasts, so that on a full disk its folder can still say how it ended."""
DISK_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


@dataclass(frozen=True)
class RunFolder:
    """``<out>/<plan>``, with the digest of what is run in it."""

    path: Path
    digest: str

    @property
    def work(self) -> Path:
        """Case, checkpoint and final state; gone when the run is complete."""
        return self.path / "checkpoint"

    @property
    def result_file(self) -> Path:
        """The result, which also says whether it is one."""
        return self.path / FILE_NAME

    def finished(self) -> Result | None:
        """The result of an identical run that is complete."""
        found = self._stored()
        return found if found is not None and found["status"] == "complete" else None

    def resumable(self) -> bool:
        """Whether an identical run was begun here and can go on."""
        return self._stored() is not None and self.work.is_dir()

    def refuse_foreign(self) -> None:
        """Refuse to replace a folder that no run has made."""
        if not self.path.is_dir() or self.result_file.exists() or self.work.is_dir():
            return
        content = sorted(entry.name for entry in self.path.iterdir())
        if content:
            raise InputError(
                str(self.path),
                found=f"a folder that no run has made (it holds {content[0]})",
                allowed="a new or empty folder, or that of an earlier run",
                remedy="choose another --out, or move what is in it",
            )

    def _stored(self) -> Result | None:
        if not self.result_file.exists():
            return None
        try:
            found = read_result(self.result_file)
        except InputError:
            return None  # of another version, or not a result: the run starts over
        return found if found.get("digest") == self.digest else None

    def begin(self, initial: Result) -> None:
        """Make the folder for a fresh run: whatever was in it is replaced; until it is complete it says so."""
        if self.path.exists():
            shutil.rmtree(self.path)
        self.work.mkdir(parents=True)
        self.reopen(initial)

    def reopen(self, initial: Result) -> None:
        """Go on in the folder of a run that ended early; until it is complete it says so."""
        write_result(self.result_file, initial)
        # Random, since zeros might be stored as a hole, which takes no room.
        (self.work / RESERVE).write_bytes(os.urandom(RESERVE_BYTES))

    def end_early(self, result: Result) -> None:
        """Write down how a run ended that did not finish; its checkpoint stays."""
        (self.work / RESERVE).unlink(missing_ok=True)
        # Should even this fail, the result from the beginning stands, which does not say "complete".
        with contextlib.suppress(OSError):
            write_result(self.result_file, result)

    def complete(self, result: Result) -> None:
        """Write the result and drop what only a restart needs."""
        write_result(self.result_file, result)
        shutil.rmtree(self.work, ignore_errors=True)


def refuse_unusable(out: Path, *, nodes: int) -> None:
    """Refuse an output path that cannot be a folder, cannot be written to, or lies on a disk without room.

    Parameters
    ----------
    out
        Where the run's folders go.
    nodes
        Size of the mesh, which says how much will be written.
    """
    existing = next(path for path in (out, *out.parents) if path.exists())
    if not existing.is_dir():
        raise InputError(
            str(out),
            found=f"{'the' if existing == out else 'a path below the'} file {existing}",
            allowed="a folder, existing or new",
            remedy="choose another --out",
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(
            str(out),
            found=f"no permission to write in {existing}",
            allowed="a writable folder",
            remedy="choose another --out",
        )
    needed = max(nodes * NEEDED_BYTES_PER_NODE, NEEDED_BYTES_AT_LEAST)
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise InputError(
            str(out),
            found=f"{free / 2**20:.0f} MiB free",
            allowed=f"at least {needed / 2**20:.0f} MiB for this run",
            remedy="free some space or choose another --out",
        )


@contextlib.contextmanager
def disk_refusals_as_failures(folder: Path) -> Iterator[None]:
    """Raise a :class:`StorageFailure` where the disk takes no more; any other error of the system is a bug."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_REFUSALS:
            raise
        raise StorageFailure.of(error, folder) from error


def sha256_of(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of every input by its place in the scenario; a folder's is that of its files in order."""
    return {place: _sha256(path) for place, path in files.items()}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    parts = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
    for part in parts:
        with part.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()
