# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio uncertainty`` from end to end on the shortest runs there are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from imagio_sim.campaign.uncertainty.propagation import read_uncertainty
from tests.campaign.bench import PLAN, written_bench
from tests.cli.conftest import call

MEMBERS = 8
# Known is the damage that kills: the nominal one is the least of its range, which would put the nominal zone above all.
KNOWN = {"arrhenius_hepg2": {"threshold": {"value": 1.0, "source": "as in the library"}}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uncertainty")
    scenario = written_bench(folder, death_values=KNOWN)
    ended = call("uncertainty", scenario, "--samples", MEMBERS, "--out", folder / "out", folder=folder)
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture(scope="module")
def corrected(done: Path) -> Path:
    """The same members beside a nominal run on a finer mesh, on which two of them are run as well."""
    folder = done / "corrected"
    shutil.copytree(done / "out", folder / "out")
    options = ("--samples", MEMBERS, "--resolution", "normal", "--checked", 2, "--out", folder / "out")
    ended = call("uncertainty", done / "bench.yaml", *options, folder=folder)
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
    sample = found["sample"]["ablation_zone_volume"]
    assert len(sample) == MEMBERS == len(found["numbers"])
    assert min(sample) < volume["nominal"] < max(sample)


def test_what_conducts_current_and_carries_heat_away_is_what_the_spread_comes_from(done: Path) -> None:
    names = [one["name"] for one in told(done)["origins"]["ablation_zone_volume"]]
    assert len(names) == len(told(done)["inputs"])
    assert {name.partition(":")[0] for name in names} >= {"liver", "laws", "cooled_17g_3cm"}
    assert not [name for name in names if name.startswith("arrhenius")]
    assert 0.0 <= told(done)["unchecked"]["ablation_zone_volume"] <= 1.0


def test_the_map_holds_probabilities_and_is_surest_at_the_needle(done: Path) -> None:
    image = nibabel.load(done / "out" / f"death_probability_{PLAN}.nii.gz")
    share = np.asarray(image.dataobj)
    assert share.min() == 0.0
    assert 0.5 < share.max() <= 1.0
    assert set(np.round(np.unique(share) * MEMBERS, 4)) <= set(range(MEMBERS + 1))
    likeliest = np.argwhere(share == share.max()).mean(axis=0)
    assert np.hypot(*nibabel.affines.apply_affine(image.affine, likeliest)[:2]) < 2.0


def test_a_report_of_a_run_says_how_sure_it_is(done: Path) -> None:
    run = done / "out" / "nominal_coarse" / PLAN
    ended = call("report", run, "--uncertainty", "out", "--out", "page.html", folder=done)
    assert ended.code == 0, ended.err
    page = (done / "page.html").read_text(encoding="utf-8")
    assert f"How sure are we: {PLAN}" in page
    assert "Constants and their sources" in page
    assert page.count("data:image/png;base64,") == 1 + (run / "report.html").read_text().count("data:image/png;base64,")


def test_what_is_written_is_what_is_read(done: Path) -> None:
    again = read_uncertainty(done / "out")[PLAN]
    assert again.data() == told(done)
    assert again.zone.share.max() <= 1.0


def test_a_folder_without_a_sample_of_the_plan_is_refused(done: Path) -> None:
    ended = call("report", done / "out" / "nominal_coarse" / PLAN, "--uncertainty", "nowhere", folder=done)
    assert ended.code == 2
    assert "imagio uncertainty SCENARIO" in ended.err


def test_the_page_stands_alone(done: Path) -> None:
    page = (done / "out" / "uncertainty.html").read_text(encoding="utf-8")
    assert "how sure are we?" in page
    assert "Where the spread of the" in page
    assert "from memory or assumed" in page
    assert 'src="http' not in page


def test_asked_again_it_runs_nothing_and_says_the_same(done: Path) -> None:
    files = sorted((done / "out" / "members").glob("*/*/result.json"))
    before, said = [file.stat().st_mtime_ns for file in files], told(done)
    call("uncertainty", done / "bench.yaml", "--samples", MEMBERS, "--out", done / "out", folder=done)
    assert [file.stat().st_mtime_ns for file in files] == before
    assert told(done) == said


@pytest.mark.slow
def test_lengths_of_coarse_members_are_moved_by_what_their_mesh_makes_of_the_nominal_plan(
    done: Path, corrected: Path
) -> None:
    coarse, found = told(done), told(corrected)
    assert set(found["correction"]) == {"long_axis", "short_axis"}
    for key, figure in found["figures"].items():
        shift = found["correction"].get(key, 0.0)
        assert found["sample"][key] == pytest.approx([value + shift for value in coarse["sample"][key]])
        if shift:
            assert figure["nominal"] == pytest.approx(coarse["figures"][key]["nominal"] + shift)


@pytest.mark.slow
def test_whether_that_is_enough_is_seen_on_members_run_on_both_meshes(corrected: Path) -> None:
    checks = told(corrected)["checks"]
    assert checks["long_axis"]["members"] == 2
    assert 0.0 < checks["long_axis"]["error"] < 0.2 * checks["long_axis"]["width"]
    page = (corrected / "out" / "uncertainty.html").read_text(encoding="utf-8")
    assert "members run on both meshes" in page


def test_members_of_the_nominal_resolution_are_not_moved(done: Path) -> None:
    assert told(done)["correction"] == {}
    assert told(done)["checks"] == {}


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
