# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio doctor``: what is installed, what it can do, and what is missing with what to do about it."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

import imagio_sim

MINIMUM_DOLFINX = (0, 9)
DRAWING_TIME_LIMIT = 120.0  # s; a software renderer's first picture takes about 5 s
MINIMUM_MEMORY_GIB = 4.0  # a `normal` mesh with its multigrid stays below 2 GiB a plan, the rest is the system's

GET_ENVIRONMENT = "run `make setup` and use ./imagio, or create the conda environment of environment.yml"


@dataclass(frozen=True)
class Check:
    """One line of the report.

    ``missing`` means that imagio cannot work, ``limited`` that something named in the remedy cannot.
    """

    name: str
    value: str
    status: Literal["ok", "limited", "missing"] = "ok"
    remedy: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Print versions, solver packages, rendering, resources and folders, and what is missing.

    Ends with 0 when imagio can work here, otherwise with 2.
    """
    sections = examine()
    usable = all(check.status != "missing" for checks in sections.values() for check in checks)
    if as_json:
        typer.echo(_json(sections, usable))
    else:
        _print_tables(sections, usable)
    raise typer.Exit(0 if usable else 2)


def examine() -> dict[str, list[Check]]:
    """Every check, by section."""
    return {
        "Software": [
            Check("imagio", imagio_sim.__version__),
            Check("Python", f"{platform.python_version()} at {sys.executable}"),
            _dolfinx(),
            *(_package(name) for name in ("numpy", "scipy", "gmsh", "pyvista", "vtk", "SimpleITK", "highdicom")),
        ],
        "Solver": [*_petsc(), _mpi(), _mpirun(), _compiler()],
        "Drawing": [_offscreen_drawing()],
        "Campaigns": [*_campaigns()],
        "This machine": [_cores(), _memory()],
        "Folders": [*_caches()],
    }


def _dolfinx() -> Check:
    check = _package("dolfinx", distribution="fenics-dolfinx")
    if check.status == "ok" and _leading_numbers(check.value) < MINIMUM_DOLFINX:
        wanted = ".".join(map(str, MINIMUM_DOLFINX))
        return dataclasses.replace(check, status="missing", remedy=f"version {wanted} or newer: {GET_ENVIRONMENT}")
    return check


def _leading_numbers(version: str) -> tuple[int, ...]:
    """``0.10.0.post2`` -> (0, 10)."""
    return tuple(int(part) for part in version.split(".")[:2])


def _package(module: str, *, distribution: str | None = None) -> Check:
    """Whether a package imports, which a version alone does not show."""
    try:
        importlib.import_module(module)
        return Check(module, importlib.metadata.version(distribution or module))
    except (ImportError, OSError) as error:  # OSError: gmsh and vtk load shared libraries themselves
        return Check(module, f"not usable: {error}", "missing", GET_ENVIRONMENT)


def _campaigns() -> Iterable[Check]:
    for name in ("snakemake", "snakemake-executor-plugin-slurm", "pyarrow"):
        try:
            yield Check(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, "not installed", "limited", "for `imagio campaign`: pip install 'imagio-sim[campaign]'")
    yield Check("SLURM", shutil.which("sbatch") or "no sbatch: campaigns run on this machine only")


def _petsc() -> Iterable[Check]:
    try:
        from petsc4py import PETSc
    except ImportError as error:
        yield Check("PETSc", f"not usable: {error}", "missing", GET_ENVIRONMENT)
        return
    version = ".".join(map(str, PETSc.Sys.getVersion()))
    scalars = PETSc.ScalarType.__name__
    if scalars == "float64":
        yield Check("PETSc", f"{version}, {scalars}")
    else:
        remedy = "imagio solves real systems: choose a PETSc with real double precision"
        yield Check("PETSc", f"{version}, {scalars}", "missing", remedy)
    yield _external(PETSc.Sys, "hypre", without="the multigrid is PETSc's own, which is slower")
    yield _external(PETSc.Sys, "mumps", without="microwave antennas cannot be solved")


def _external(petsc_system: object, package: str, *, without: str) -> Check:
    present: Callable[[str], bool] = petsc_system.hasExternalPackage  # type: ignore[attr-defined]
    if present(package):
        return Check(package, "available")
    return Check(package, "absent", "limited", f"{without}; use a PETSc that was built with {package}")


def _mpi() -> Check:
    try:
        from mpi4py import MPI
    except ImportError as error:
        return Check("MPI", f"not usable: {error}", "missing", GET_ENVIRONMENT)
    return Check("MPI", MPI.Get_library_version().split(", package")[0].splitlines()[0].strip("\0 "))


def _mpirun() -> Check:
    path = shutil.which("mpirun")
    return Check("mpirun", path) if path else Check("mpirun", "absent", "limited", "`imagio run -n` needs it on PATH")


def _compiler() -> Check:
    """FFCx compiles the forms when they are first used."""
    path = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    remedy = "install a C compiler (package gcc): forms are compiled when first used"
    return Check("C compiler", path) if path else Check("C compiler", "absent", "missing", remedy)


def _offscreen_drawing() -> Check:
    """Draw in a child process, because VTK ends the process where a library is missing."""
    program = f"from {__name__} import draw_offscreen; draw_offscreen()"
    remedy = "no pictures are made; install libegl1 libgl1 libopengl0 libxrender1 (or set DISPLAY)"
    try:
        drawn = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=DRAWING_TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return Check("without a screen", f"no picture within {DRAWING_TIME_LIMIT:.0f} s", "limited", remedy)
    if drawn.returncode == 0:
        return Check("without a screen", drawn.stdout.strip().splitlines()[-1])
    reason = (drawn.stderr.strip().splitlines() or [f"the process ended with {drawn.returncode}"])[-1]
    return Check("without a screen", reason, "limited", remedy)


def draw_offscreen() -> None:
    """Draw a white sphere on black without a screen and print what drew it."""
    import pyvista

    plotter = pyvista.Plotter(off_screen=True, window_size=(64, 64))
    plotter.set_background("black")
    plotter.add_mesh(pyvista.Sphere(), color="white")
    picture = plotter.screenshot(return_img=True)
    if picture is None or picture.max() == 0:
        sys.exit("the picture is empty")
    window = plotter.render_window
    capabilities = window.ReportCapabilities() if window is not None else ""
    renderer = [line.split(":", 1)[1].strip() for line in capabilities.splitlines() if "renderer string" in line]
    print(", ".join([type(window).__name__, *renderer]))


def _cores() -> Check:
    return Check("cores", str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()))


def _memory() -> Check:
    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total / 2**30, memory.available / 2**30
    value = f"{total:.1f} GiB, {free:.1f} GiB available"
    if free < MINIMUM_MEMORY_GIB:
        remedy = f"less than {MINIMUM_MEMORY_GIB:.0f} GiB is available: use --resolution coarse or close programs"
        return Check("memory", value, "limited", remedy)
    return Check("memory", value)


def _caches() -> Iterable[Check]:
    import platformdirs

    yield _writable("meshes and data", platformdirs.user_cache_path("imagio"))
    try:
        from dolfinx.jit import get_options
    except ImportError:
        return  # reported above
    yield _writable("compiled forms", Path(get_options()["cache_dir"]))


def _writable(name: str, folder: Path) -> Check:
    """Whether files can be written there, or where it has yet to be made, in its nearest parent."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if existing.is_dir() and os.access(existing, os.W_OK):
        return Check(name, str(folder))
    remedy = f"{existing} cannot be written; set XDG_CACHE_HOME to a folder that can"
    return Check(name, str(folder), "missing", remedy)


def _json(sections: dict[str, list[Check]], usable: bool) -> str:
    checks = {title: [dataclasses.asdict(check) for check in checks] for title, checks in sections.items()}
    return json.dumps({"usable": usable, "sections": checks}, indent=2)


def _print_tables(sections: dict[str, list[Check]], usable: bool) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    colour = {"ok": "green", "limited": "yellow", "missing": "red"}
    console = Console()
    table = Table("", Column("", overflow="fold"), "", "what to do", box=None, pad_edge=False)
    for title, checks in sections.items():
        table.add_row(f"[bold]{title}[/bold]")
        for check in checks:
            status = f"[{colour[check.status]}]{check.status}[/]"
            table.add_row(f"  {check.name}", check.value, status, check.remedy)
    console.print(table)
    console.print("\nimagio can work here." if usable else "\nimagio cannot work here; see what is missing above.")
