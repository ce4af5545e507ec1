# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio sweep`` and ``imagio compare`` as a planner uses them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.campaign.bench import PLAN, POWER, written_bench
from tests.cli.conftest import Finished, call


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    written_bench(folder)
    ended = call("sweep", "bench.yaml", "--vary", f"{POWER}=40W:60W:20W", folder=folder)
    assert ended.code == 0, ended.err
    return folder


def test_a_sweep_prints_its_members_its_rule_and_where_they_differ(swept: Path) -> None:
    ended = call("sweep", "bench.yaml", "--vary", f"{POWER}=40W:60W:20W", folder=swept)

    assert ended.code == 0
    assert "40 W" in ended.out
    assert "60 W" in ended.out
    assert "Ranked by: fewest failed constraints, then" in ended.out
    assert "kills 0.0 ml that power=60_W spares" in ended.out
    assert "not a medical device" in ended.out
    assert (swept / "runs" / "bench_sweep" / "comparison" / "comparison.csv").exists()
    assert not list((swept / "runs").rglob("zone_3d.png"))  # pictures are left out


def test_a_sweep_can_be_sampled_and_read_by_programs(swept: Path) -> None:
    arguments = ("--vary", f"{POWER}=40W:60W", "--sample", "2", "--seed", "1", "--json")
    ended = call("sweep", "bench.yaml", *arguments, folder=swept)

    comparison = json.loads(ended.out)
    assert len(comparison["runs"]) == 2
    assert all(40.0 <= float(run["varied"][POWER].split()[0]) <= 60.0 for run in comparison["runs"])


def test_workers_give_what_one_after_the_other_gave(swept: Path) -> None:
    vary = ("--vary", f"{POWER}=40W:60W:20W", "--json")
    in_turn = json.loads(call("sweep", "bench.yaml", *vary, folder=swept).out)

    ended = call("sweep", "bench.yaml", *vary, "--workers", 64, "--out", "apart", folder=swept)

    assert ended.code == 0, ended.err
    assert "64 workers are more than the cores of this machine bear" in ended.err
    together = json.loads(ended.out)
    for one in (*in_turn["runs"], *together["runs"]):
        del one["folder"], one["figures"]["solve_time"]
    assert together == in_turn


def test_ctrl_c_ends_all_workers_at_a_checkpoint(tmp_path: Path) -> None:
    solver = {"resolution": "coarse", "geometry": "axisymmetric", "time_tolerance": "0.01 K"}
    written_bench(tmp_path, solver=solver)
    duration = f"plans.{PLAN}.program.duration"
    command = [
        sys.executable,
        "-m",
        "imagio_cli",
        "sweep",
        "bench.yaml",
        "--vary",
        f"{duration}=1h,2h",
        "--workers",
        "2",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as sweep:
        folders = [tmp_path / "runs" / "bench_sweep" / f"duration={hours}_h" / PLAN for hours in (1, 2)]
        while sweep.poll() is None and not any((folder / "checkpoint").is_dir() for folder in folders):
            time.sleep(0.05)
        os.killpg(sweep.pid, signal.SIGINT)
        said = sweep.communicate(timeout=60.0)[1]

    assert sweep.returncode == 130, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("stopped")
    assert [folder for folder in folders if (folder / "checkpoint").is_dir()]


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        (f"plans.{PLAN}.applicators[0].pwer=1W,2W", f"did you mean 'plans.{PLAN}.stages[0].applicators[0].power'?"),
        (f"{POWER}=60W:20W:10W", "the empty range 60W:20W:10W"),
        (f"{POWER}=20mm:60mm:20mm", "which is no power"),
        (f"{POWER}=20:60:20", "without a unit"),
        (f"{POWER}=20W:60W", "a range without a step"),
        ("power", "no path with values"),
    ],
)
def test_what_cannot_be_varied_is_refused_in_one_line(swept: Path, vary: str, said: str) -> None:
    ended = call("sweep", "bench.yaml", "--vary", vary, "--out", "never", folder=swept)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (swept / "never").exists()


def test_runs_are_compared_by_their_folders(swept: Path) -> None:
    folders = sorted((swept / "runs" / "bench_sweep").glob(f"*/{PLAN}"))[:2]

    ended = call("compare", *folders, "--rank", "energy", "--out", "maps", folder=swept)

    assert ended.code == 0, ended.err
    assert "Ranked by: smallest energy into tissue." in ended.out
    assert "…" not in ended.out  # nothing of the table is cut off
    assert len(list((swept / "maps").glob("difference_*.nii.gz"))) == 1


def test_the_plans_of_a_scenario_are_run_and_compared_in_one_command(swept: Path) -> None:
    ended = call("compare", "bench.yaml", "--json", folder=swept)

    assert [run["plan"] for run in json.loads(ended.out)["runs"]] == [PLAN]


def test_another_patient_is_compared_and_it_is_said(swept: Path, finished: Finished) -> None:
    ended = call("compare", swept / "runs" / "bench_sweep", finished.folder, "--out", "patients", folder=swept)

    assert ended.code == 0
    assert "2 different patients" in ended.out


def test_differences_are_told_in_the_target_and_in_every_critical_structure(finished: Finished, tmp_path: Path) -> None:
    for name in ("A", "B"):
        shutil.copytree(finished.folder, tmp_path / "runs" / name)

    ended = call("compare", "runs", folder=tmp_path)

    assert "both kill" in ended.out
    data = json.loads((tmp_path / "runs" / "comparison" / "comparison.json").read_text(encoding="utf-8"))
    (one,) = data["differences"]
    both = {part["region"]: part["both_ml"] for part in one["regions"]}
    target = finished.ended.result["target"]
    assert list(both) == ["elsewhere", "target", "portal_vein"]
    assert both["target"] == pytest.approx(target["coverage"] * target["volume_ml"], rel=0.05)
    assert sum(both.values()) == pytest.approx(one["both_ml"])
    assert f"target 0.0 / 0.0 / {both['target']:.1f}" in ended.out
    with (tmp_path / "runs" / "comparison" / "differences.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["region"] for row in rows] == ["all", "elsewhere", "target", "portal_vein"]
    assert [float(row["both [ml]"]) for row in rows[1:]] == list(both.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no such folder"),
        (("runs", "--rank", "covrage"), "did you mean 'target_coverage'?"),
        (("runs", "--against", "mine"), "--against"),
        (("runs", "half"), "a run that is interrupted; run it again"),
        (("runs", "--samples", "8"), "name the scenario instead of its runs"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(swept: Path, arguments: tuple[str, ...], said: str) -> None:
    half = swept / "half"
    if not half.exists():
        shutil.copytree(next((swept / "runs" / "bench_sweep").glob(f"*/{PLAN}")), half)
        text = (half / "result.json").read_text(encoding="utf-8")
        (half / "result.json").write_text(text.replace('"complete"', '"interrupted"', 1), encoding="utf-8")

    ended = call("compare", *arguments, folder=swept)

    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
