# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a wheel brings along, and what it asks for."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIREMENTS = CHECKOUT / "environment" / "requirements.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def output_of(what: str) -> list[str]:
    command = [sys.executable, str(REQUIREMENTS), what]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_data_files_and_the_type_marker_travel_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    data = [path for path in (CHECKOUT / "imagio_sim").rglob("*") if path.suffix in {".yaml", ".json", ".typed"}]
    data += (CHECKOUT / "imagio_sim").rglob("Snakefile")

    assert data
    assert {path.relative_to(CHECKOUT).as_posix() for path in data} <= set(wheel.namelist())


def test_the_wheel_holds_both_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    folders = {name.split("/")[0].partition("-")[0] for name in wheel.namelist()}

    assert folders == {"imagio_sim", "imagio_cli"}


def test_the_licence_and_the_command_travel_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()

    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/COPYING") for name in names)
    entry_points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "imagio = imagio_cli.main:main" in wheel.read(entry_points).decode()


@pytest.mark.parametrize("name", ["fenics-dolfinx", "gmsh", "meshio", "numpy", "petsc4py", "pyvista", "typer"])
def test_what_the_program_needs_is_among_its_requirements(name: str) -> None:
    assert any(line.startswith(f"{name}>=") for line in output_of("requirements"))


@pytest.mark.parametrize("name", ["numpy", "petsc4py", "fenics-dolfinx"])
def test_what_dolfinx_was_built_with_is_pinned_as_found(name: str) -> None:
    assert f"{name}=={importlib.metadata.version(name)}" in output_of("constraints")
