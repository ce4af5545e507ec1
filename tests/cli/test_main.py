# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest
from typer.testing import CliRunner

import imagio_sim
from imagio_cli import main
from imagio_sim.errors import ImagioError, InputError, SolverFailure

RUNNER = CliRunner()
HEAVY = ("dolfinx", "gmsh", "matplotlib", "numpy", "petsc4py", "pint", "pydantic", "pyvista", "SimpleITK", "vtk")


def end_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the command line with a subcommand ``fail`` that raises `error`."""

    def fail() -> None:
        raise error

    module = ModuleType("imagio_cli.fail")
    module.fail = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "imagio_cli.fail", module)
    monkeypatch.setitem(main.COMMANDS, "fail", "Raises.")
    monkeypatch.setattr(sys, "argv", ["imagio", "fail"])
    main.main()


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_listed_command_exists(name: str) -> None:
    assert callable(getattr(importlib.import_module(f"imagio_cli.{name}"), name))


def test_help_lists_every_command_with_its_line() -> None:
    result = RUNNER.invoke(main.application, ["--help"])

    assert result.exit_code == 0
    for name in main.COMMANDS:
        assert name in result.output


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom imagio_cli import main\n"
        "try: main.application(['--help'], prog_name='imagio')\n"
        f"except SystemExit: print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert shown.strip().endswith("loaded: []")


def test_version_is_that_of_the_library() -> None:
    result = RUNNER.invoke(main.application, ["--version"])

    assert result.output == f"imagio {imagio_sim.__version__}\n"


def test_an_unknown_command_ends_with_2() -> None:
    assert RUNNER.invoke(main.application, ["ablate"]).exit_code == 2


def test_a_refusal_is_one_line_on_stderr_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = InputError("liver.yaml: power", found="-60 W", allowed="1 W to 200 W", remedy="use a positive power")
    with pytest.raises(SystemExit) as end:
        end_with(error, monkeypatch)

    assert end.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "liver.yaml: power: expected 1 W to 200 W, got -60 W; use a positive power\n"


def test_a_solver_failure_ends_with_its_own_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SolverFailure("diverged", last_good_time=12.0, suggestions=("a finer mesh", "shorter steps"))
    with pytest.raises(SystemExit) as end:
        end_with(error, monkeypatch)

    assert end.value.code == 3
    assert capsys.readouterr().err == f"{error}\n"


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as end:
        end_with(KeyboardInterrupt(), monkeypatch)

    assert end.value.code == 130


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        end_with(ZeroDivisionError(), monkeypatch)


def test_every_error_of_the_tree_has_an_exit_code() -> None:
    assert all(error.exit_code in {2, 3, 130} for error in (ImagioError, *ImagioError.__subclasses__()))
