# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio agreement`` on runs and zones that are balls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pyvista as pv

from tests.campaign.made_runs import MIDDLE, made_run
from tests.cli.conftest import call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agreement")
    for number, (simulated, measured) in enumerate(((12.0, 10.0), (11.0, 12.0), (10.0, 10.5))):
        made_run(folder / f"run_{number}", radius_mm=simulated, length_ratio=0.9)
        pv.Sphere(radius=measured, center=MIDDLE, theta_resolution=40, phi_resolution=40).save(folder / f"{number}.stl")
    table = "case,run,measured_zone\nfirst,run_0,0.stl\nsecond,run_1,1.stl\nthird,run_2,2.stl\n"
    (folder / "cohort.csv").write_text(table, encoding="utf-8")
    return folder


def test_one_case_is_a_table_and_a_page(folder: Path) -> None:
    ended = call("agreement", "run_0", "0.stl", "--shrinkage", "expand_measured", folder=folder)
    assert ended.code == 0, ended.err
    assert "expand_measured *" in ended.out
    assert "mean signed distance (mm)" in ended.out
    page = (folder / "run_0" / "agreement" / "agreement.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 1
    assert 'src="http' not in page


def test_a_cohort_has_every_case_with_its_picture_and_limits_of_agreement(folder: Path) -> None:
    ended = call("agreement", "cohort.csv", "--json", folder=folder)
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told == json.loads((folder / "agreement" / "agreement.json").read_text(encoding="utf-8"))
    assert told["limits_of_agreement"]["volume"]["none"]["count"] == 3
    page = (folder / "agreement" / "agreement.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3 + 3
    for text in ("Bland–Altman", "first: run", "Margins below 5 mm", "What shrinkage makes of it"):
        assert text in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run_0", "9.stl"], "9.stl: expected"),
        (["run_9", "0.stl"], "no such folder"),
        (["cohort.csv", "0.stl"], "MEASURED"),
        (["cohort.csv", "--structure", "zone"], "--structure"),
        (["run_0"], "no campaign.json"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(folder: Path, arguments: list[str], says: str) -> None:
    ended = call("agreement", *arguments, folder=folder)
    assert ended.code == 2
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1
