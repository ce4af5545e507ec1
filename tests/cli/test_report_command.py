# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio report``: one page about one run or several, from what their folders hold."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.outcome.result import FILE_NAME
from imagio_sim.plan import changed
from tests.campaign.bench import PLAN, POWER, bench
from tests.campaign.conftest import Observed
from tests.cli.conftest import call


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weak and a strong plan for the same phantom."""
    out = tmp_path_factory.mktemp("runs")
    for name, power in (("weak", "20 W"), ("strong", "50 W")):
        run_plan(changed(bench(), {POWER: power}), PLAN, RunOptions(out / name, "coarse"), Observed().listener)
    return out


def test_several_runs_stand_side_by_side_with_their_rank(runs: Path, tmp_path: Path) -> None:
    printed = call("report", str(runs), "--out", tmp_path / "page.html", folder=tmp_path)
    assert printed.code == 0, printed.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    heads = re.findall(r'<tr><th></th><th class="run">(\w+)</th><th class="run">(\w+)</th></tr>', page)
    assert heads[0] in (("strong", "weak"), ("weak", "strong"))
    assert "Ranked by:" in page
    assert "kills" in page
    assert page.count('src="data:image/png;base64,') >= 4
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)', page) == []


def test_the_zones_of_all_runs_are_in_one_scene(runs: Path, tmp_path: Path) -> None:
    call("report", str(runs), "--out", tmp_path / "page.html", folder=tmp_path)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "zone of weak" in page
    assert "zone of strong" in page
    assert "Turn it in three dimensions" in page


def test_a_single_run_gives_its_own_report(runs: Path, tmp_path: Path) -> None:
    folder = next((runs / "weak").iterdir())
    printed = call("report", str(folder), "--out", tmp_path / "page.html", folder=tmp_path)
    assert printed.code == 0, printed.err
    assert (tmp_path / "page.html").read_bytes() == (folder / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no such folder"),
        (["{runs}", "--out", "{runs}"], "a folder"),
        (["{runs}", "--rank", "larger_is_nicer"], "larger_is_nicer"),
        (["{half}"], "interrupted"),
        (["{bare}"], "without pictures"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_line_and_nothing_is_written(
    runs: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    folder = next((runs / "weak").iterdir())
    half, bare = tmp_path / "half", tmp_path / "bare"
    for copy in (half, bare):
        shutil.copytree(folder, copy)
    text = (half / FILE_NAME).read_text(encoding="utf-8")
    (half / FILE_NAME).write_text(text.replace('"complete"', '"interrupted"', 1), encoding="utf-8")
    (bare / "report.html").unlink()
    out = tmp_path / "page.html"
    given = [one.format(runs=runs, half=half, bare=bare) for one in arguments]
    printed = call("report", *given, *([] if "--out" in given else ["--out", out]), folder=tmp_path)
    assert printed.code == 2
    assert says in " ".join(printed.err.split())
    assert not out.exists()
