# SPDX-License-Identifier: LGPL-3.0-or-later
"""Campaigns on this machine: everything runs once, also when processes are killed in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from imagio_sim.campaign.workflow.campaign_report import write_campaign_report
from imagio_sim.campaign.workflow.collection import collect
from imagio_sim.campaign.workflow.expansion import plan_campaign
from imagio_sim.campaign.workflow.manifest import FILE, RUNS, read_manifest, write_manifest
from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule
from imagio_sim.outcome.result import FILE_NAME
from tests.campaign.bench import POWER, written_bench
from tests.campaign.workflow.driving import (
    POWERS,
    complete,
    finish,
    is_whole,
    kill,
    kill_a_job,
    numbers,
    require_same_numbers,
    rows,
    start,
    wait_until,
)
from tests.campaign.workflow.test_campaign_file import campaign

PHANTOM = Path(__file__).parents[3] / "scenarios" / "phantom_rf_coarse.yaml"
pytest.importorskip("snakemake", reason="Snakemake is not installed: pip install 'imagio-sim[campaign]'")


def test_a_campaign_runs_fails_where_it_must_and_is_collected(tmp_path: Path) -> None:
    written_bench(tmp_path, "one")
    phantom = yaml.safe_load(PHANTOM.read_text(encoding="utf-8"))
    phantom["critical_structures"] = [{"label": "spleen"}]  # only the segmentation can tell that there is none
    phantom["constraints"] = []
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(phantom), encoding="utf-8")
    out = tmp_path / "out"
    cases = [{"scenario": "two.yaml", "patient": "P2"}, {"scenario": "one.yaml", "vary": {POWER: "20W,60W"}}]
    file = campaign(tmp_path, cases=cases, vary=None, runs_per_job=4)

    code, said = finish(start(file, out), 120)

    assert code == 3, said
    table = {row["run"]: row for row in rows(out)}
    assert {name: row["state"] for name, row in table.items()} == {
        "P2/as_written/one_needle": "failed",
        "one/power=20_W/short": "complete",
        "one/power=60_W/short": "complete",
    }
    assert "label 'spleen'" in table["P2/as_written/one_needle"]["reason"]
    assert [row[f"{POWER} [W]"] for row in table.values()] == [None, 20.0, 60.0]
    few, many = (table[f"one/power={power}_W/short"]["ablation_zone.volume_ml"] for power in (20, 60))
    assert many > few
    assert "failed: P2/as_written/one_needle" in said

    before = numbers(out)
    (out / "results.parquet").unlink()
    collect(out)  # the table is rebuilt from the folders at will
    assert numbers(out) == before
    page = write_campaign_report(out, parse_rule(DEFAULT_RULE)).read_text(encoding="utf-8")
    assert "label &#39;spleen&#39;" in page
    assert "must not be used to decide on the treatment of a patient" in " ".join(page.split())


def test_a_second_campaign_in_the_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    first = start(campaign(tmp_path), tmp_path / "out")
    try:
        wait_until((tmp_path / "out" / FILE).exists, 60)
        code, said = finish(start(campaign(tmp_path), tmp_path / "out"), 60)
    finally:
        kill(first)

    assert code == 2
    assert f"a campaign that is being run there by process {first.pid}" in said
    assert len(said.splitlines()) == 1


def test_the_folder_of_another_campaign_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").touch()

    code, said = finish(start(campaign(tmp_path), out), 60)

    assert (code, len(said.splitlines())) == (2, 1)
    assert "holds thesis.tex" in said


def test_without_a_scheduler_nothing_is_started(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    shell = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)}

    code, said = finish(start(campaign(tmp_path), tmp_path / "out", "--slurm", environment=shell), 60)

    assert (code, len(said.splitlines())) == (2, 1), said
    assert said.startswith("slurm: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_twenty_runs_survive_a_killed_job_and_a_killed_driver(tmp_path: Path) -> None:
    written_bench(tmp_path, "one")
    file = campaign(tmp_path, cases=[{"scenario": "one.yaml"}], vary={POWER: POWERS}, runs_per_job=5)
    names = {run.name for run in plan_campaign(file).runs}
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert finish(start(file, undisturbed), 600)[0] == 0

    first = start(file, out)
    wait_until(lambda: complete(out) >= 2, 300)
    kill_a_job(out)
    wait_until(lambda: complete(out) >= 6, 300)
    kill(first)
    done = {path: path.stat().st_mtime_ns for path in out.glob(f"{RUNS}/**/{FILE_NAME}") if _is_complete(path)}
    assert 6 <= len(done) < 20
    code, said = finish(start(file, out), 600)

    assert code == 0, said
    assert is_whole(out)
    assert sorted(row["run"] for row in rows(out)) == sorted(names)
    assert {row["state"] for row in rows(out)} == {"complete"}
    assert {path: path.stat().st_mtime_ns for path in done} == done  # nothing was run twice
    require_same_numbers(out, undisturbed)
    assert any("killed" in line for line in said.splitlines() if line.startswith("retried"))


def _is_complete(path: Path) -> bool:
    return bool(json.loads(path.read_text())["status"] == "complete")


def test_the_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written_bench(tmp_path, name)
    manifest = plan_campaign(campaign(tmp_path, limits={"time": "2 h", "memory": "4 GB"}))

    write_manifest(tmp_path / "out", manifest)

    assert read_manifest(tmp_path / "out") == manifest
    assert (manifest.time_s, manifest.memory_MB) == (7200.0, 4000.0)


def test_the_engine_s_files_are_in_the_package() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", "from imagio_sim.campaign.workflow.engine import WORKFLOW; print(*WORKFLOW.rglob('*'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(name in listed for name in ("Snakefile", "local/config.yaml", "slurm/config.yaml"))
