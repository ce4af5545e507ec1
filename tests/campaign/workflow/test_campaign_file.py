# SPDX-License-Identifier: LGPL-3.0-or-later
"""Campaign files and cohorts: everything that is wrong is said together, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from imagio_sim.campaign.workflow.campaign_file import read_campaign_file, read_cohort
from imagio_sim.campaign.workflow.expansion import plan_campaign
from imagio_sim.errors import ImagioError, InputErrors
from tests.campaign.bench import PLAN, POWER, written_bench


def campaign(folder: Path, **changes: Any) -> Path:
    """A campaign of two cases at three powers."""
    data = {
        "schema": 1,
        "name": "bench",
        "cases": [{"scenario": "one.yaml"}, {"scenario": "two.yaml", "patient": "P2"}],
        "vary": {POWER: "20W:60W:20W"},
        **changes,
    }
    file = folder / "campaign.yaml"
    file.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not None}))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written_bench(tmp_path, "one")
    written_bench(tmp_path, "two")
    return tmp_path


def test_cases_plans_and_values_make_the_runs(folder: Path) -> None:
    manifest = plan_campaign(campaign(folder, runs_per_job=4))

    assert [run.name for run in manifest.runs] == [
        f"{case}/power={power}_W/{PLAN}" for case in ("one", "P2") for power in (20, 40, 60)
    ]
    assert [run.patient for run in manifest.runs] == ["one"] * 3 + ["P2"] * 3
    assert len({run.digest for run in manifest.runs}) == 3  # the same physics twice, under two names
    assert [len(runs) for runs in manifest.jobs.values()] == [4, 2]


def test_a_job_is_another_one_when_its_runs_have_changed(folder: Path) -> None:
    before = plan_campaign(campaign(folder)).jobs

    after = plan_campaign(campaign(folder, vary={POWER: "20W,40W,50W"})).jobs

    assert len(set(before) & set(after)) == 4


def test_the_resolution_can_be_what_is_varied(folder: Path) -> None:
    manifest = plan_campaign(campaign(folder, vary={"solver.resolution": "coarse,normal"}))

    assert [run.resolution for run in manifest.runs] == ["coarse", "normal"] * 2
    assert len({run.digest for run in manifest.runs}) == 2


def test_a_cohort_is_a_campaign(folder: Path) -> None:
    (folder / "zone.nii.gz").touch()
    table = folder / "cohort.csv"
    table.write_text(f"patient, scenario, plan, measured_zone\nP1, one.yaml, {PLAN}, zone.nii.gz\nP2, two.yaml,,\n")

    manifest = plan_campaign(table)

    assert manifest.name == "cohort"
    assert [(run.case, run.plan) for run in manifest.runs] == [("P1", PLAN), ("P2", PLAN)]
    assert manifest.runs[0].measured_zone == str(folder / "zone.nii.gz")
    assert manifest.runs[1].measured_zone is None


def test_a_campaign_may_name_a_cohort_in_another_folder(folder: Path) -> None:
    (folder / "lists").mkdir()
    (folder / "lists" / "cohort.csv").write_text("patient,scenario\nP1,../one.yaml\n")

    manifest = plan_campaign(campaign(folder, cases=None, cohort="lists/cohort.csv"))

    assert len(manifest.runs) == 3


def test_all_faults_of_a_cohort_are_reported_together_before_anything_starts(folder: Path) -> None:
    table = folder / "cohort.csv"
    table.write_text(
        "patient,scenario,measured_zone\nP1,one.yaml,nowhere.nii.gz\nP2,missing.yaml,nowhere_either.nii.gz\nP3,two.yaml,\n"
    )

    with pytest.raises(InputErrors) as refused:
        plan_campaign(table)

    said = str(refused.value).splitlines()
    assert len(said) == 3
    assert [name in line for name, line in zip(("nowhere.nii", "nowhere_either", "missing.yaml"), said, strict=True)]
    assert "cases[0].measured_zone" in said[0]


def test_unknown_columns_and_missing_files_are_said_together(tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text("pacient,scenario,measured_zone\nP1,none.yaml,zone.nii\nP2,none.yaml,\n", encoding="utf-8")

    with pytest.raises(InputErrors) as refused:
        plan_campaign(table)

    assert [error.found for error in refused.value.errors] == [
        "an unknown column",
        "no file 'none.yaml'",
        "no file 'zone.nii'",
    ]


def test_unknown_columns_are_refused_with_the_nearest(tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text("patient,scenaro,colour\nP1,one.yaml,red\n")

    with pytest.raises(InputErrors) as refused:
        read_cohort(table)

    said = str(refused.value)
    assert "did you mean 'scenario'?" in said
    assert "column 'colour'" in said
    assert "no column 'scenario'" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patient,scenario\n", "no rows"),
        ("", "no rows"),
        ("patient,scenario\nP1\n", "line 2 with another number of cells"),
        ("patient,scenario\nP1,a.yaml,b\n", "line 2 with another number of cells"),
        ("patient,scenario\nP1,a.yaml\nP2,\n", "no scenario in line 3"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text(text)

    with pytest.raises(InputErrors, match=said):
        read_cohort(table)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cases": None}, "neither cases nor a cohort"),
        ({"cohort": "c.csv"}, "both cases and a cohort"),
        ({"varry": {}}, "did you mean 'vary'?"),
        ({"attempts": 0}, "attempts"),
        ({"ranks": "2"}, "ranks"),
        ({"limits": {"memory": "4 W"}}, "limits.memory"),
        ({"limits": {"time": "2"}}, "without a unit"),
        ({"sample": {"cuont": 3}}, "did you mean 'count'?"),
    ],
)
def test_what_is_wrong_with_a_campaign_file_is_said(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ImagioError) as refused:
        read_campaign_file(campaign(folder, **changes))

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vary": {f"plans.{PLAN}.program.powr": "1W,2W"}}, "did you mean"),
        ({"vary": {POWER: "60W:20W:10W"}}, "the empty range"),
        ({"cases": [{"scenario": "one.yaml", "plans": ["shrt"]}]}, "did you mean 'short'?"),
        ({"cases": [{"scenario": "one.yaml"}, {"scenario": "one.yaml"}]}, "the case 'one' for the second time"),
    ],
)
def test_what_is_wrong_with_the_runs_is_said(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ImagioError) as refused:
        plan_campaign(campaign(folder, **changes))

    assert said in str(refused.value)
