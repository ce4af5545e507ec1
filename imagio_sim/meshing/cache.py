# SPDX-License-Identifier: LGPL-3.0-or-later
"""Meshes kept between runs, by the content of their recipe.

The key covers the recipe, gmsh's version and the version of this package's mesh generation, so a file never has to be
invalidated. Files are written under another name and renamed: a reader sees a whole file or none. Of several processes
that want the same mesh at the same time one makes it, and the others wait.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.recipe import Recipe, recipe_to_json
from imagio_sim.occupancy import occupied

# To be raised with every change of mesh generation that gives another mesh for the same recipe.
GENERATION = 3

FOLDER_VARIABLE = "IMAGIO_CACHE"
_SURFACE = "surface:"
# What reading a damaged npz file can raise.
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, eq=False)
class CachedDomain:
    """A domain, the time [s] it took to get, whether it came from the cache, and what went wrong with the cache."""

    domain: Domain
    seconds: float
    from_cache: bool
    warning: str | None = None


def cached_domain(recipe: Recipe, *, on_progress: Callable[[str], None] | None = None) -> CachedDomain:
    """The domain of a recipe, from the cache or made now and kept.

    A damaged file is replaced and an unwritable folder is done without, both with a ``warning``.
    """
    file = cache_folder() / f"{recipe_key(recipe)}.npz"
    if file.exists():
        return _kept_or_made(recipe, file, on_progress)
    with _only_maker(file, on_progress):
        return _kept_or_made(recipe, file, on_progress)


def _kept_or_made(recipe: Recipe, file: Path, on_progress: Callable[[str], None] | None) -> CachedDomain:
    started, warning = time.perf_counter(), None
    if file.exists():
        try:
            domain = read_domain(file)
        except _DAMAGE as damage:
            warning = f"mesh cache: {file} was damaged ({damage or type(damage).__name__}) and is built again"
        else:
            return CachedDomain(domain, time.perf_counter() - started, from_cache=True)
    domain = generate(recipe, on_progress=on_progress).domain
    try:
        write_domain(domain, file)
    except OSError as refusal:
        warning = f"mesh cache: {file.parent} cannot be written ({refusal}), the mesh is not kept"
    return CachedDomain(domain, time.perf_counter() - started, from_cache=False, warning=warning)


@contextlib.contextmanager
def _only_maker(file: Path, on_progress: Callable[[str], None] | None) -> Iterator[None]:
    """Hold the place of the one who makes a mesh; where nothing can be written there is nothing to share."""
    say = functools.cache(on_progress or (lambda _: None))  # once, not every second
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            place = file.with_suffix(".lock")
            ours = held.enter_context(
                occupied(place, on_wait=lambda other: say(f"waiting for the mesh that {other.text} makes"))
            )
            held.enter_context(ours.beating())
        yield


def cache_folder() -> Path:
    """Where meshes are kept: ``IMAGIO_CACHE``, else the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get(FOLDER_VARIABLE) or user_cache_dir("imagio")) / "meshes"


def recipe_key(recipe: Recipe) -> str:
    """Name of a recipe's mesh: a hash of all that decides it."""
    import gmsh

    content = f"{recipe_to_json(recipe)} gmsh {gmsh.GMSH_API_VERSION} generation {GENERATION}"
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def write_domain(domain: Domain, file: Path) -> None:
    """Write a domain to an npz file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    surfaces = {f"{_SURFACE}{name}": facets for name, facets in domain.surfaces.items()}
    handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(
                stream,
                allow_pickle=False,
                points_mm=domain.points_mm,
                cells=domain.cells,
                minimum_quality=domain.minimum_quality,
                axisymmetric=domain.axisymmetric,
                **surfaces,
            )
        os.replace(unfinished, file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def read_domain(file: Path) -> Domain:
    """Read what :func:`write_domain` wrote; the archive's checksums reveal damage."""
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Domain(
            points_mm=arrays["points_mm"],
            cells=arrays["cells"],
            surfaces={name.removeprefix(_SURFACE): arrays[name] for name in arrays.files if name.startswith(_SURFACE)},
            minimum_quality=float(arrays["minimum_quality"]),
            axisymmetric=bool(arrays["axisymmetric"]),
        )
