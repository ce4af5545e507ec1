# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio compare SCENARIO --samples N``: figures with intervals, and plans held against each other draw by draw."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.bench import PLAN, bench_case, written_bench
from tests.cli.conftest import call

pytestmark = pytest.mark.slow

MEMBERS = 8


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("compare")
    weak = bench_case()["plans"][PLAN]
    strong: dict[str, Any] = copy.deepcopy(weak)
    strong["program"]["power"] = "50 W"
    scenario = written_bench(folder, plans={"weak": weak, "strong": strong})
    ended = call("compare", scenario, "--samples", MEMBERS, "--out", folder / "comparison", folder=folder)
    assert ended.code == 0, ended.err
    return folder, ended.out


def compared(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "comparison" / "comparison.json").read_text(encoding="utf-8"))
    return content


def test_every_run_carries_the_intervals_of_its_plan(done: tuple[Path, str]) -> None:
    runs = compared(done[0])["runs"]
    assert {run["plan"] for run in runs} == {"weak", "strong"}
    for run in runs:
        zone = run["intervals"]["ablation_zone_volume"]
        assert zone["low"] < zone["high"]
        assert zone["nominal"] == pytest.approx(run["figures"]["ablation_zone_volume"])


def test_the_same_draws_say_how_often_one_plan_beats_the_other(done: tuple[Path, str]) -> None:
    (pair,) = compared(done[0])["pairs"]
    assert (pair["first"], pair["second"], pair["members"]) == ("weak", "strong", MEMBERS)
    # The zones overlap from draw to draw, but with the same draw more power always makes the larger one.
    assert pair["better"]["ablation_zone_volume"]["value"] == 0.0
    assert pair["figures"]["ablation_zone_volume"]["high"] < 0.0
    assert "weak against strong, 8 draws: ablation zone better in 0%" in " ".join(done[1].split())


def test_the_table_has_the_ends_of_the_intervals(done: tuple[Path, str]) -> None:
    with (done[0] / "comparison" / "comparison.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        assert float(row["ablation_zone_volume 5 %"]) < float(row["ablation_zone_volume 95 %"])
