# SPDX-License-Identifier: LGPL-3.0-or-later
"""The files a scenario names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imagio_sim.errors import InputErrors
from imagio_sim.plan import Scenario, input_files

Make = Callable[..., Scenario]


def test_files_are_found_beside_the_scenario(scenario: Make, tmp_path: Path) -> None:
    for name in ("ct.nii.gz", "labels.nii.gz"):
        (tmp_path / name).touch()
    assert input_files(scenario()) == {
        "patient.image": tmp_path / "ct.nii.gz",
        "patient.labels[0].file": tmp_path / "labels.nii.gz",
    }


def test_all_missing_files_are_named_with_their_place(scenario: Make) -> None:
    with pytest.raises(InputErrors) as refusal:
        input_files(scenario())
    assert [error.where for error in refusal.value.errors] == [
        "small.yaml: patient.image",
        "small.yaml: patient.labels[0].file",
    ]


def test_an_unknown_data_set_is_refused(scenario: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.delenv("IMAGIO_DATA", raising=False)
    with pytest.raises(InputErrors, match="data set 'nowhere'"):
        input_files(scenario({"patient.image": "data:nowhere/ct.nii.gz"}))


def test_a_data_set_is_found_by_its_name(scenario: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "sets" / "mine"
    folder.mkdir(parents=True)
    (folder / "ct.nii.gz").touch()
    (tmp_path / "labels.nii.gz").touch()
    monkeypatch.setenv("IMAGIO_DATA", str(tmp_path / "sets"))
    assert input_files(scenario({"patient.image": "data:mine/ct.nii.gz"}))["patient.image"] == folder / "ct.nii.gz"
