# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import pyvista as pv
from typer.testing import CliRunner

from imagio_cli.anatomy import parse_names
from imagio_cli.main import application, main
from imagio_sim.errors import InputError
from tests.anatomy.made_files import SHAPE, ct_slices, rectangle, write_dicom_seg, write_rtstruct, write_slices

RUNNER = CliRunner(env={"COLUMNS": "140"})


@pytest.fixture
def segmentation(tmp_path: Path) -> Path:
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[2:8, 2:8, 2:8], labels[4:6, 4:6, 0:6] = 1, 2
    path = tmp_path / "seg.nii.gz"
    nib.save(nib.Nifti1Image(labels, np.diag([-2.0, -2.0, 2.0, 1.0])), path)
    return path


def test_labels_are_shown_with_volume_tissue_and_field_of_view(segmentation: Path) -> None:
    ended = RUNNER.invoke(application, ["anatomy", str(segmentation), "--names", "1=liver", "--names", "2=ball"])
    assert ended.exit_code == 0, ended.output
    assert "10 x 10 x 10 voxels of 2 x 2 x 2 mm, axes LPS" in ended.output
    liver, ball = (line for line in ended.output.splitlines() if "liver " in line or "ball" in line)
    assert [part.strip() for part in liver.split("│")[1:-1]] == ["1", "liver", "1.6", "liver", "organ", "whole"]
    assert "none (nearest known:" in ball
    assert "cut" in ball


def test_json_holds_the_same(segmentation: Path) -> None:
    ended = RUNNER.invoke(application, ["anatomy", str(segmentation), "--names", "1=liver", "--json"])
    (summary,) = json.loads(ended.output)
    assert summary["labels"][0]["tissue"] == "liver"
    assert summary["labels"][1] | {"nearest_known": ""} == {
        "number": 2,
        "name": "unnamed label 2",
        "volume_ml": pytest.approx(0.192),
        "tissue": None,
        "role": None,
        "nearest_known": "",
        "cut_by_field_of_view": True,
    }


def test_an_organ_pack_can_be_chosen(segmentation: Path) -> None:
    ended = RUNNER.invoke(
        application, ["anatomy", str(segmentation), "--names", "1=kidney", "--pack", "kidney", "--json"]
    )
    assert json.loads(ended.output)[0]["labels"][0]["role"] == "organ"


def test_the_phantom_can_be_shown_by_name(tmp_path: Path) -> None:
    own = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "IMAGIO_DATA": ""})
    ended = own.invoke(application, ["anatomy", "data:liver_phantom/ct.nii.gz", "--json"])
    assert json.loads(ended.output)[0]["kind"] == "image"


def missing_file(folder: Path) -> list[str]:
    return [str(folder / "seg.nii.gz")]


def truncated_nifti(folder: Path) -> list[str]:
    path = folder / "ct.nii.gz"
    noise = np.random.default_rng(1).integers(0, 9, (30, 30, 30)).astype(np.int16)
    nib.save(nib.Nifti1Image(noise, np.eye(4)), path)
    path.write_bytes(path.read_bytes()[:4000])
    return [str(path)]


def nifti_that_is_not_compressed(folder: Path) -> list[str]:
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.int16), np.eye(4)), folder / "ct.nii")
    return [str((folder / "ct.nii").rename(folder / "ct.nii.gz"))]


def two_series(folder: Path) -> list[str]:
    write_slices(folder / "ct", ct_slices(), "a")
    return [str(write_slices(folder / "ct", ct_slices(), "b"))]


def missing_slice(folder: Path) -> list[str]:
    slices = ct_slices()
    return [str(write_slices(folder / "ct", slices[:2] + slices[3:]))]


def open_surface(folder: Path) -> list[str]:
    pv.Icosphere(radius=15.0).clip("z").save(folder / "liver.vtk")
    return [str(folder / "liver.vtk")]


def contours_of_another_frame(folder: Path) -> list[str]:
    write_rtstruct(folder / "rs.dcm", "1.2.3", {"GTV": [rectangle((2, 3), (6, 7), 1)]})
    return [str(folder / "rs.dcm"), str(write_slices(folder / "ct", ct_slices(frame_uid="1.2.4")))]


def segmentation_of_another_grid(folder: Path) -> list[str]:
    slices = ct_slices()
    ct = write_slices(folder / "ct", slices)
    for header in slices:
        header.ImagePositionPatient[0] += 0.4
    write_dicom_seg(folder / "seg.dcm", slices, {"liver": np.ones(SHAPE, dtype=bool)})
    return [str(folder / "seg.dcm"), str(ct)]


def unknown_data_set(folder: Path) -> list[str]:
    return ["data:liver_phantum/ct.nii.gz"]


@pytest.mark.parametrize(
    ("bad_input", "complaint"),
    [
        (missing_file, "no such file or folder"),
        (truncated_nifti, "expected a complete NIfTI file"),
        (nifti_that_is_not_compressed, "expected a complete NIfTI file"),
        (two_series, "expected one DICOM series, got 2 series"),
        (missing_slice, "a slice is missing"),
        (open_surface, "an open surface"),
        (contours_of_another_frame, "expected that of the CT, 1.2.4, got frame of reference 1.2.3"),
        (segmentation_of_another_grid, "expected the grid of the reference"),
        (unknown_data_set, "nearest: liver_phantom"),
    ],
)
def test_bad_input_is_refused_in_one_line_with_exit_code_2(
    bad_input: Callable[[Path], list[str]],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["imagio", "anatomy", *bad_input(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capfd.readouterr()
    assert ended.value.code == 2
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    assert complaint in printed.err


@pytest.mark.parametrize("text", ["liver", "x=liver", "1=", "=liver"])
def test_a_malformed_name_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--names: expected NUMBER=NAME"):
        parse_names([text])
