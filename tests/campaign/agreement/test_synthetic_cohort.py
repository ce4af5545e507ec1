# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole chain on patients whose truth is known: hidden values, slices, agreement, calibration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.measured_zone import read_measured_zone
from imagio_sim.campaign.agreement.calibration import Asked, Calibration, calibrate
from imagio_sim.campaign.agreement.measured_cases import CaseAgreement, CaseRequest, Treatment
from imagio_sim.campaign.agreement.measured_cohort import PAIRED, CohortAgreement, compare_cases
from imagio_sim.campaign.agreement.measured_cohort import read_cases as read_zones
from imagio_sim.campaign.agreement.other_vessels import VesselErrors, with_other_vessels
from imagio_sim.campaign.agreement.synthetic_cohort import (
    NOTICE,
    TRUTH,
    Truth,
    coverage,
    make_cohort,
    outlined,
    unsealed,
)
from imagio_sim.campaign.agreement.treated_cases import read_cases
from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.errors import InputError
from imagio_sim.outcome.agreement import agreement
from imagio_sim.outcome.surface import Surface
from tests.campaign.agreement.cohorts import CONDUCTIVITY, PERFUSION, QUIET, beside_a_vein, making, protocols
from tests.outcome.meshes import sphere

Z = np.array([0.0, 0.0, 1.0])


def test_a_perfect_laboratory_and_reader_give_the_zone_back() -> None:
    zone = Surface(
        sphere(1.0, divisions=40).points_mm * [9.0, 11.0, 16.0] + [50.0, 40.0, 30.0],
        sphere(1.0, divisions=40).triangles,
    )
    perfect = replace(making(1), reader_bias_mm=0.0, reader_scatter_mm=0.0, pose_mm=0.0, slice_gap_mm=2.0)
    stack = outlined(zone, Z, 0.9, perfect, np.random.default_rng(4))
    found = Surface(*stack.surface())
    assert found.volume_mm3 == pytest.approx(0.9**3 * zone.volume_mm3, rel=0.02)
    assert found.centroid_mm == pytest.approx([50.0, 40.0, 30.0], abs=0.2)
    assert np.degrees(np.arccos(stack.directions[2] @ Z)) < 15.0
    assert stack.notice == NOTICE


def test_a_reader_who_draws_too_wide_makes_the_zone_wider() -> None:
    wide = replace(making(1), reader_bias_mm=2.0, reader_scatter_mm=0.0, pose_mm=0.0, tilt_degrees=0.0)
    widths = [
        np.ptp(outlined(sphere(12.0), Z, 1.0, wide, np.random.default_rng(seed)).surface().points_mm[:, 0])
        for seed in range(6)
    ]
    assert np.std(widths) == pytest.approx(4.0, rel=0.7)


def compared(folder: Path, out: Path) -> CohortAgreement:
    """Every patient's scenario run as planned, and held against the slices."""
    requests = []
    for case, row in zip(read_cases(folder / "cohort.csv"), rows(folder), strict=True):
        run_plan(case.scenario, case.plan, RunOptions(out / case.scenario.name, "coarse", pictures=False), QUIET)
        requests.append(CaseRequest(case.name, out / case.scenario.name / case.plan, folder / row[3]))
    return compare_cases(read_zones(requests), "expand_measured")


def rows(folder: Path) -> list[list[str]]:
    return [line.split(",") for line in (folder / "cohort.csv").read_text(encoding="utf-8").splitlines()[1:]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "cohort"
    make_cohort(folder, protocols([(20.0, 3.0)]), making(3), RunOptions(folder, "normal"), QUIET, seed=5)
    return folder


def test_every_file_says_that_it_is_synthetic_and_none_holds_the_truth(small: Path) -> None:
    seen = [
        file
        for file in small.rglob("*")
        if file.is_file() and "sealed" not in file.parts[-3:] and "runs" not in file.parts
    ]
    texts = {file.name: file.read_text(encoding="utf-8") for file in seen if file.parent.name != "sealed"}
    assert {"S01.yaml", "S03.yaml", "seal.txt", "cohort.csv"} <= set(texts)
    assert all("SYNTHETIC" in text for name, text in texts.items() if name != "cohort.csv")
    assert all("sealed" not in text or name == "seal.txt" for name, text in texts.items())
    assert read_measured_zone(small / "zones" / "S01.yaml").notice == NOTICE


def test_patients_differ_and_the_truth_is_within_its_published_spread(small: Path) -> None:
    truths = unsealed(small)
    perfusion = [truth.values[PERFUSION] for truth in truths]
    assert len(set(perfusion)) == 3
    volumes = [truth.volume_ml for truth in truths]
    assert np.argsort(perfusion).tolist() == np.argsort(volumes)[::-1].tolist()
    assert all(0.6 < truth.length_ratio < 1.15 for truth in truths)


def test_the_vessels_of_the_truth_are_not_those_that_the_calibrator_sees(small: Path) -> None:
    (scenario, plan), *_ = beside_a_vein([(20.0, 3.0)])
    random = np.random.default_rng(3)
    drawn = [with_other_vessels(scenario, plan, VesselErrors(), random) for _ in range(200)]

    (given,) = scenario.patient.vessels
    veins = [other.patient.vessels[0] for other, _ in drawn]
    widths, flows = [vein.radii[0] / given.radii[0] for vein in veins], [vein.flow / given.flow for vein in veins]
    assert widths == pytest.approx([told["radius_ratio"] for _, told in drawn], rel=1e-4)
    assert flows == pytest.approx([told["flow_ratio"] for _, told in drawn], rel=1e-4)
    shifts = np.array([np.subtract(vein.points[0], given.points[0]) for vein in veins])
    assert shifts.std(axis=0) == pytest.approx([1.0, 1.0, 1.0], rel=0.2)
    walls = [told["laws: vessel_wall_heat_transfer"] for _, told in drawn]
    assert 100.0 < min(walls) < max(walls) < 1000.0
    assert all(truth.vessels["radius_ratio"] != 1.0 for truth in unsealed(small))
    assert "vein" not in (small / "cohort.csv").read_text(encoding="utf-8")


def test_a_truth_that_was_changed_afterwards_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    for name in ("seal.txt", str(TRUTH)):
        (tmp_path / name).write_text((small / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert len(unsealed(tmp_path)) == 3
    changed = json.loads((tmp_path / TRUTH).read_text(encoding="utf-8"))
    changed["seed"] += 1
    (tmp_path / TRUTH).write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(InputError, match="a truth that was changed"):
        unsealed(tmp_path)


def test_a_small_cohort_goes_through_the_whole_chain(small: Path, tmp_path: Path) -> None:
    found = calibrate(
        read_cases(small / "cohort.csv"),
        Asked((PERFUSION,), runs=4, shrinkage="contract_simulated"),
        RunOptions(tmp_path / "calibration", "coarse"),
        QUIET,
    )
    assert found.notices == (NOTICE,)
    truths = unsealed(small)
    medians = [case.parameters[PERFUSION].median for case in found.cases]
    assert np.corrcoef(medians, [truth.values[PERFUSION] for truth in truths])[0, 1] > 0.3
    assert set(coverage(found, truths)) == {PERFUSION}
    together = compared(small, tmp_path / "runs")
    assert together.notices == (NOTICE,)
    assert all(0.4 < case.by_treatment["expand_measured"].dice < 1.0 for case in together.cases)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """20 patients under a seed that was fixed before the first of them was made."""
    out = tmp_path_factory.mktemp("whole")
    folder = out / "cohort"
    burns = beside_a_vein([(20.0, 6.0), (15.0, 10.0), (24.0, 4.0)])
    make_cohort(folder, burns, making(20), RunOptions(folder, "normal"), QUIET, seed=20261120)
    return folder, out


@pytest.mark.slow
def test_stated_intervals_hold_the_truth_of_a_cohort_without_an_inverse_crime(whole: tuple[Path, Path]) -> None:
    folder, out = whole
    asked = Asked((PERFUSION, CONDUCTIVITY), runs=10, shrinkage="contract_simulated")
    found = calibrate(read_cases(folder / "cohort.csv"), asked, RunOptions(out / "calibration", "coarse"), QUIET)
    shares = coverage(found, unsealed(folder))
    assert 0.80 <= np.mean(list(shares.values())) <= 0.97
    assert_it_has_learnt(found)


def assert_it_has_learnt(found: Calibration) -> None:
    left = [case.parameters[PERFUSION].width_left for case in found.cases]
    assert np.mean(left) < 0.85
    uncalibrated, left_out = (np.linalg.norm(found.errors_mm[name]) for name in ("uncalibrated", "left_out"))
    assert left_out < uncalibrated
    assert 0.8 <= found.left_out_coverage <= 1.0
    assert found.emulator_error_mm < 0.5


@pytest.mark.slow
def test_cohort_statistics_are_those_of_the_true_zones(whole: tuple[Path, Path]) -> None:
    folder, out = whole
    found = compared(folder, out / "runs")
    truths = [truth for truth in unsealed(folder) for case in found.cases if case.name == truth.name]
    treatments: tuple[Treatment, ...] = ("none", "expand_measured")
    for treatment in treatments:
        for key in ("volume", "long_axis"):
            limits = found.limits[key][treatment]
            assert limits is not None
            known = np.array(
                [difference(case, truth, key, treatment) for case, truth in zip(found.cases, truths, strict=True)]
            )
            told = np.array([simulated - measured for simulated, measured in paired(found, key, treatment)])
            assert limits.bias == pytest.approx(told.mean())
            assert abs(told.mean() - known.mean()) < 3.0 * np.std(told - known, ddof=1) / np.sqrt(len(known))
            assert limits.bias_interval[0] < known.mean() < limits.bias_interval[1]
            # Both ends of the long axis are known to within the slices: evenly, over 4 mm each.
            slices = 0.0 if key == "volume" else making(1).slice_gap_mm / 6.0**0.5
            assert limits.sd == pytest.approx(np.hypot(known.std(ddof=1), slices), rel=0.3)
    dice = np.array([case.by_treatment["none"].dice for case in found.cases])
    known_dice = np.array([true_dice(folder, case, truth) for case, truth in zip(found.cases, truths, strict=True)])
    assert dice.mean() == pytest.approx(known_dice.mean(), abs=0.03)


def paired(found: CohortAgreement, key: str, treatment: Treatment) -> list[tuple[float, float]]:
    (one,) = [one for one in PAIRED if one.key == key]
    return [one.read(case.by_treatment[treatment]) for case in found.cases]


def difference(case: CaseAgreement, truth: Truth, key: str, treatment: Treatment) -> float:
    """What slices without any error would tell: simulated minus true value, contracted as it really was."""
    one = case.by_treatment["none"]
    assumed = 1.0 if treatment == "none" else case.read.length_ratio
    ratio = truth.length_ratio / assumed
    if key == "volume":
        return one.simulated_volume_ml - ratio**3 * truth.volume_ml
    return one.simulated_axes_mm[0] - ratio * truth.long_axis_mm


def true_dice(folder: Path, case: CaseAgreement, truth: Truth) -> float:
    """Overlap with the true zone as it lay on the table, before anyone cut and outlined it."""
    (file,) = (folder / "sealed" / "runs" / truth.name).glob("*/necrosis_1mm.nii.gz")
    zone = Surface(*read_measured_zone(file).surface)
    middle = zone.centroid_mm
    contracted = Surface(middle + truth.length_ratio * (zone.points_mm - middle), zone.triangles)
    return agreement(case.read.simulated, contracted, Z).dice
