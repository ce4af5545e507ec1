# SPDX-License-Identifier: LGPL-3.0-or-later
"""Data sets by name: ``data:NAME/file`` in a scenario instead of a machine's path.

A name is looked up in the folders of ``IMAGIO_DATA``, then among those registered with ``imagio data add``, then among
those the program itself fetched or made (kept in the user's cache). The digital phantom is made on first use.
"""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from imagio_sim.errors import InputError

PREFIX = "data:"
ENVIRONMENT_VARIABLE = "IMAGIO_DATA"
PHANTOM = "liver_phantom"
FETCHED = ("abdomen", "abdomen_dicom_slab")
"""Data sets that ``imagio data get abdomen`` brings."""
Origin = Literal["IMAGIO_DATA", "registered", "cache", "made on first use", "imagio data get abdomen"]


@dataclass(frozen=True)
class DataSet:
    """A data set: its name, its folder (which need not exist yet) and how it is known."""

    name: str
    path: Path
    origin: Origin


def cache_folder() -> Path:
    """Where fetched and made data sets are kept, one sub-folder each."""
    return Path(platformdirs.user_cache_path("imagio")) / "data"


def registry_file() -> Path:
    """User's list of registered data sets, JSON: folder by name."""
    return Path(platformdirs.user_config_path("imagio")) / "datasets.json"


def registered() -> dict[str, str]:
    """Folders of registered data sets by name."""
    file = registry_file()
    if not file.is_file():
        return {}
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            str(file),
            found=f"no JSON ({error})",
            allowed="a JSON object of folders by name",
            remedy="correct or remove the file",
        ) from error
    return {str(name): str(folder) for name, folder in table.items()}


def register(name: str, folder: Path) -> DataSet:
    """Enter a data set into the user's list; an earlier folder of that name is replaced."""
    if not folder.is_dir():
        raise InputError(
            str(folder), found="no such folder", allowed="the folder of a data set", remedy="check the path"
        )
    if not name or any(letter in name for letter in "/\\: "):
        raise InputError(
            "data set name",
            found=repr(name),
            allowed="a name without blanks, colons and slashes",
            remedy="choose another name",
        )
    file = registry_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    table = registered() | {name: str(folder.resolve())}
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(table, indent=1, sort_keys=True), encoding="utf-8")
    unfinished.replace(file)
    return DataSet(name, folder.resolve(), "registered")


def known_datasets() -> dict[str, DataSet]:
    """Every data set by name, as it would be found now."""
    cache = cache_folder()
    sets = {name: DataSet(name, cache / name, "imagio data get abdomen") for name in FETCHED}
    sets[PHANTOM] = DataSet(PHANTOM, cache / PHANTOM, "made on first use")
    cached = sorted(folder for folder in cache.iterdir() if folder.is_dir()) if cache.is_dir() else []
    sets |= {folder.name: DataSet(folder.name, folder, "cache") for folder in cached if not folder.name.startswith(".")}
    sets |= {name: DataSet(name, Path(folder), "registered") for name, folder in registered().items()}
    for root in reversed(
        [Path(entry) for entry in os.environ.get(ENVIRONMENT_VARIABLE, "").split(os.pathsep) if entry]
    ):
        if root.is_dir():
            sets |= {f.name: DataSet(f.name, f, "IMAGIO_DATA") for f in sorted(root.iterdir()) if f.is_dir()}
    return sets


def dataset_folder(name: str, *, where: str) -> Path:
    """Folder of a data set; an unknown one is refused, the phantom is made if need be."""
    sets = known_datasets()
    if name not in sets:
        near = difflib.get_close_matches(name, sets, n=3, cutoff=0.0)
        raise InputError(
            where,
            found=f"unknown data set {name!r}",
            allowed=f"a known data set (nearest: {', '.join(near)})",
            remedy=f"register it with `imagio data add {name} PATH` or set {ENVIRONMENT_VARIABLE}",
        )
    found = sets[name]
    if name == PHANTOM and found.path == cache_folder() / PHANTOM:
        from imagio_sim.anatomy.phantom import make_phantom

        # Also where the folder exists: an interrupted run may have left it without its files.
        make_phantom(found.path)
    if not found.path.is_dir():
        fetched = name in FETCHED and found.origin != "registered"
        raise InputError(
            where,
            found=f"data set {name!r}, which is not at {found.path}",
            allowed="a data set that is on this machine",
            remedy="run `imagio data get abdomen`" if fetched else f"run `imagio data add {name} PATH` with its folder",
        )
    return found.path


def resolve_path(text: str, *, base: Path, where: str = "path") -> Path:
    """File or folder that a scenario means: ``data:NAME[/file]``, or a path relative to ``base``."""
    if not text.startswith(PREFIX):
        return base / Path(text).expanduser()
    name, _, rest = text.removeprefix(PREFIX).partition("/")
    folder = dataset_folder(name, where=f"{where}: {text}")
    path = folder / rest if rest else folder
    if not path.exists():
        entries = sorted(entry.name for entry in folder.iterdir())
        raise InputError(
            f"{where}: {text}",
            found=f"no {rest!r} in {folder}",
            allowed=f"one of {', '.join(entries)}",
            remedy="check the file's name",
        )
    return path
