# SPDX-License-Identifier: LGPL-3.0-or-later
"""Phantoms solved in the half plane of radius and height: from the scenario to the folder, and against space."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import meshio
import nibabel
import numpy as np
import pytest

from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.outcome.result import Result
from imagio_sim.plan import Scenario, changed, scenario_of
from validation.axisymmetric.study import SCENARIOS, compare

QUIET = Listener(lambda _: None, lambda _: None, lambda: False)
BURN = {"mode": "constant_power", "power": "30 W", "duration": "2 min", "cooling_phase": "5 s"}


def burn(tip_mm: float, name: str = "needle") -> dict[str, Any]:
    """A stage with an electrode on the axis."""
    applicator = {"name": name, "device": "cooled_17g_2cm", "entry": [0, 0, 90], "tip": [0, 0, tip_mm]}
    return {"applicators": [applicator], "program": BURN}


SCENARIO: dict[str, Any] = {
    "schema": 1,
    "name": "bench",
    "question": "What does a short burn leave?",
    "expected_run_time": "5 s",
    "frame": "RAS",
    "patient": {
        "layers": {"by_height": [{"below": "0 mm", "tissue": "fat"}, {"tissue": "liver"}]},
        "body_temperature": "37 degC",
    },
    "probes": [{"name": "near", "position": [3, 4, 5]}, {"name": "as_near", "position": [0, -5, 5]}],
    "target": {"sphere": {"centre": [0, 0, 5], "diameter": "1 cm", "tissue": "tumour_liver"}},
    "plans": {
        "once": burn(-5.0),
        "pull_back": {"stages": [burn(-5.0, "deep"), {**burn(15.0, "shallow"), "wait": "1 min"}, {"wait": "2 min"}]},
    },
    "constraints": [{"name": "dead", "quantity": "target_coverage", "at_least": "10 %"}],
    "solver": {"resolution": "coarse", "geometry": "axisymmetric"},
}


def bench(changes: dict[str, Any] | None = None) -> Scenario:
    return changed(scenario_of(SCENARIO, base=Path(), where="bench.yaml"), changes or {})


def run(scenario: Scenario, plan: str, out: Path) -> Result:
    return run_plan(scenario, plan, RunOptions(out, "coarse"), QUIET)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("bench")
    return out / "once", run(bench(), "once", out)


def test_the_result_is_that_of_any_run(once: tuple[Path, Result]) -> None:
    _, result = once
    zone, target = result["ablation_zone"], result["target"]
    assert result["status"] == "complete"
    assert result["warnings"] == []
    assert result["energy"]["balance_error"] < 1e-6
    assert result["unknown_tissue"]["zone_unlabelled"] == result["unknown_tissue"]["zone_outside"] == 0.0
    assert result["trajectories"] == {}
    assert zone["centroid_lps_mm"] is not None
    assert zone["centroid_lps_mm"][:2] == [0.0, 0.0]
    assert zone["short_axis_mm"] == zone["transverse_axis_mm"] > 8.0
    assert target is not None
    assert 0.1 < target["coverage"] <= 1.0
    assert target["minimal_ablative_margin_mm"] is not None
    assert result["constraints"][0]["status"] == "pass"
    assert set(result["dead_volume_by_tissue_ml"]) == {"fat", "liver", "tumour_liver"}
    assert sum(result["dead_volume_by_tissue_ml"].values()) == pytest.approx(zone["tissue_volume_ml"], rel=1e-6)


def test_the_label_maps_are_the_revolved_zone(once: tuple[Path, Result]) -> None:
    folder, result = once
    assert result["label_map_volume_ml"]["necrosis.nii.gz"] == pytest.approx(
        result["ablation_zone"]["volume_ml"], rel=0.05
    )
    image = nibabel.load(folder / "necrosis.nii.gz")
    dead = np.argwhere(np.asarray(image.dataobj) > 0) @ image.affine[:3, :3].T + image.affine[:3, 3]
    assert dead[:, :2].mean(axis=0) == pytest.approx([0.0, 0.0], abs=0.3)
    assert dead[:, 2].mean() == pytest.approx(result["ablation_zone"]["centroid_lps_mm"][2], abs=0.3)


def test_probes_at_the_same_radius_show_the_same_temperature(once: tuple[Path, Result]) -> None:
    with (once[0] / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    near = [float(row["probe.near_degC"]) for row in rows]
    assert near == [float(row["probe.as_near_degC"]) for row in rows]
    assert max(near) > 45.0


def test_the_fields_lie_in_a_plane_through_the_axis(once: tuple[Path, Result]) -> None:
    with meshio.xdmf.TimeSeriesReader(once[0] / "fields.xdmf") as series:
        points, cells = series.read_points_cells()
        _, fields, _ = series.read_data(series.num_steps - 1)
    assert points.shape[1] == 3
    assert np.all(points[:, 1] == 0.0)
    assert points[:, 0].min() == 0.0
    assert [block.type for block in cells] == ["triangle"]
    hottest = points[fields["peak_temperature_degC"].ravel().argmax()]
    assert -8.0 < hottest[2] < 18.0


def test_a_pull_back_is_followed_in_one_frame(once: tuple[Path, Result], tmp_path: Path) -> None:
    result = run(bench(), "pull_back", tmp_path)
    first = once[1]["ablation_zone"]
    both = result["ablation_zone"]
    assert [mesh["nodes"] > 300 for mesh in result["mesh"]["by_stage"]] == [True] * 3
    assert both["volume_ml"] > 1.6 * first["volume_ml"]
    assert both["long_axis_mm"] == pytest.approx(first["long_axis_mm"] + 20.0, abs=4.0)
    assert result["energy"]["balance_error"] < 0.01


def test_a_bench_experiment_without_a_target_runs(tmp_path: Path) -> None:
    scenario = scenario_of(
        {key: value for key, value in SCENARIO.items() if key not in ("target", "constraints")},
        base=Path(),
        where="bench.yaml",
    )
    result = run(scenario, "once", tmp_path)
    assert result["target"] is None
    assert result["collateral_volume_ml"] == {}
    assert result["ablation_zone"]["volume_ml"] > 0.3


def test_half_plane_and_space_agree_already_at_coarse() -> None:
    """Beside the electrode the coarse tetrahedra are 2 K off; farther away all is as at fine."""
    found = compare("radiofrequency", "coarse")
    assert abs(found.volume_change) < 0.02
    assert abs(found.difference("at_5mm")) < 3.0
    assert abs(found.difference("at_10mm")) < 0.5
    assert abs(found.difference("at_15mm")) < 0.2
    assert found.flat.zone.long_axis_mm == pytest.approx(found.solid.zone.long_axis_mm, abs=1.0)
    assert found.ratio > 5.0


@pytest.mark.slow
@pytest.mark.parametrize("modality", list(SCENARIOS))
def test_half_plane_and_space_agree_at_fine_and_the_half_plane_is_many_times_faster(modality: str) -> None:
    assert compare(modality, "fine").faults(fine=True) == []
