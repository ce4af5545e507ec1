# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import meshio
import pytest
from typer.testing import CliRunner

from imagio_cli import main
from imagio_sim.errors import InputError

RUNNER = CliRunner()
SCENARIO = Path(__file__).parents[2] / "scenarios" / "phantom_rf_coarse.yaml"


def test_an_unknown_suffix_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    result = RUNNER.invoke(main.application, ["mesh", "no_such_scenario.yaml", "--out", str(tmp_path / "mesh.stp")])
    assert isinstance(result.exception, InputError)
    assert ".vtu" in str(result.exception)


def test_a_scenario_is_meshed_reported_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGIO_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "mesh.vtu"
    result = RUNNER.invoke(main.application, ["mesh", str(SCENARIO), "--resolution", "coarse", "--out", str(out)])
    assert result.exception is None
    for word in ("nodes", "quality", "boundary", "liver"):
        assert word in result.output
    mesh = meshio.read(out)
    assert {block.type for block in mesh.cells} == {"tetra", "triangle"}
    assert out.with_name("mesh.vtu.tags.json").is_file()


def test_a_phantom_is_meshed_in_the_half_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGIO_CACHE", str(tmp_path / "cache"))
    phantom, out = SCENARIO.with_name("phantom_radiofrequency_axisymmetric.yaml"), tmp_path / "mesh.vtu"
    result = RUNNER.invoke(main.application, ["mesh", str(phantom), "--resolution", "coarse", "--out", str(out)])
    assert result.exception is None
    for word in ("triangles", "axis", "muscle"):
        assert word in result.output
    mesh = meshio.read(out)
    assert {block.type for block in mesh.cells} == {"triangle", "line"}
    assert (mesh.points[:, 1] == 0.0).all()


def test_an_unknown_plan_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGIO_CACHE", str(tmp_path))
    result = RUNNER.invoke(main.application, ["mesh", str(SCENARIO), "--plan", "no_such_plan"])
    assert isinstance(result.exception, InputError)
    assert "no_such_plan" in str(result.exception)
