# SPDX-License-Identifier: LGPL-3.0-or-later
"""What ``imagio run`` refuses: one line per fault, exit code 2, and nothing left behind."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from imagio_sim.anatomy.nifti import write_nifti
from tests.anatomy.made_files import (
    ct_slices,
    lps_grid,
    rectangle,
    two_labels,
    write_plain_nifti,
    write_rtstruct,
    write_slices,
)
from tests.cli.conftest import PLAN, Ended, call
from tests.plan.conftest import put

PHANTOM = "data:liver_phantom"
NEEDLE = {"device": "cooled_17g_3cm", "entry": [107.0, 30.0, 4.0], "tip": [36.5, 17.2, -8.8]}
PLACE = f"plans.{PLAN}"
NEEDLES = f"{PLACE}.applicators"

Bend = Callable[..., Path]


def refused(*arguments: object, folder: Path) -> str:
    """The one line that a refused run printed; nothing may have been made in the folder."""
    before = sorted(folder.rglob("*"))
    ended = call("run", *arguments, folder=folder)
    assert ended.code == 2, ended
    assert ended.out == ""
    assert sorted(folder.rglob("*")) == before
    return last_line(ended)


def last_line(ended: Ended) -> str:
    """The refusal: what is printed before it is only the progress of the preparation."""
    *before, refusal = ended.err.splitlines()
    assert all(line.startswith((f"{PLAN}: ", "needle: ", "reading", "meshing", "sampling")) for line in before), (
        ended.err
    )
    return refusal


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        # files and names
        ({"patient.image": "no.nii.gz"}, "patient.image", "no.nii.gz"),
        ({"patient.labels[0].file": "no.nii.gz"}, "patient.labels[0].file", "no.nii.gz"),
        (
            {"patient.image": f"{PHANTOM}/no.nii.gz"},
            f"patient.image: {PHANTOM}/no.nii.gz",
            "one of ct.nii.gz, seg.nii.gz",
        ),
        ({"patient.image": "data:liver_fantom"}, "patient.image: data:liver_fantom", "nearest: liver_phantom"),
        ({f"{NEEDLES}[0]": {"device": "cooled_17g_3cm", "markup": "no.mrk.json"}}, f"{NEEDLES}[0].markup", "no.mrk"),
        ({f"{NEEDLES}[0].device": "cooled_17g_3m"}, f"{NEEDLES}[0].device", "did you mean 'cooled_17g_3cm'?"),
        ({"patient.outside": "musle"}, "patient.outside", "did you mean 'muscle'?"),
        ({"patient.tissues": {"liver": "lver"}}, "patient.tissues.liver", "did you mean 'liver'?"),
        ({"patiant": {}}, "patiant", "did you mean 'patient'?"),
        ({f"{PLACE}.program.powr": "30 W"}, f"{PLACE}.program.powr", "did you mean 'power'?"),
        # quantities
        ({f"{PLACE}.program.power": 30}, f"{PLACE}.program.power", "without a unit"),
        ({f"{PLACE}.program.power": "30 min"}, f"{PLACE}.program.power", "which is no power"),
        ({f"{PLACE}.program.power": "-30 W"}, f"{PLACE}.program.power", "-30 W"),
        ({f"{PLACE}.program.power": "nan W"}, f"{PLACE}.program.power", "nan W"),
        ({f"{PLACE}.program.power": "30 kW"}, f"{PLACE}.program.power", "500 W"),
        ({f"{PLACE}.program.duration": "0 s"}, f"{PLACE}.program.duration", "0 s"),
        ({f"{NEEDLES}[0].tip": [float("nan"), 17.2, -8.8]}, f"{NEEDLES}[0].tip[0]", "nan"),
        # applicators
        ({f"{NEEDLES}[0].tip": NEEDLE["entry"]}, f"{NEEDLES}[0].tip", "the same point as entry"),
        ({NEEDLES: [NEEDLE, NEEDLE]}, f"{NEEDLES}[1]", "runs through applicator_1"),
        # the target
        ({"target": {"label": "tumor"}}, "patient.target", "no label 'tumor'"),
        (
            {"target": {"sphere": {"centre": [900, 20, 0], "diameter": "2 cm", "tissue": "tumour_liver"}}},
            "patient.target",
            "without a voxel in the image",
        ),
        (
            {"critical_structures": [{"label": "portal_vain", "name": "portal_vein"}]},
            "critical_structures[0]",
            "did you mean 'portal_vein'?",
        ),
        ({"solver.death_model": "cem44"}, "solver.death_model", "one of "),
    ],
)
def test_it_is_refused_at_its_place_in_the_scenario(
    changes: dict[str, Any], where: str, says: str, written: Bend, tmp_path: Path
) -> None:
    refusal = refused(written(changes), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / 'bent.yaml'}: {where}: expected ")
    assert says in refusal
    assert refusal.count("; ") >= 1, "a refusal says what to do"


def test_an_applicator_that_misses_the_region_is_refused(written: Bend, tmp_path: Path) -> None:
    file = written({f"{NEEDLES}[0].entry": [107.0, 30.0, 304.0], f"{NEEDLES}[0].tip": [36.5, 17.2, 291.2]})
    refusal = refused(file, folder=tmp_path)
    assert refusal.startswith(f"{file}: {PLACE}: applicator applicator_1: expected at most ")
    assert refusal.endswith("check the coordinates of entry and tip and their frame (RAS or LPS)")


def test_a_cut_that_leaves_no_tissue_beyond_the_region_is_refused(small: Bend, tmp_path: Path) -> None:
    refusal = refused(small({"patient.outside": {"cut": "insulated"}}), folder=tmp_path)
    assert f"{tmp_path / 'small.yaml'}: patient.outside: expected tissue beyond the region" in refusal


def test_an_electrode_wholly_in_air_is_refused(small: Bend, tmp_path: Path) -> None:
    air = {"patient.tissues": {"liver": "air", "liver_tumour": "air"}, "patient.unlabelled": "air"}
    refusal = refused(small(air | {"patient.outside": "air"}), folder=tmp_path)
    assert "small.yaml: plans.needle: applicator section applicator_1.shaft.tip: expected active sections" in refusal


def test_a_missing_scenario_is_refused(tmp_path: Path) -> None:
    assert "no.yaml: expected a scenario file, got no such file or directory" in refused("no.yaml", folder=tmp_path)


def test_every_fault_of_a_scenario_is_a_line_of_its_own(written: Bend, tmp_path: Path) -> None:
    file = written({f"{PLACE}.program.power": "-30 W", "patient.outside": "aer"})
    ended = call("run", file, folder=tmp_path)
    assert ended.code == 2
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == ["patient.outside", f"{PLACE}.program.power"]


# ------------------------------------------------------------------------------------------------- patients in files


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Write a scenario for a patient whose files a test makes: a liver with a tumour of a few voxels."""

    def write(changes: Mapping[str, Any] | None = None) -> Path:
        data: dict[str, Any] = {
            "schema": 1,
            "name": "small",
            "question": "Is it refused?",
            "expected_run_time": "1 s",
            "frame": "LPS",
            "patient": {
                "image": "ct.nii.gz",
                "labels": [{"file": "seg.nii.gz"}],
                "organ_pack": "liver",
                "unlabelled": "muscle",
                "outside": "muscle",
                "body_temperature": "37 degC",
            },
            "target": {"label": "liver_tumour"},
            "plans": {
                "needle": {
                    "applicators": [{"device": "cooled_17g_3cm", "entry": [0, -40, -22], "tip": [0, 40, -22]}],
                    "program": {"mode": "constant_power", "power": "30 W", "duration": "1 min"},
                }
            },
        }
        for path, value in (changes or {}).items():
            put(data, path, value)
        file = tmp_path / "small.yaml"
        file.write_text(yaml.safe_dump(data), encoding="utf-8")
        return file

    volume = two_labels()
    write_nifti(tmp_path / "seg.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    write_nifti(tmp_path / "ct.nii.gz", np.zeros(volume.grid.shape, np.int16), volume.grid)
    return write


@pytest.mark.parametrize("name", ["ct.nii.gz", "seg.nii.gz"])
def test_a_truncated_nifti_is_refused(name: str, small: Bend, tmp_path: Path) -> None:
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    refusal = refused(small(), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / name}: expected a complete NIfTI file")


@pytest.mark.parametrize("name", ["ct.nii.gz", "seg.nii.gz"])
def test_a_nifti_that_is_not_gzip_compressed_in_spite_of_its_name_is_refused(
    name: str, small: Bend, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(gzip.decompress((tmp_path / name).read_bytes()))
    refusal = refused(small(), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / name}: expected ")
    assert "gzip" in refusal


@pytest.mark.parametrize("name", ["ct.nii.gz", "seg.nii.gz"])
def test_a_nifti_with_a_damaged_byte_is_refused(name: str, small: Bend, tmp_path: Path) -> None:
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / name).write_bytes(content)
    refusal = refused(small(), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / name}: expected a complete NIfTI file")


def test_a_dicom_folder_with_two_series_is_refused(small: Bend, tmp_path: Path) -> None:
    write_slices(tmp_path / "ct", ct_slices())
    write_slices(tmp_path / "ct", ct_slices(count=3), prefix="other")
    assert "got 2 series" in refused(small({"patient.image": "ct"}), folder=tmp_path)


def test_a_dicom_folder_with_a_missing_slice_is_refused(small: Bend, tmp_path: Path) -> None:
    slices = ct_slices()
    write_slices(tmp_path / "ct", [*slices[:2], *slices[3:]])
    assert "a slice is missing" in refused(small({"patient.image": "ct"}), folder=tmp_path)


def test_image_and_labels_on_different_grids_are_refused(small: Bend, tmp_path: Path) -> None:
    grid = lps_grid(first=(-7.0, 20.0, -30.0))
    write_nifti(tmp_path / "ct.nii.gz", np.zeros(grid.shape, np.int16), grid)
    refusal = refused(small(), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / 'ct.nii.gz'}: expected the grid of the labels")


def test_a_label_without_a_tissue_is_refused(small: Bend, tmp_path: Path) -> None:
    volume = two_labels({1: "liver", 2: "thing"})
    write_nifti(tmp_path / "seg.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    refusal = refused(small({"target.label": "liver"}), folder=tmp_path)
    assert "small.yaml: patient.tissues: expected a label the pack knows" in refusal
    assert "'thing'" in refusal


def test_a_label_number_without_a_name_is_refused(small: Bend, tmp_path: Path) -> None:
    write_plain_nifti(tmp_path / "seg.nii.gz", two_labels().labels.astype(np.uint8))
    ended = call("run", small({"patient.image": ...}), folder=tmp_path)
    assert ended.code == 2
    assert "label number 1, which has no name" in ended.err


def test_an_empty_target_is_refused(small: Bend, tmp_path: Path) -> None:
    volume = two_labels()
    volume.labels[volume.labels == 2] = 1
    write_nifti(tmp_path / "seg.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    assert "no label 'liver_tumour'" in refused(small(), folder=tmp_path)


def test_a_target_that_other_labels_cover_is_refused(small: Bend, tmp_path: Path) -> None:
    volume = two_labels()
    volume.labels[volume.labels == 2] = 1
    write_nifti(tmp_path / "liver.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    labels = [{"file": "liver.nii.gz"}, {"file": "seg.nii.gz"}]
    refusal = refused(small({"patient.labels": labels}), folder=tmp_path)
    assert "a target 'liver_tumour' without a voxel in the image" in refusal


def test_an_open_surface_is_refused(small: Bend, tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    pyvista.Plane(center=(0.0, 29.0, -22.0)).triangulate().save(tmp_path / "lesion.stl")
    labels = [{"file": "lesion.stl", "name": "lesion"}, {"file": "seg.nii.gz"}]
    refusal = refused(small({"patient.labels": labels}), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / 'lesion.stl'}: expected a closed triangulated surface")


def test_an_rtstruct_of_another_frame_of_reference_is_refused(small: Bend, tmp_path: Path) -> None:
    write_slices(tmp_path / "ct", ct_slices(frame_uid="1.2.3"))
    contours = {"liver": [rectangle((2, 2), (9, 7), k) for k in range(1, 5)]}
    write_rtstruct(tmp_path / "rt.dcm", "1.2.4", contours)
    changes = {"patient.image": "ct", "patient.labels": [{"file": "rt.dcm"}], "target.label": "liver"}
    refusal = refused(small(changes), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / 'rt.dcm'}: expected that of the CT, 1.2.3, got frame of reference 1.2.4")


# --------------------------------------------------------------------------------------------------- the output path


def test_an_output_path_below_a_regular_file_is_refused(written: Bend, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a folder")
    assert "got a path below the file" in refused(written(), "--out", "notes/results", folder=tmp_path)
    assert "got a path below the file" in refused(written(), "--out", "notes", folder=tmp_path)


def test_a_plan_folder_that_is_a_file_is_refused(written: Bend, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / PLAN).write_text("not a folder")
    assert f"got the file results/{PLAN}; " in refused(written(), "--out", "results", folder=tmp_path)


def test_a_folder_that_holds_something_else_is_not_replaced(written: Bend, tmp_path: Path) -> None:
    (tmp_path / "results" / PLAN).mkdir(parents=True)
    (tmp_path / "results" / PLAN / "thesis.tex").write_text("years of work")
    refusal = refused(written(), "--out", "results", "--restart", folder=tmp_path)
    assert "thesis.tex" in refusal


def test_an_unknown_plan_is_refused_with_the_nearest(written: Bend, tmp_path: Path) -> None:
    assert f"did you mean '{PLAN}'?" in refused(written(), "--plan", "one_nedle", folder=tmp_path)


def test_a_disk_without_room_for_the_run_is_refused(
    written: Bend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**30, 2**30 - 2**20, 2**20))
    refusal = refused(written(), "--out", "results", folder=tmp_path)
    assert refusal.startswith(f"results/{PLAN}: expected at least 64 MiB for this run, got 1 MiB free; ")
