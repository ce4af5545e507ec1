# SPDX-License-Identifier: LGPL-3.0-or-later
"""Calibration where the answer is known: an emulator of a formula, and lengths drawn from the stated model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.campaign.agreement import calibration
from imagio_sim.campaign.agreement.calibration import Asked, Calibration, calibrate
from imagio_sim.campaign.agreement.emulator import Emulator, design, key_of
from imagio_sim.campaign.agreement.treated_cases import CalibrationCase, read_cases
from imagio_sim.campaign.run import RunOptions
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan import yaml_text
from tests.campaign.agreement.cohorts import PERFUSION, QUIET, protocols

NAME = "plans.short.applicators[0].power"
POWERS = (20.0, 40.0)
(SCENARIO, PLAN) = protocols([(30.0, 5.0)])[0]
OPTIONS = RunOptions(Path("nowhere"), "coarse")


def lengths(power: float) -> np.ndarray:
    """A made-up law between power and lengths."""
    return np.array([0.5 * power + 4.0, 0.4 * power + 18.0, 0.5 * power])


@pytest.fixture
def by_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law in place of runs."""

    def emulators(cases: Sequence[CalibrationCase], *_: object) -> dict[tuple[str, str], Emulator]:
        places, corners = np.linspace(-0.6, 0.6, 9)[:, None], 2
        found = Emulator(places, np.stack([lengths(30.0 + 18.0 * x) for (x,) in places]), corners, 1.0)
        return {key_of(case): found for case in cases}

    monkeypatch.setattr(calibration, "emulators_of", emulators)


def patients(
    count: int, seed: int, *, offset: float, radial: float, single: float
) -> tuple[list[CalibrationCase], np.ndarray]:
    """Cases with hidden powers, and measured lengths with an offset and scatter."""
    random = np.random.default_rng(seed)
    powers = random.uniform(*POWERS, count)
    cases = [
        CalibrationCase(
            f"P{number}",
            SCENARIO,
            PLAN,
            lengths(power) + 2.0 * (offset + random.normal(0.0, radial)) + random.normal(0.0, single, 3),
        )
        for number, power in enumerate(powers)
    ]
    return cases, powers


def calibrated(cases: Sequence[CalibrationCase]) -> Calibration:
    return calibrate(cases, Asked((f"{NAME}=20W:40W",)), OPTIONS, QUIET)


@pytest.mark.usefixtures("by_formula")
def test_stated_intervals_hold_the_truth_nine_times_out_of_ten() -> None:
    hits, widths = [], []
    for seed in range(8):
        cases, powers = patients(20, seed, offset=0.8, radial=0.4, single=0.5)
        estimates = [case.parameters[NAME] for case in calibrated(cases).cases]
        hits += [one.low <= power <= one.high for one, power in zip(estimates, powers, strict=True)]
        widths += [one.width_left for one in estimates]
    assert 0.85 < np.mean(hits) < 0.95
    assert np.mean(widths) < 0.5


@pytest.mark.usefixtures("by_formula")
def test_an_offset_that_all_cases_share_is_found_and_what_it_takes_off_the_left_out_error() -> None:
    cases, _ = patients(20, 3, offset=1.5, radial=0.2, single=0.3)
    found = calibrated(cases)
    assert found.offset_mm == pytest.approx(1.5, abs=0.75)
    assert abs(found.offset_mm - 1.5) < 2.5 * found.offset_sd_mm
    uncalibrated, left_out = (np.linalg.norm(found.errors_mm[name]) for name in ("uncalibrated", "left_out"))
    assert left_out < 0.8 * uncalibrated
    assert np.linalg.norm(found.errors_mm["trained"]) <= left_out
    assert 0.8 < found.left_out_coverage <= 1.0


@pytest.mark.usefixtures("by_formula")
def test_a_case_is_not_used_to_judge_itself() -> None:
    cases, _ = patients(6, 5, offset=0.0, radial=0.3, single=0.3)
    moved = [replace(cases[0], lengths_mm=cases[0].lengths_mm + 4.0), *cases[1:]]
    before, after = calibrated(cases).cases, calibrated(moved).cases
    assert after[0].left_out_mm == pytest.approx(before[0].left_out_mm)
    assert after[0].left_out_interval_mm == before[0].left_out_interval_mm
    assert after[1].left_out_mm != pytest.approx(before[1].left_out_mm)


@pytest.mark.usefixtures("by_formula")
def test_what_fixing_and_cutting_took_is_given_back_where_shrinkage_is_treated() -> None:
    cases, powers = patients(12, 7, offset=0.0, radial=0.1, single=0.1)
    shrunk = [replace(case, lengths_mm=0.9 * case.lengths_mm, processing_ratio=0.9) for case in cases]
    asked = Asked((f"{NAME}=20W:40W",), shrinkage="expand_measured")
    given_back = calibrate(shrunk, asked, OPTIONS, QUIET)
    assert given_back.cases[0].measured_mm == pytest.approx(tuple(cases[0].lengths_mm))
    assert [case.parameters[NAME].median for case in given_back.cases] == pytest.approx(powers, abs=3.0)
    assert calibrated(shrunk).cases[0].measured_mm == pytest.approx(tuple(shrunk[0].lengths_mm))


def test_an_emulator_knows_its_own_error() -> None:
    places = np.concatenate([[[-0.6], [0.6]], np.linspace(-0.5, 0.5, 8)[:, None]])
    straight = Emulator(places, np.repeat(3.0 * places, 3, axis=1), 2, 1.0)
    assert straight.error_mm == pytest.approx(0.0, abs=1e-9)
    wavy = Emulator(places, np.repeat(np.sin(9.0 * places), 3, axis=1), 2, 1.0)
    assert 0.01 < wavy.error_mm < 0.5
    assert wavy.at(places) == pytest.approx(np.repeat(np.sin(9.0 * places), 3, axis=1), abs=1e-9)


def test_runs_lie_at_the_corners_and_between() -> None:
    shares, corners = design(2, 12, 0)
    assert (len(shares), corners) == (12, 4)
    assert set(np.round(shares[:4].ravel(), 2)) == {0.01, 0.99}
    assert ((shares > 0.005) & (shares < 0.995)).all()
    with pytest.raises(InputError, match="at least 8"):
        design(2, 7, 0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("liver: perfusion", "did you mean 'liver: perfusion_rate'?"),
        ("moon: dust", "no parameter with a spread"),
        (f"{NAME}=20W,30W", "PATH=LOW:HIGH"),
    ],
)
def test_what_is_no_parameter_is_refused(name: str, says: str) -> None:
    cases, _ = patients(3, 0, offset=0.0, radial=0.1, single=0.1)
    with pytest.raises(InputError) as refused:
        calibrate(cases, Asked((name,)), OPTIONS, QUIET)
    assert says in str(refused.value)


def test_two_cases_are_too_few() -> None:
    cases, _ = patients(2, 0, offset=0.0, radial=0.1, single=0.1)
    with pytest.raises(InputError, match="at least 3"):
        calibrate(cases, Asked((PERFUSION,)), OPTIONS, QUIET)


def test_all_rows_that_cannot_be_used_are_named_together(tmp_path: Path) -> None:
    (tmp_path / "burn.yaml").write_text(yaml_text(SCENARIO), encoding="utf-8")
    table = tmp_path / "cohort.csv"
    table.write_text(
        "patient,scenario,plan,measured_zone\nP1,burn.yaml,,\nP2,burn.yaml,shrt,zone.yaml\nP3,burn.yaml,,zone.yaml\n",
        encoding="utf-8",
    )
    with pytest.raises(InputErrors) as refused:
        read_cases(table)
    text = str(refused.value)
    assert "line 2: expected the file of a zone" in text
    assert "did you mean 'short'?" in text
    assert text.count("zone.yaml: expected") == 2
