# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagio_cli import doctor
from imagio_cli.doctor import Check
from imagio_cli.main import application

RUNNER = CliRunner()


@pytest.fixture
def quick_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the picture, which takes seconds and has a test of its own."""
    monkeypatch.setattr(doctor, "_offscreen_drawing", lambda: Check("without a screen", "not tried"))


@pytest.mark.usefixtures("quick_doctor")
def test_doctor_finds_this_environment_usable() -> None:
    result = RUNNER.invoke(application, ["doctor"])

    assert result.exit_code == 0, result.output
    for expected in ("dolfinx", "PETSc", "hypre", "mumps", "MPI", "gmsh", "numpy", "vtk", "cores", "memory"):
        assert expected in result.output
    assert "imagio can work here" in result.output


@pytest.mark.usefixtures("quick_doctor")
def test_doctor_json_holds_every_check_with_its_status() -> None:
    result = RUNNER.invoke(application, ["doctor", "--json"])

    report = json.loads(result.output)
    assert report["usable"] is True
    checks = [check for section in report["sections"].values() for check in section]
    assert {"name", "value", "status", "remedy"} == set(checks[0])
    assert {check["status"] for check in checks} <= {"ok", "limited", "missing"}


@pytest.mark.usefixtures("quick_doctor")
def test_something_missing_ends_with_2_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_dolfinx", lambda: Check("dolfinx", "absent", "missing", "install it"))

    result = RUNNER.invoke(application, ["doctor"])

    assert result.exit_code == 2
    assert "install it" in result.output
    assert "imagio cannot work here" in result.output


def test_a_package_that_does_not_import_is_missing() -> None:
    check = doctor._package("no_such_package_at_all")

    assert check.status == "missing"
    assert "no_such_package_at_all" in check.value
    assert "make setup" in check.remedy


def test_a_dolfinx_that_is_too_old_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_package", lambda *_, **__: Check("dolfinx", "0.8.0"))

    assert doctor._dolfinx().status == "missing"
    assert "0.9" in doctor._dolfinx().remedy


@pytest.mark.parametrize("version", ["0.9.0", "0.10.0.post2", "0.11.0.dev0", "1.0"])
def test_newer_versions_of_dolfinx_are_accepted(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(doctor, "_package", lambda *_, **__: Check("dolfinx", version))

    assert doctor._dolfinx().status == "ok"


def test_a_petsc_without_a_package_limits_but_does_not_stop() -> None:
    class Bare:
        @staticmethod
        def hasExternalPackage(_: str) -> bool:  # noqa: N802 -- petsc4py's name
            return False

    check = doctor._external(Bare, "mumps", without="microwave antennas cannot be solved")

    assert check.status == "limited"
    assert "microwave" in check.remedy


def test_mpirun_and_compiler_are_looked_up_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)

    assert doctor._mpirun().status == "limited"
    assert doctor._compiler().status == "missing"


def test_a_picture_is_drawn_without_a_screen() -> None:
    assert doctor._offscreen_drawing().status == "ok"


@pytest.mark.parametrize(
    ("program", "reason"),
    [("import sys; sys.exit('no EGL')", "no EGL"), ("import os; os._exit(5)", "the process ended with 5")],
)
def test_a_drawing_that_fails_is_reported_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda _, **options: run([sys.executable, "-c", program], **options))

    check = doctor._offscreen_drawing()

    assert check.status == "limited"
    assert check.value == reason
    assert "libegl1" in check.remedy


def test_little_memory_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MINIMUM_MEMORY_GIB", 1e6)

    assert doctor._memory().status == "limited"
    assert "coarse" in doctor._memory().remedy


def test_a_folder_that_is_yet_to_be_made_is_writable_if_its_parent_is(tmp_path: Path) -> None:
    assert doctor._writable("cache", tmp_path / "not" / "yet").status == "ok"


def test_a_folder_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert doctor._writable("cache", tmp_path / "file" / "cache").status == "missing"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_not_writable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert doctor._writable("cache", tmp_path / "cache").status == "missing"
