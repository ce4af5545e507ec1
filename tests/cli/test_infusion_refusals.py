# SPDX-License-Identifier: LGPL-3.0-or-later
"""What ``imagio run`` refuses of infusions once it has seen the patient: one line, exit code 2, nothing left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.volume import Grid
from tests.cli.conftest import PLAN, assert_refused_at
from tests.cli.test_run_refusals import refused

Bend = Callable[..., Path]

PLACE = f"plans.{PLAN}"
HERE = f"{PLACE}.infusions[0]"
PORTAL = {"label": "portal_vein"}  # the phantom has no hepatic artery; its portal vein forks as one would
AT_FORK = [30.0, 0.0, -10.0]
BEADS: dict[str, Any] = {
    "kind": "bland",
    "organ": ["liver"],
    "particles": "bland_100_300",
    "particle_volume": "2 ml",
    "occlusion": "90 %",
    "territory": {"labels": ["liver", "tumour"]},
}


def given(**changes: Any) -> dict[str, Any]:
    """A plan that embolises, with something else in its infusion (``...``: left out)."""
    infusion = {key: value for key, value in {**BEADS, **changes}.items() if value is not ...}
    return {PLACE: {"infusions": [infusion], "wait": "1 h"}}


def through(tip: list[float], **arteries: Any) -> dict[str, Any]:
    return given(territory={"catheter": tip, "arteries": arteries or PORTAL})


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (given(territory=...), HERE, "no territory and no arteries"),
        (given(territory={"catheter": AT_FORK}), f"{HERE}.territory.arteries", "got nothing"),
        (given(territory={"labels": ["livver"]}), f"{HERE}.territory.labels", "did you mean 'liver'?"),
        (given(organ=["livver"]), f"{HERE}.organ", "did you mean 'liver'?"),
        (given(organ=["spleen"]), f"{HERE}.organ", "no label 'spleen'"),
        (through([130.0, 60.0, 80.0]), f"{HERE}.territory.catheter", "mm from the nearest artery"),
        (through(AT_FORK, label="hepatic_artery"), f"{HERE}.territory.arteries.label", "no label 'hepatic_artery'"),
        (through([-13.0, -36.0, -80.0], label="aorta"), f"{HERE}.territory.catheter", "mm from the organ"),
        (
            given(territory={"sphere": {"centre": [-90, 0, -60], "diameter": "2 cm"}}),
            f"{HERE}.territory",
            "holds nothing of the organ",
        ),
        (
            given(territory={"image": "no.nii.gz", "unit": "relative"}),
            PLACE,
            "territory.image: expected an existing file",
        ),
        (given(territory={"image": "uptake.nii.gz"}), f"{HERE}.territory.unit", "got nothing"),
        (given(territory={"image": "uptake.nii.gz", "unit": "Gy"}), f"{HERE}.territory.unit", "'Gy'"),
    ],
)
def test_it_is_refused_at_its_place_in_the_scenario(
    changes: dict[str, Any], where: str, says: str, written: Bend, tmp_path: Path
) -> None:
    refusal = refused(written(changes), folder=tmp_path)
    assert_refused_at(refusal, tmp_path / "bent.yaml", where, says)


def uptake(folder: Path, values: Any, origin: tuple[float, float, float] = (-118.75, -118.75, -118.75)) -> None:
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = origin
    shape = (48, 48, 48)
    write_nifti(folder / "uptake.nii.gz", np.broadcast_to(values, shape).astype(np.float32), Grid(shape, affine))


def test_an_image_of_another_place_is_refused(written: Bend, tmp_path: Path) -> None:
    uptake(tmp_path, 1.0, origin=(900.0, 0.0, 0.0))
    refusal = refused(written(given(territory={"image": "uptake.nii.gz", "unit": "relative"})), folder=tmp_path)
    assert f"{HERE}.territory.image: expected an image in the frame of the labels" in refusal
    assert "register the image" in refusal


def test_an_image_without_uptake_in_the_organ_is_refused(written: Bend, tmp_path: Path) -> None:
    uptake(tmp_path, 0.0)
    refusal = refused(written(given(territory={"image": "uptake.nii.gz", "unit": "Bq/ml"})), folder=tmp_path)
    assert f"{HERE}.territory.image: expected values above zero there, got no uptake within the organ" in refusal


def test_a_ratio_beside_an_image_that_shows_it_is_refused(written: Bend, tmp_path: Path) -> None:
    uptake(tmp_path, 1.0)
    asked = given(territory={"image": "uptake.nii.gz", "unit": "relative"}, tumour_to_normal=3)
    refusal = refused(written(asked), folder=tmp_path)
    assert f"{HERE}.tumour_to_normal: expected one of them, got 3 beside an image of the uptake" in refusal


def test_centre_lines_that_run_in_a_circle_are_refused(written: Bend, tmp_path: Path) -> None:
    rows = ["line,x,y,z", "a,0,0,0", "a,20,0,0", "b,20,0,0", "b,10,10,0", "b,0,0,0"]
    (tmp_path / "artery.csv").write_text("\n".join(rows))
    lines = {"centre_lines": "artery.csv", "frame": "RAS", "length_unit": "mm"}
    refusal = refused(written(through([10.0, 0.0, 0.0], **lines)), folder=tmp_path)
    assert f"{HERE}.territory.arteries.centre_lines" in refusal
    assert "run in a circle" in refusal


def test_a_tissue_whose_arterial_share_nobody_knows_is_refused(written: Bend, tmp_path: Path) -> None:
    """No silent value: the lung's two circulations are not in the data."""
    lung = given(territory={"labels": ["lung_right"]}, organ=["lung_right"])
    refusal = refused(written(lung), folder=tmp_path)
    assert "tissue 'lung_" in refusal
    assert "no value for 'arterial_share'" in refusal
