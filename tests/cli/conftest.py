# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command line called in this process, a case to bend, and finished runs that tests share."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagio_cli.main import main
from imagio_sim.meshing.cache import FOLDER_VARIABLE
from tests.plan.conftest import put

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "scenarios" / "phantom_rf_coarse.yaml"
PLAN = "one_needle"


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The only result of ``--json``."""
        (only,) = json.loads(self.out)
        return dict(only)


def call(*arguments: object, folder: Path) -> Ended:
    """Run ``imagio`` in this process with another working directory; what is no refusal comes through as it is."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["imagio", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    code = end.value.code
    return Ended(0 if code is None else int(code), out.getvalue(), err.getvalue())


def assert_refused_at(refusal: str, file: Path, where: str, says: str) -> None:
    """A refusal names the file and the place in it, what was found, what is allowed and what to do."""
    assert refusal.startswith(f"{file}: {where}")
    assert ": expected " in refusal
    assert says in refusal
    assert refusal.count("; ") >= 1, "a refusal says what to do"


@pytest.fixture(scope="session", autouse=True)
def mesh_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Meshes of these tests, apart from the user's and shared by all of them."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("mesh_cache")
        patch.setenv(FOLDER_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="session")
def phantom_case() -> dict[str, Any]:
    """The scenario of the digital phantom, as data."""
    data: dict[str, Any] = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))
    return data


@pytest.fixture
def written(phantom_case: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """Write the phantom's scenario with other values at some paths; returns the file."""

    def write(changes: Mapping[str, Any] | None = None, name: str = "bent.yaml") -> Path:
        data = copy.deepcopy(phantom_case)
        for path, value in (changes or {}).items():
            put(data, path, value)
        file = tmp_path / name
        file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        return file

    return write


@dataclass(frozen=True)
class Finished:
    """A finished run: where it was started, its folder, and what the command printed."""

    start: Path
    folder: Path
    ended: Ended


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The phantom's scenario, run once for all tests; they must leave it as it is."""
    start = tmp_path_factory.mktemp("finished")
    ended = call("run", SCENARIO, "--json", folder=start)
    assert ended.code == 0, ended.err
    return Finished(start, start / "runs" / "phantom_rf_coarse" / PLAN, ended)
