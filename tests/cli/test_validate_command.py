# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio validate``: runs cases, writes results and the page, and tells a finding from a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.campaign.validation.test_book import written_book
from tests.cli.conftest import call


def test_a_case_is_run_and_told_in_one_line(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    ended = call("validate", "ZZ01", folder=tmp_path)
    assert ended.code == 0
    assert "1/1  ZZ01" in ended.out
    assert "agree" in ended.out
    written = json.loads((book / "experiments" / "ZZ01_width" / "result.json").read_text())
    assert written["verdicts"][0]["simulated"] == 30.0
    assert "| width, mm | 32 | 28 to 36 | 30 |" in (tmp_path / "docs" / "validation.md").read_text()


def test_results_go_elsewhere_where_wanted(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    call("validate", "--out", tmp_path / "elsewhere", folder=tmp_path)
    assert (tmp_path / "elsewhere" / "ZZ01.json").is_file()
    assert "1 agree" in (tmp_path / "elsewhere" / "validation.md").read_text()
    assert not (book / "experiments" / "ZZ01_width" / "result.json").exists()
    assert not (tmp_path / "docs").exists()


def test_an_experiment_that_disagrees_is_a_finding_and_a_verification_a_fault(tmp_path: Path) -> None:
    missed = (
        "from imagio_sim.campaign.validation import judged\n"
        "def judge(case):\n"
        "    return (judged('width', 'mm', 40.0, within=(28.0, 36.0)),)\n"
    )
    for kind, code in (("experiment", 0), ("verification", 1)):
        folder = tmp_path / kind
        folder.mkdir()
        book = written_book(folder, kind=kind)
        (book / "experiments" / "ZZ01_width" / "study.py").write_text(missed)
        ended = call("validate", folder=folder)
        assert (ended.code, "disagree" in ended.out) == (code, True)


def test_a_run_that_breaks_down_is_told_and_ends_with_one(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    (book / "experiments" / "ZZ01_width" / "study.py").write_text("raise RuntimeError('no electrode')\n")
    ended = call("validate", folder=tmp_path)
    assert ended.code == 1
    assert "no electrode" in ended.out


def test_an_unknown_case_is_refused_with_the_nearest(tmp_path: Path) -> None:
    written_book(tmp_path)
    ended = call("validate", "ZZ02", folder=tmp_path)
    assert ended.code == 2
    assert "did you mean 'ZZ01'?" in ended.err


def test_only_what_is_out_of_date_is_run_where_wanted(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    assert "has not been run" in call("validate", "--outdated", "--dry-run", folder=tmp_path).out
    assert "1/1  ZZ01" in call("validate", "--outdated", folder=tmp_path).out
    assert call("validate", "--dry-run", folder=tmp_path).out.split("fast")[1].strip() == "up to date"
    assert "ZZ01" not in call("validate", "--outdated", folder=tmp_path).out
    study = book / "experiments" / "ZZ01_width" / "study.py"
    study.write_text(study.read_text().replace("30.0", "31.0"))
    assert "has changed" in call("validate", "--outdated", "--dry-run", folder=tmp_path).out


def test_a_cluster_needs_a_folder_that_its_nodes_see(tmp_path: Path) -> None:
    written_book(tmp_path)
    ended = call("validate", "--slurm", folder=tmp_path)
    assert ended.code == 2
    assert "add --campaign FOLDER" in ended.err


def test_cases_are_run_as_a_campaign_where_wanted(tmp_path: Path) -> None:
    pytest.importorskip("snakemake", reason="Snakemake is not installed: pip install 'imagio-sim[campaign]'")
    book = written_book(tmp_path)
    ended = call("validate", "--campaign", tmp_path / "campaign", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert "1/1  ZZ01   agree" in ended.out
    assert (book / "experiments" / "ZZ01_width" / "result.json").is_file()
    assert (tmp_path / "campaign" / "results" / "ZZ01.json").is_file()
