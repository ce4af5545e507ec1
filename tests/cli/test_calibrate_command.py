# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio synthetic`` and ``imagio calibrate``: what they print, and what they refuse before anything is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.campaign.bench import PLAN, bench_case, written_bench
from tests.cli.conftest import call

HIDDEN = ("--hidden", "liver: perfusion_rate", "--death-model", "isotherm_54")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    scenario = written_bench(folder)
    ended = call("synthetic", scenario, *HIDDEN, "--count", 3, "--seed", 4, "--out", "made", folder=folder)
    assert ended.code == 0, ended.err
    assert "SYNTHETIC" in ended.out
    return folder


def test_a_cohort_that_was_made_is_calibrated_on(folder: Path) -> None:
    arguments = ("calibrate", "made/cohort.csv", "--parameter", "liver: perfusion_rate", "--runs", 5)
    ended = call(*arguments, folder=folder)
    assert ended.code == 0, ended.err
    for text in ("SYNTHETIC", "S01", "S03", "left out: error", "common radial offset"):
        assert text in ended.out
    told = json.loads(call(*arguments, "--json", folder=folder).out)
    assert [case["name"] for case in told["cases"]] == ["S01", "S02", "S03"]
    assert told["asked"]["runs"] == 5
    low, median, high = told["before"]["liver: perfusion_rate"]
    assert low < median < high
    page = (folder / "made" / "calibration" / "calibration.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    for text in ("SYNTHETIC", "Calibration on 3 cases", "liver: perfusion_rate (1/s)", f"({low:.3g} to {high:.3g})"):
        assert text in page


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--parameter", "liver: perfusion"], "did you mean 'liver: perfusion_rate'?"),
        (["--parameter", "liver: perfusion_rate", "--runs", "2"], "at least 4"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_in_one_line(folder: Path, options: list[str], says: str) -> None:
    ended = call("calibrate", "made/cohort.csv", *options, "--out", "refused", folder=folder)
    assert ended.code == 2
    assert says in ended.err.splitlines()[-1]
    assert not (folder / "refused").exists()


def test_a_cohort_that_cannot_be_made_is_refused(folder: Path) -> None:
    needle = bench_case()["plans"][PLAN]
    written_bench(folder, "two", plans={"A": needle, "B": needle})
    wrong_model = [*HIDDEN[:2], "--death-model", "isotherm_5"]
    wrong_constant = ["--hidden", "liver: colour", *HIDDEN[2:]]
    for name, options, says in (
        ("two.yaml", list(HIDDEN), "one plan"),
        ("bench.yaml", wrong_model, "isotherm_5"),
        ("bench.yaml", wrong_constant, "liver: colour"),
    ):
        ended = call("synthetic", name, *options, "--out", "not_made", folder=folder)
        assert ended.code == 2
        assert says in ended.err
        assert not (folder / "not_made").exists()
