# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scenario files: each is valid, can be prepared, and (slow) runs to a plausible end on its real patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.plan import Scenario, changed, load_scenario
from tests.scenarios.cases import SCENARIOS, Runs, data_sets_of

Load = Callable[[Path], Scenario]

PLANS = [pytest.param(path, plan, id=f"{path.stem}-{plan}") for path in SCENARIOS for plan in load_scenario(path).plans]
REQUIRED = {
    "abdomen",
    "abdomen_dicom_slab",
    "liver_ucl_surfaces",
    "lung_lidc-idri-0314",
    "sarcoma_sts_032",
    "slicer_seg_chest",
}
each_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
each_plan = pytest.mark.parametrize(("path", "plan"), PLANS)


def named(stem: str) -> Path:
    (path,) = (path for path in SCENARIOS if path.stem == stem)
    return path


def test_every_real_patient_has_a_scenario() -> None:
    assert {name for path in SCENARIOS for name in data_sets_of(path)} >= REQUIRED


@each_scenario
def test_a_scenario_is_named_like_its_file_and_says_what_it_asks_and_how_long_it_takes(path: Path) -> None:
    scenario = load_scenario(path)
    text = path.read_text(encoding="utf-8")
    head = text[: text.index("schema:")]
    assert scenario.name == path.stem
    assert scenario.question.endswith("?")
    assert all(line.startswith("#") for line in head.strip().splitlines())
    assert "?" in head
    assert "Expected run time:" in head


@each_plan
def test_a_plan_can_be_prepared(path: Path, plan: str, scenario_with_data: Load) -> None:
    scenario = scenario_with_data(path)
    geometry = stage_geometry(scenario, plan, read_anatomy(scenario), stage=0, resolution="coarse")
    case = thermal_case(scenario, plan, geometry, stage=0)
    assert case.end_time > 0.0
    assert geometry.domain.minimum_quality > 0.1
    assert geometry.sampled.fractions.sum(axis=1) == pytest.approx(1.0)


def test_a_short_burn_in_the_real_abdomen_leaves_a_small_zone(scenario_with_data: Load, tmp_path: Path) -> None:
    scenario = changed(
        scenario_with_data(named("liver_rf_demo")),
        {
            "plans.single_electrode.stages[0].program": {
                "mode": "constant_power",
                "power": "50 W",
                "duration": "1 min",
                "cooling_phase": "10 s",
            }
        },
    )
    result = Runs(tmp_path).of(scenario, "single_electrode")
    assert result["status"] == "complete"
    assert 0.1 < result["ablation_zone"]["volume_ml"] < 10.0
    assert result["energy"]["balance_error"] < 0.01


@pytest.mark.slow
@each_plan
def test_a_plan_runs_to_its_end(path: Path, plan: str, scenario_with_data: Load, runs: Runs) -> None:
    scenario = scenario_with_data(path)
    result = runs.of(scenario, plan)
    assert result["status"] == "complete"
    assert result["energy"]["balance_error"] < 0.01
    assert result["ablation_zone"]["volume_ml"] > 0.0
    assert not any("the path runs" in warning or "enlarge" in warning for warning in result["warnings"])
    for name in ("report.html", "zone_planes.png", "zone_3d.png", "fields.xdmf", "necrosis.nii.gz", "plan.yaml"):
        assert (runs.folder_of(scenario) / plan / name).stat().st_size > 1000


@pytest.mark.slow
def test_surfaces_and_the_label_map_made_from_them_give_the_same_zone(scenario_with_data: Load, runs: Runs) -> None:
    names = ("liver_ucl_surfaces", "liver_ucl_labels")
    volumes = [runs.of(scenario_with_data(named(name)), "cluster")["ablation_zone"]["volume_ml"] for name in names]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.03)


@pytest.mark.slow
def test_the_cluster_is_the_better_plan_of_the_demo(scenario_with_data: Load, runs: Runs) -> None:
    scenario = scenario_with_data(named("liver_rf_demo"))
    single, cluster = (runs.of(scenario, plan)["target"] for plan in ("single_electrode", "cluster"))
    assert single["coverage"] < 0.95
    assert single["minimal_ablative_margin_mm"] < 0.0
    assert cluster["coverage"] > 0.99
    assert cluster["minimal_ablative_margin_mm"] > 3.0
