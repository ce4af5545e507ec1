# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio uncertainty`` from end to end on the shortest runs there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.campaign.bench import PLAN, written_bench
from tests.cli.conftest import call

MEMBERS = 8


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uncertainty")
    scenario = written_bench(folder)
    ended = call("uncertainty", scenario, "--samples", MEMBERS, "--out", folder / "out", folder=folder)
    assert ended.code == 0, ended.err
    return folder


def told(done: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((done / "out" / "uncertainty.json").read_text(encoding="utf-8"))
    return content["plans"][PLAN]  # type: ignore[no-any-return]


def test_every_member_has_been_run_and_the_nominal_plan_lies_among_them(done: Path) -> None:
    found = told(done)
    assert (found["members"], found["failed"]) == (MEMBERS, 0)
    volume = found["figures"]["ablation_zone_volume"]
    assert volume["low"] < volume["median"] < volume["high"]
    assert volume["low"] < volume["nominal"] < volume["high"]


def test_what_conducts_current_and_carries_heat_away_is_what_the_spread_comes_from(done: Path) -> None:
    names = [one["name"] for one in told(done)["origins"]["ablation_zone_volume"]]
    assert len(names) == len(told(done)["inputs"])
    assert all(name.startswith(("liver: ", "blood: ", "laws: ")) for name in names)


def test_the_map_holds_probabilities_and_is_surest_at_the_needle(done: Path) -> None:
    image = nibabel.load(done / "out" / f"death_probability_{PLAN}.nii.gz")
    share = np.asarray(image.dataobj)
    assert share.min() == 0.0
    assert 0.5 < share.max() <= 1.0
    assert set(np.round(np.unique(share) * MEMBERS, 4)) <= set(range(MEMBERS + 1))
    likeliest = np.argwhere(share == share.max()).mean(axis=0)
    assert np.hypot(*nibabel.affines.apply_affine(image.affine, likeliest)[:2]) < 2.0


def test_the_page_stands_alone(done: Path) -> None:
    page = (done / "out" / "uncertainty.html").read_text(encoding="utf-8")
    assert "how sure are we?" in page
    assert "Where the spread of the" in page
    assert 'src="http' not in page


def test_asked_again_it_runs_nothing_and_says_the_same(done: Path) -> None:
    files = sorted((done / "out" / "members").glob("*/*/result.json"))
    before, said = [file.stat().st_mtime_ns for file in files], told(done)
    call("uncertainty", done / "bench.yaml", "--samples", MEMBERS, "--out", done / "out", folder=done)
    assert [file.stat().st_mtime_ns for file in files] == before
    assert told(done) == said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--samples", "3"], "8 to 4096"),
        (["--placement", "2.5 s"], "error of placement"),
        (["--placement", "-1 mm"], "-1 mm"),
        (["--plan", "shrt"], "did you mean 'short'?"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line_before_anything_is_run(
    tmp_path: Path, options: list[str], says: str
) -> None:
    ended = call("uncertainty", written_bench(tmp_path), *options, "--out", tmp_path / "out", folder=tmp_path)
    assert ended.code == 2
    assert says in ended.err
    assert not (tmp_path / "out").exists()
