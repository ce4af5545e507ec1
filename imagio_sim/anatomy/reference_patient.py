# SPDX-License-Identifier: LGPL-3.0-or-later
"""A real patient from PyPI: the abdomen CT that comes inside TotalSegmentator's source distribution.

What is taken from it, under which name, and the SHA-256 of each file stand in ``reference_patient.yaml``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from imagio_sim.anatomy.datasets import cache_folder
from imagio_sim.anatomy.provenance import sha256
from imagio_sim.errors import ImagioError, InputError

COMMAND = "imagio data get abdomen"
TIME_LIMIT_S = 600.0
Report = Callable[[str], None]


def manifest() -> dict[str, Any]:
    """Read what to fetch: requirement, folder in the archive, and by data set each file's source and SHA-256."""
    return dict(yaml.safe_load((files("imagio_sim.anatomy") / "reference_patient.yaml").read_text(encoding="utf-8")))


def get_reference_patient(report: Report) -> list[Path]:
    """Fetch the patient into the user's cache; a data set that is there and whole is left alone.

    ``report`` gets one line per step. Returns the folder of each data set.
    """
    content = manifest()
    cache = cache_folder()
    wanted = {name: entries for name, entries in content["data_sets"].items() if not is_whole(cache / name, entries)}
    if wanted:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".get-") as scratch:
            report(f"downloading {content['requirement']} with pip ({content['size_mb']} MB)")
            archive = download(content["requirement"], Path(scratch))
            for name, entries in wanted.items():
                report(f"extracting and checking {name} ({len(entries)} files)")
                extract(archive, content["folder"], entries, Path(scratch) / name)
                install(Path(scratch) / name, cache / name)
    else:
        report("already here")
    return [cache / name for name in content["data_sets"]]


def is_whole(folder: Path, entries: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether every file of a data set is in its folder with the right content."""
    return all(
        (folder / name).is_file() and sha256(folder / name) == entry["sha256"] for name, entry in entries.items()
    )


def download(requirement: str, folder: Path) -> Path:
    """Source distribution, by the user's own pip (its index, proxy and certificates)."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary", requirement.split("==")[0].lower(), "--dest", str(folder), requirement]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise not_downloaded(f"no end of pip within {TIME_LIMIT_S:.0f} s") from error
    archives = sorted(folder.glob("*.tar.gz"))
    if ended.returncode != 0 or not archives:
        complaints = [
            line for line in ended.stderr.splitlines() if line.startswith("ERROR")
        ] or ended.stderr.splitlines()
        raise not_downloaded(f"pip failed: {complaints[0] if complaints else 'without a message'}")
    return archives[0]


def not_downloaded(found: str) -> ImagioError:
    """Failure of a download, in one line."""
    return InputError(
        COMMAND,
        found=found,
        allowed="a package index that pip can reach",
        remedy="connect to the network or set pip's index, or work with data:liver_phantom, which needs none",
    )


def extract(archive: Path, root: str, entries: Mapping[str, Mapping[str, str]], folder: Path) -> None:
    """Write the files of one data set into a folder; a file that is missing or altered is refused."""
    with tarfile.open(archive) as tar:
        for name, entry in entries.items():
            try:
                stream = tar.extractfile(f"{root}/{entry['source']}")
            except KeyError:
                stream = None
            if stream is None:
                raise altered(f"no {entry['source']} in {archive.name}")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                shutil.copyfileobj(stream, target)
            if sha256(path) != entry["sha256"]:
                raise altered(f"{entry['source']} with SHA-256 {sha256(path)}")


def altered(found: str) -> InputError:
    """Refusal of an archive that is not the one the manifest was written for."""
    return InputError(
        COMMAND,
        found=found,
        allowed="the files of TotalSegmentator 2.18.0",
        remedy="ask who altered the package index in use",
    )


def install(folder: Path, place: Path) -> None:
    """Move a complete data set to its place, over an incomplete one."""
    if place.exists():
        shutil.rmtree(place)
    folder.replace(place)
