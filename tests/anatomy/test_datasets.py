# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from imagio_sim.anatomy.datasets import known_datasets, register, registry_file, resolve_path
from imagio_sim.errors import InputError


def folder_with(path: Path, name: str = "ct.nii.gz") -> Path:
    path.mkdir(parents=True)
    (path / name).write_text("x")
    return path


def test_a_plain_path_is_relative_to_the_scenario(own_user: Path) -> None:
    assert resolve_path("ct.nii.gz", base=own_user) == own_user / "ct.nii.gz"
    assert resolve_path("/elsewhere/ct.nii.gz", base=own_user) == Path("/elsewhere/ct.nii.gz")


def test_a_registered_data_set_is_found(own_user: Path) -> None:
    folder = folder_with(own_user / "somewhere")
    register("mine", folder)
    assert resolve_path("data:mine/ct.nii.gz", base=Path("/")) == folder / "ct.nii.gz"
    assert resolve_path("data:mine", base=Path("/")) == folder


def test_a_data_set_in_a_folder_of_the_environment_variable_is_found(
    own_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(own_user / "b" / "mine")
    monkeypatch.setenv("IMAGIO_DATA", f"{own_user / 'a'}:{own_user / 'b'}")
    assert resolve_path("data:mine/ct.nii.gz", base=Path("/")) == folder / "ct.nii.gz"


def test_the_environment_variable_wins_over_the_list_and_its_first_folder_over_the_second(
    own_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register("mine", folder_with(own_user / "registered"))
    first, second = folder_with(own_user / "a" / "mine"), folder_with(own_user / "b" / "mine")
    monkeypatch.setenv("IMAGIO_DATA", f"{first.parent}:{second.parent}")
    assert known_datasets()["mine"].path == first


def test_registering_again_replaces_the_folder(own_user: Path) -> None:
    register("mine", folder_with(own_user / "a"))
    register("other", folder_with(own_user / "c"))
    register("mine", folder_with(own_user / "b"))
    assert known_datasets()["mine"].path == own_user / "b"
    assert known_datasets()["other"].path == own_user / "c"


def test_an_unknown_data_set_is_refused_with_the_nearest(own_user: Path) -> None:
    register("liver_case", folder_with(own_user / "a"))
    with pytest.raises(InputError, match=r"unknown data set 'liver_cse'|nearest: liver_case") as refusal:
        resolve_path("data:liver_cse/ct.nii.gz", base=Path("/"), where="a.yaml: image")
    assert "a.yaml: image: data:liver_cse/ct.nii.gz: " in str(refusal.value)
    assert "(nearest: liver_case" in str(refusal.value)


def test_a_patient_that_was_not_fetched_yet_is_refused_with_the_command_that_fetches_it(own_user: Path) -> None:
    with pytest.raises(InputError, match="run `imagio data get abdomen`"):
        resolve_path("data:abdomen/ct.nii.gz", base=Path("/"))


def test_a_registered_folder_that_vanished_is_refused(own_user: Path) -> None:
    folder = folder_with(own_user / "a")
    register("mine", folder)
    (folder / "ct.nii.gz").unlink()
    folder.rmdir()
    with pytest.raises(InputError, match=r"which is not at .*imagio data add mine PATH"):
        resolve_path("data:mine", base=Path("/"))


def test_a_file_that_is_not_in_the_data_set_is_refused(own_user: Path) -> None:
    register("mine", folder_with(own_user / "a"))
    with pytest.raises(InputError, match=r"expected one of ct\.nii\.gz, got no 'seg\.nii\.gz'"):
        resolve_path("data:mine/seg.nii.gz", base=Path("/"))


def test_a_missing_folder_is_not_registered(own_user: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        register("mine", own_user / "a")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "data:a"])
def test_a_name_that_could_not_be_written_in_a_scenario_is_refused(own_user: Path, name: str) -> None:
    with pytest.raises(InputError, match="a name without blanks"):
        register(name, folder_with(own_user / "a"))


def test_a_damaged_list_is_refused(own_user: Path) -> None:
    registry_file().parent.mkdir(parents=True)
    registry_file().write_text("{")
    with pytest.raises(InputError, match=r"datasets\.json: expected a JSON object"):
        known_datasets()


def test_the_phantom_is_made_on_first_use(own_user: Path) -> None:
    assert known_datasets()["liver_phantom"].origin == "made on first use"
    path = resolve_path("data:liver_phantom/seg.nii.gz", base=Path("/"))
    assert path.is_file()
    assert known_datasets()["liver_phantom"].origin == "cache"


def test_a_phantom_whose_making_was_interrupted_is_made_again(own_user: Path) -> None:
    path = resolve_path("data:liver_phantom/seg.nii.gz", base=Path("/"))
    path.unlink()
    assert resolve_path("data:liver_phantom/seg.nii.gz", base=Path("/")).is_file()
