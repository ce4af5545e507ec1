# SPDX-License-Identifier: LGPL-3.0-or-later
import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.outcome.assessment import mean_axis
from imagio_sim.outcome.comparison import comparison_rows
from imagio_sim.outcome.constraints import QUANTITIES, evaluate_constraints
from imagio_sim.outcome.result import balance_error, read_result, write_result
from imagio_sim.outcome.structures import dead_volume_by_tissue, unknown_share
from imagio_sim.outcome.trajectory import trajectory
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.plan.constraints import (
    Constraint,
    FractionLimits,
    LengthLimits,
    TemperatureLimits,
    VolumeLimits,
)
from tests.outcome.cases import ROLES, assessment, labels, needle, result, sampled
from tests.outcome.meshes import cube


def test_the_result_holds_every_key_of_its_contract() -> None:
    made = result()
    target, zone = made["target"], made["ablation_zone"]
    assert target is not None
    assert target["volume_ml"] == pytest.approx(4 / 3 * np.pi * 0.729, rel=5e-3)
    assert target["coverage"] == 1.0
    assert target["minimal_ablative_margin_mm"] == pytest.approx(6.0, abs=0.1)
    assert target["margin_surface_fraction"] == {"lt_0": 0.0, "0_5": 0.0, "ge_5": 1.0, "ge_10": 0.0}
    assert zone["deciding_model"] == "arrhenius"
    assert zone["volume_ml"] == zone["by_model"]["arrhenius"]["volume_ml"] > zone["by_model"]["cem43"]["volume_ml"]
    assert zone["by_model"]["cem43"]["minimal_ablative_margin_mm"] == pytest.approx(4.0, abs=0.1)
    assert zone["long_axis_mm"] == pytest.approx(30.0, abs=0.1)
    assert zone["centroid_to_target_mm"] == pytest.approx(0.0, abs=0.01)


def test_the_coverage_histogram_counts_depth_and_peak_temperature() -> None:
    target = result()["target"]
    assert target is not None
    depth = target["coverage_histogram"]["depth_in_zone_mm"]
    # The ball of 9 mm lies 6 mm deep at its surface, and 10 mm deep within 5 mm of the middle.
    assert depth["5"] == 1.0
    assert depth["10"] == pytest.approx((5 / 9) ** 3, abs=0.02)
    assert target["coverage_histogram"]["peak_temperature_degC"]["50"] == 1.0


def test_a_structure_half_in_the_zone_loses_half_its_volume() -> None:
    vein = result(radius_mm=17.0)["structures"]["portal vein"]
    assert vein["collateral_fraction"] == pytest.approx(0.47, abs=0.03)
    assert vein["collateral_volume_ml"] == pytest.approx(vein["collateral_fraction"] * vein["volume_ml"])
    assert vein["distance_mm"] is not None
    assert vein["distance_mm"] == pytest.approx(-3.0, abs=0.2)


def test_a_spared_structure_has_its_distance_and_peak_temperature() -> None:
    vein = result(radius_mm=10.0)["structures"]["portal vein"]
    assert vein["collateral_volume_ml"] == 0.0
    assert vein["distance_mm"] == pytest.approx(4.0, abs=0.1)
    assert vein["peak_temperature_degC"] == pytest.approx(37.0 + 60.0 * np.exp(-((14 / 12) ** 2)), abs=0.5)
    assert vein["minimum_temperature_degC"] is None


def test_a_structure_beyond_the_region_stays_at_body_temperature() -> None:
    far = result()["structures"]["far"]
    assert far["peak_temperature_degC"] == 37.0
    assert far["distance_mm"] == pytest.approx(72.0, abs=0.1)


def test_dead_volume_is_shared_among_tissues_by_their_fractions() -> None:
    domain, _ = cube()
    zone = ablation_zone(domain, 10.0 - np.linalg.norm(domain.points_mm, axis=1), np.array([0.0, 0.0, 1.0]))
    by_tissue = dead_volume_by_tissue(domain, sampled(domain), zone)
    assert by_tissue["liver"] == pytest.approx(zone.tissue_volume_ml)


def test_much_of_the_zone_in_unlabelled_tissue_warns() -> None:
    domain, _ = cube()
    far_left = 12.0 - np.linalg.norm(domain.points_mm + np.array([8.0, 0.0, 0.0]), axis=1)
    middle = 8.0 - np.linalg.norm(domain.points_mm, axis=1)
    shares = [
        unknown_share(domain, sampled(domain), ablation_zone(domain, level, np.array([0.0, 0.0, 1.0])))
        for level in (far_left, middle)
    ]
    assert "without a label" in shares[0].warnings[0]
    assert shares[1].warnings == ()
    assert shares[1].region_unlabelled == pytest.approx(0.125, abs=0.01)


def test_the_path_is_measured_in_every_tissue_and_warns_of_bone() -> None:
    path = assessment().trajectories[0]
    assert path.length_mm == 52.0
    assert path.role_lengths_mm["bone"] == pytest.approx(3.0, abs=0.3)
    assert path.role_lengths_mm["outside the image"] == pytest.approx(9.5, abs=0.3)
    assert path.role_lengths_mm["unlabelled"] == pytest.approx(3.0, abs=0.3)
    assert sum(path.label_lengths_mm.values()) == pytest.approx(52.0)
    assert path.warnings == (f"needle: the path runs {path.role_lengths_mm['bone']:.1f} mm through bone (rib)",)


def test_a_path_beside_everything_risky_does_not_warn() -> None:
    path = trajectory("needle", np.array([-20.0, 0, 20]), np.array([-20.0, 0, -20]), labels(), ROLES)
    assert path.warnings == ()
    assert list(path.label_lengths_mm) == ["liver"]


def test_the_axis_of_two_needles_is_their_mean() -> None:
    assert mean_axis([needle(), needle()]) == pytest.approx([0.0, 0.0, 1.0])
    assert mean_axis([]) == pytest.approx([0.0, 0.0, 1.0])


def test_every_quantity_a_plan_may_limit_can_be_read_from_a_result() -> None:
    union = get_args(Constraint)[0]
    quantities = {q for kind in get_args(union) for q in get_args(kind.model_fields["quantity"].annotation)}
    assert quantities == set(QUANTITIES)


def test_constraints_pass_warn_and_fail() -> None:
    made = result()
    constraints = [
        LengthLimits.model_construct(name="margin", quantity="minimal_ablative_margin", at_least=5.0, warn=7.0),
        FractionLimits.model_construct(name="coverage", quantity="target_coverage", at_least=0.99),
        VolumeLimits.model_construct(name="vein", quantity="collateral_volume", structure="portal vein", at_most=0.0),
        TemperatureLimits.model_construct(
            name="cold", quantity="minimum_temperature", structure="portal vein", at_least=0.0
        ),
    ]
    verdicts = evaluate_constraints(constraints, made)
    assert [v["status"] for v in verdicts] == ["warn", "pass", "fail", "fail"]
    assert verdicts[0]["value"] == pytest.approx(6.0, abs=0.1)
    assert (verdicts[0]["bound"], verdicts[0]["limit"], verdicts[0]["warn"]) == ("at_least", 5.0, 7.0)
    assert verdicts[3]["value"] is None


def test_without_a_zone_the_margin_fails_and_the_distance_passes() -> None:
    made = result(radius_mm=-1.0)
    constraints = [
        LengthLimits.model_construct(name="margin", quantity="minimal_ablative_margin", at_least=-50.0),
        LengthLimits.model_construct(name="vein", quantity="distance", structure="portal vein", at_least=5.0),
    ]
    verdicts = evaluate_constraints(constraints, made)
    assert [(v["status"], v["value"]) for v in verdicts] == [("fail", None), ("pass", None)]


def test_a_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = result()
    write_result(tmp_path / "result.json", made)
    assert read_result(tmp_path / "result.json") == json.loads(json.dumps(made))
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_number_that_is_not_finite_is_refused_and_leaves_the_old_result(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_result(path, result())
    before, broken = path.read_bytes(), result()
    broken["energy"]["lost_J"] = float("nan")
    with pytest.raises(ValueError, match=r"result\.energy\.lost_J is nan"):
        write_result(path, broken)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "found"),
    [("{", "no JSON"), ("[]", "no result"), ('{"status": "complete", "schema": 99}', "schema 99")],
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: str, found: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InputError, match=found):
        read_result(tmp_path / "result.json")


def test_a_missing_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_result(tmp_path / "result.json")


def test_the_balance_error_is_relative_to_the_largest_term() -> None:
    assert balance_error(100.0, 60.0, 39.0) == pytest.approx(0.01)
    assert balance_error(-100.0, -100.0, 0.0) == 0.0
    assert balance_error(0.0, 0.0, 0.0) == 0.0


def test_the_round_off_of_two_weeks_without_heat_is_no_error_of_the_balance() -> None:
    assert balance_error(0.0, -6e-6, -0.005) < 1e-3


def test_two_plans_are_compared_row_by_row() -> None:
    a, b = result(15.0, "A"), result(10.0, "B")
    rows = {row.quantity: row for row in comparison_rows([a, b])}
    assert rows["target coverage"].values == ("100.0", "100.0")
    assert rows["minimal ablative margin"].values == ("6.0", "0.9")
    assert rows["treatment time"].values == ("12.0", "12.0")


def test_a_failed_run_has_no_values_in_the_comparison() -> None:
    failed = {k: v for k, v in result().items() if k in ("schema", "status", "plan", "modalities", "warnings")}
    rows = comparison_rows([result(), failed])  # type: ignore[list-item]
    assert {row.values[1] for row in rows} == {"–"}
