# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagio_cli.main import application
from imagio_sim.anatomy import reference_patient
from imagio_sim.errors import InputError


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return CliRunner(env=own | {"IMAGIO_DATA": "", "COLUMNS": "200"})


def test_an_added_data_set_is_listed(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert "data:case_1 is" in runner.invoke(application, ["data", "add", "case_1", str(tmp_path / "mine")]).output
    listing = runner.invoke(application, ["data", "list"]).output
    assert "data:case_1" in listing
    assert "registered" in listing


def test_what_can_be_fetched_or_made_is_listed_from_the_start(runner: CliRunner) -> None:
    listing = runner.invoke(application, ["data", "list"]).output
    abdomen = next(line for line in listing.splitlines() if "data:abdomen " in line)
    assert "not here yet" in abdomen
    assert "imagio data get abdomen" in abdomen
    assert "made on first use" in listing


def test_a_missing_folder_is_not_added(runner: CliRunner, tmp_path: Path) -> None:
    ended = runner.invoke(application, ["data", "add", "case_1", str(tmp_path / "none")])
    assert isinstance(ended.exception, InputError)


def test_a_phantom_is_made_where_asked_and_registered(runner: CliRunner, tmp_path: Path) -> None:
    ended = runner.invoke(application, ["data", "make-phantom", str(tmp_path / "here")])
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "here" / "seg.nii.gz").is_file()
    listing = runner.invoke(application, ["data", "list"]).output
    phantom = next(line for line in listing.splitlines() if "data:liver_phantom" in line)
    assert "registered" in phantom


def test_get_tells_its_steps_and_where_the_data_lie(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(report: reference_patient.Report) -> list[Path]:
        report("downloading")
        return [tmp_path / "abdomen"]

    monkeypatch.setattr(reference_patient, "get_reference_patient", fetch)
    ended = runner.invoke(application, ["data", "get", "abdomen"])
    assert "abdomen: downloading" in ended.stderr
    assert f"data:abdomen is {tmp_path / 'abdomen'}" in ended.stdout


def test_only_known_patients_can_be_fetched(runner: CliRunner) -> None:
    ended = runner.invoke(application, ["data", "get", "brain"])
    assert ended.exit_code == 2
