# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cohorts of runs and measured zones: the table, and what the cases say together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pyvista as pv

from imagio_sim.campaign.agreement.measured_cases import CaseRequest
from imagio_sim.campaign.agreement.measured_cohort import compare_cases, read_cases, read_requests, write_agreement
from imagio_sim.campaign.workflow.manifest import Manifest, PlannedRun, write_manifest
from imagio_sim.campaign.workflow.records import Attempt, Record, write_record
from imagio_sim.errors import InputError, InputErrors
from tests.campaign.made_runs import MIDDLE, made_run

RADII = ((12.0, 10.0), (12.0, 11.0), (12.0, 13.0), (10.0, 10.5))
"""Of the simulated and of the measured zones; the targets have 6 mm."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    lines = ["case, run, measured_zone"]
    for number, (simulated, measured) in enumerate(RADII):
        made_run(folder / f"run_{number}", radius_mm=simulated)
        pv.Sphere(radius=measured, center=MIDDLE, theta_resolution=40, phi_resolution=40).save(folder / f"{number}.stl")
        lines.append(f"P{number:02d}, run_{number}, {number}.stl")
    file = folder / "cohort.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_bias_and_margins_of_a_cohort_are_those_of_its_balls(table: Path, tmp_path: Path) -> None:
    found = compare_cases(read_cases(read_requests(table)), "none")
    axis = found.limits["long_axis"]["none"]
    assert axis is not None
    assert axis.bias == pytest.approx(2.0 * (2.0 + 1.0 - 1.0 - 0.5) / 4.0, abs=0.1)
    dice = found.figures["dice"]["none"]
    assert dice is not None
    assert dice.count == 4
    assert dice.least == pytest.approx(2.0 * 1000.0 / (1000.0 + 1728.0), abs=0.01)
    # Measured margins 4, 5, 7, 4.5 mm; simulated 6, 6, 6, 4 mm: of the two or three below 5 mm one is foreseen.
    assert found.minimal_margins is not None
    assert found.minimal_margins.count == 4
    assert found.minimal_margins.specificity == 1.0
    write_agreement(tmp_path, found)
    told = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert [case["case"] for case in told["cases"]] == ["P00", "P01", "P02", "P03"]
    assert told["differences"] == "simulated minus measured"
    rows = (tmp_path / "agreement.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 4 * 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run,measured_zon\nrun_0,0.stl\n", ["did you mean 'measured_zone'?", "no column 'measured_zone'"]),
        ("run,measured_zone\nrun_0,0.stl\nrun_8,0.stl\nrun_1,9.stl\n", ["run_8, which does", "9.stl, which does"]),
        ("run,measured_zone\nrun_0,0.stl,extra\n,0.stl\n", ["another number of cells", "no run in line 3"]),
        ("run,measured_zone,seen_after\nrun_0,0.stl,1.stl\n", ["seen_after and seen_before, or neither"]),
        ("", ["no rows"]),
    ],
)
def test_everything_that_is_wrong_with_a_table_is_said_together(table: Path, text: str, says: list[str]) -> None:
    file = table.with_name("wrong.csv")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputErrors) as refused:
        read_requests(file)
    assert all(part in str(refused.value) for part in says), str(refused.value)
    assert len(str(refused.value).splitlines()) == len(says)


def test_zones_that_cannot_be_compared_are_all_named_before_anything_is_compared(table: Path) -> None:
    for name in ("far", "farther"):
        pv.Sphere(radius=10.0, center=(0.0, 0.0, -900.0)).save(table.with_name(f"{name}.stl"))
    file = table.with_name("far.csv")
    file.write_text("run,measured_zone\nrun_0,far.stl\nrun_1,1.stl\nrun_2,farther.stl\n", encoding="utf-8")
    with pytest.raises(InputErrors) as refused:
        read_cases(read_requests(file))
    assert [Path(error.where).name for error in refused.value.errors] == ["far.stl", "farther.stl"]


def test_the_complete_runs_of_a_campaign_that_have_a_zone_are_its_cases(tmp_path: Path) -> None:
    zones = {"P1/A/A": "one.stl", "P2/A/A": None, "P3/A/A": "three.stl"}
    runs = [
        PlannedRun(name, name[:2], name[:2], "a.yaml", "A", {}, "coarse", name, zone) for name, zone in zones.items()
    ]
    write_manifest(tmp_path, Manifest("study", tuple(runs), 1, 1, 3, False, None, None))
    for run in runs[:2]:
        write_record(tmp_path, run, Record(run.digest).begun(Attempt("here", "now")).ended("complete"))
    assert read_requests(tmp_path) == [CaseRequest("P1/A/A", tmp_path / "runs" / "P1/A/A", Path("one.stl"))]
    write_manifest(tmp_path, Manifest("study", tuple(runs[1:2]), 1, 1, 3, False, None, None))
    with pytest.raises(InputError, match="1 complete runs without a measured zone"):
        read_requests(tmp_path)
