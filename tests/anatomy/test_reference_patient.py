# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fetching the patient, with a pip that hands over a small archive; the real one is fetched by the demonstration."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.anatomy import reference_patient
from imagio_sim.anatomy.datasets import cache_folder
from imagio_sim.anatomy.reference_patient import get_reference_patient, manifest
from imagio_sim.errors import InputError

FILES = {"LICENSE": b"Apache", "tests/ct.nii.gz": b"image", "tests/seg.nii.gz": b"labels"}


def entry(source: str) -> dict[str, str]:
    return {"source": source, "sha256": hashlib.sha256(FILES[source]).hexdigest()}


SMALL = {
    "requirement": "Package==1.0",
    "size_mb": 1,
    "folder": "package-1.0",
    "data_sets": {
        "abdomen": {"ct.nii.gz": entry("tests/ct.nii.gz"), "LICENSE": entry("LICENSE")},
        "abdomen_dicom_slab": {"part/seg.nii.gz": entry("tests/seg.nii.gz")},
    },
}


class FakePip:
    """Stands for the pip that is run; hands over an archive of ``files``."""

    def __init__(self, scratch: Path, files: dict[str, bytes], error: str = "") -> None:
        self.scratch, self.files, self.error, self.calls = scratch, files, error, 0

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.calls += 1
        assert command[1:4] == ["-m", "pip", "download"]
        if self.error:
            return subprocess.CompletedProcess(command, 1, "", self.error)
        with tarfile.open(Path(command[command.index("--dest") + 1]) / "package-1.0.tar.gz", "w:gz") as tar:
            for number, (name, content) in enumerate(self.files.items()):
                path = self.scratch / str(number)
                path.write_bytes(content)
                tar.add(path, f"package-1.0/{name}")
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def small(own_user: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reference_patient, "manifest", lambda: SMALL)
    return own_user


def use_pip(small: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes] = FILES, error: str = "") -> FakePip:
    pip = FakePip(small, files, error)
    monkeypatch.setattr(reference_patient.subprocess, "run", pip)
    return pip


def test_the_files_arrive_under_their_new_names_with_their_licence(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_pip(small, monkeypatch)
    steps: list[str] = []
    abdomen, slab = get_reference_patient(steps.append)
    assert (abdomen / "ct.nii.gz").read_bytes() == b"image"
    assert (abdomen / "LICENSE").read_bytes() == b"Apache"
    assert (slab / "part" / "seg.nii.gz").read_bytes() == b"labels"
    assert steps[0] == "downloading Package==1.0 with pip (1 MB)"
    assert sorted(path.name for path in cache_folder().iterdir()) == ["abdomen", "abdomen_dicom_slab"]


def test_a_second_time_nothing_is_fetched(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = use_pip(small, monkeypatch)
    get_reference_patient(lambda step: None)
    steps: list[str] = []
    get_reference_patient(steps.append)
    assert (pip.calls, steps) == (1, ["already here"])


def test_a_damaged_data_set_is_fetched_again(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = use_pip(small, monkeypatch)
    abdomen, _ = get_reference_patient(lambda step: None)
    (abdomen / "ct.nii.gz").write_bytes(b"ima")
    get_reference_patient(lambda step: None)
    assert pip.calls == 2
    assert (abdomen / "ct.nii.gz").read_bytes() == b"image"


def test_altered_content_is_refused_and_leaves_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pip(small, monkeypatch, FILES | {"tests/ct.nii.gz": b"altered"})
    with pytest.raises(InputError, match=r"got tests/ct\.nii\.gz with SHA-256"):
        get_reference_patient(lambda step: None)
    assert list(cache_folder().iterdir()) == []


def test_a_missing_file_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pip(small, monkeypatch, {"LICENSE": b"Apache"})
    with pytest.raises(InputError, match=r"no tests/ct\.nii\.gz in package-1\.0\.tar\.gz"):
        get_reference_patient(lambda step: None)


def test_without_a_network_the_message_is_one_line(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pip(small, monkeypatch, error="WARNING: Retrying\nERROR: Could not find a version\nERROR: No matching\n")
    with pytest.raises(InputError, match="pip failed: ERROR: Could not find a version; connect") as refusal:
        get_reference_patient(lambda step: None)
    assert "\n" not in str(refusal.value)


def test_a_pip_that_hangs_is_given_up(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, 600.0)

    monkeypatch.setattr(reference_patient.subprocess, "run", hang)
    with pytest.raises(InputError, match="no end of pip within 600 s"):
        get_reference_patient(lambda step: None)


def test_the_manifest_names_a_ct_a_segmentation_and_a_licence_for_each_data_set() -> None:
    data_sets = manifest()["data_sets"]
    assert set(data_sets) == {"abdomen", "abdomen_dicom_slab"}
    assert {"ct.nii.gz", "seg.nii.gz", "LICENSE"} == set(data_sets["abdomen"])
    assert sum(name.startswith("ct_dicom/") for name in data_sets["abdomen_dicom_slab"]) == 20
    assert all(len(entry["sha256"]) == 64 for entries in data_sets.values() for entry in entries.values())
