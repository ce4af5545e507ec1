# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio run`` as a user meets it: what it leaves behind, how it is stopped, and how it goes on."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import psutil
import pytest
import yaml

from imagio_sim.anatomy.datasets import resolve_path
from tests.cli.conftest import PLAN, ROOT, SCENARIO, Ended, Finished, call

COMMAND = (sys.executable, "-m", "imagio_cli", "run", str(SCENARIO), "--out", "results")
SIMULATED = re.compile(r"(\d+) of 180 s simulated")

NUMBER = (int, float)
CONTRACT: dict[str, Any] = {
    "schema": int,
    "status": str,
    "plan": str,
    "modalities": list,
    "target": {
        "volume_ml": NUMBER,
        "coverage": NUMBER,
        "minimal_ablative_margin_mm": NUMBER,
        "margin_surface_fraction": {"lt_0": NUMBER, "0_5": NUMBER, "ge_5": NUMBER, "ge_10": NUMBER},
    },
    "ablation_zone": {
        "volume_ml": NUMBER,
        "long_axis_mm": NUMBER,
        "short_axis_mm": NUMBER,
        "deciding_model": str,
        "by_model": dict,
    },
    "constraints": list,
    "energy": {
        "source_J": NUMBER,
        "stored_J": NUMBER,
        "lost_J": NUMBER,
        "far_field_J": NUMBER,
        "withheld_J": NUMBER,
        "balance_error": NUMBER,
    },
    "mesh": {"nodes": int, "cells": int, "minimum_quality": NUMBER},
    "timing": {"mesh_s": NUMBER, "solve_s": NUMBER, "total_s": NUMBER},
    "solver": dict,
    "warnings": list,
    "versions": dict,
    "inputs": dict,
}


def result_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def misfits(found: Any, contract: Any, place: str = "result") -> Iterator[str]:
    """Where a result is not what the contract says."""
    if isinstance(contract, dict):
        for key, inner in contract.items():
            if key not in found:
                yield f"{place}.{key} is missing"
            else:
                yield from misfits(found[key], inner, f"{place}.{key}")
    elif not isinstance(found, contract) or isinstance(found, bool):
        yield f"{place} is {found!r}"


# ------------------------------------------------------------------------------------------------------ what it leaves


def test_a_run_leaves_everything_it_promises_and_nothing_it_worked_with(finished: Finished) -> None:
    present = {entry.name for entry in finished.folder.iterdir()}
    promised = {"plan.yaml", "result.json", "fields.xdmf", "necrosis.nii.gz", "necrosis_1mm.nii.gz", "report.html"}
    assert present >= {*promised, "log.txt", "history.csv", "zone_planes.png", "zone_3d.png"}
    assert "checkpoint" not in present


def test_the_result_keeps_the_contract(finished: Finished) -> None:
    result = result_in(finished.folder)
    assert list(misfits(result, CONTRACT)) == []
    assert result["status"] == "complete"
    assert result["plan"] == PLAN
    assert result["modalities"] == ["radiofrequency"]
    assert result["inputs"].keys() == {"patient.image", "patient.labels[0].file"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in result["inputs"].values())
    for constraint in result["constraints"]:
        assert constraint.keys() >= {"name", "quantity", "limit", "value", "status"}
        assert constraint["status"] in ("pass", "warn", "fail")


def test_the_result_is_plausible(finished: Finished) -> None:
    result = result_in(finished.folder)
    zone, energy = result["ablation_zone"], result["energy"]
    assert zone["deciding_model"] in zone["by_model"]
    assert 0.5 < zone["volume_ml"] < 10.0
    assert 0.0 < result["target"]["coverage"] < 1.0
    assert result["target"]["minimal_ablative_margin_mm"] < 0.0
    balance = energy["source_J"] - energy["stored_J"] - energy["lost_J"]
    largest = max(abs(energy[name]) for name in ("source_J", "stored_J", "lost_J"))
    assert energy["balance_error"] == pytest.approx(abs(balance) / largest)
    assert energy["balance_error"] < 0.01
    assert sum(result["target"]["margin_surface_fraction"][name] for name in ("lt_0", "0_5", "ge_5")) == pytest.approx(
        1
    )


def test_json_prints_the_results_and_nothing_else(finished: Finished) -> None:
    assert finished.ended.result == result_in(finished.folder)


def test_the_necrosis_map_lies_on_the_grid_of_the_segmentation(finished: Finished) -> None:
    necrosis = nibabel.load(finished.folder / "necrosis.nii.gz")
    segmentation = nibabel.load(resolve_path("data:liver_phantom/seg.nii.gz", base=ROOT))
    assert necrosis.shape == segmentation.shape
    assert np.array_equal(necrosis.affine, segmentation.affine)
    voxel_ml = abs(np.linalg.det(necrosis.affine[:3, :3])) / 1000.0
    volume_ml = float((np.asarray(necrosis.dataobj) > 0).sum()) * voxel_ml
    assert volume_ml == pytest.approx(result_in(finished.folder)["ablation_zone"]["volume_ml"], rel=0.3)


def test_the_resolved_plan_shows_values_with_sources(finished: Finished) -> None:
    plan = yaml.safe_load((finished.folder / "plan.yaml").read_text())
    perfusion = plan["constants"]["tissues"]["liver"]["perfusion_rate"]
    assert perfusion["value"].endswith(" 1/s")
    assert perfusion["source"]


def test_the_log_tells_what_happened_when(finished: Finished) -> None:
    lines = (finished.folder / "log.txt").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ", line) for line in lines)
    assert lines[0].endswith(f"{PLAN}: meshing")
    assert lines[-1].endswith(f"{PLAN}: complete")


def test_progress_is_told_in_simulated_time_on_standard_error(finished: Finished) -> None:
    times = [int(found) for found in SIMULATED.findall(finished.ended.err)]
    assert times == sorted(times)
    assert times[-1] == 180


# ------------------------------------------------------------------------------------------------- again, and going on


def test_a_finished_identical_run_is_shown_and_not_run_again(finished: Finished) -> None:
    before = (finished.folder / "result.json").stat().st_mtime_ns
    ended = call("run", SCENARIO, folder=finished.start)
    assert ended.code == 0
    assert f"{PLAN}: already complete in runs/phantom_rf_coarse/{PLAN}" in ended.err
    assert "ablation zone (ml)" in ended.out
    assert "Research software, not a medical device." in ended.out
    assert (finished.folder / "result.json").stat().st_mtime_ns == before


@contextlib.contextmanager
def solving(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """The command in a process of its own, once its solution is under way; with the first simulated times [s]."""
    with subprocess.Popen(
        [*COMMAND, *more], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        times: list[int] = []
        assert run.stderr is not None
        for line in run.stderr:
            times += map(int, SIMULATED.findall(line))
            if len(times) >= 2:
                break
        try:
            yield run, times
        finally:
            run.kill()


def test_a_stopped_and_a_killed_run_go_on_and_end_like_one_that_never_stopped(
    finished: Finished, tmp_path: Path
) -> None:
    folder = tmp_path / "results" / PLAN
    shutil.copytree(finished.folder, folder)

    with solving(tmp_path, "--restart") as (run, times):
        assert times[0] == 0, "--restart starts over"
        assert result_in(folder)["status"] == "interrupted", "what is not finished does not look finished"
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    message = said.splitlines()[-1]
    stopped_at = float(re.fullmatch(r"stopped at (\S+) s; the same command goes on from here", message)[1])
    assert result_in(folder)["status"] == "interrupted"
    assert (folder / "checkpoint" / "stage_0" / "state.npz").is_file()

    with solving(tmp_path) as (run, times):
        assert times[0] == pytest.approx(stopped_at, abs=0.6), "it goes on where it was stopped"
        run.kill()
    assert result_in(folder)["status"] == "interrupted"

    ended = call("run", SCENARIO, "--out", "results", "--json", folder=tmp_path)
    assert ended.code == 0
    assert int(SIMULATED.findall(ended.err)[0]) >= int(stopped_at)
    assert_same_zone(ended.result, finished.ended.result, volume=0.005)


def test_an_interrupt_before_the_solution_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        run.stderr.readline()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    assert run.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_the_zone_is_evaluated_keeps_the_solution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped_here(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imagio_sim.campaign.run._evaluate", stopped_here)
    message = "stopped before it was complete; the same command goes on from the last checkpoint"
    for first_time in (0, 180):
        ended = call("run", SCENARIO, "--out", "results", folder=tmp_path)
        assert (ended.code, ended.err.splitlines()[-1]) == (130, message)
        assert int(SIMULATED.findall(ended.err)[0]) == first_time
        result = result_in(tmp_path / "results" / PLAN)
        assert (result["status"], result["failure"]) == ("interrupted", message)


def assert_same_zone(one: dict[str, Any], other: dict[str, Any], *, volume: float) -> None:
    """Compare the zones of all death models that have one."""
    zones = [result["ablation_zone"]["by_model"] for result in (one, other)]
    assert zones[0].keys() == zones[1].keys()
    deciding = one["ablation_zone"]["volume_ml"]
    assert deciding == pytest.approx(other["ablation_zone"]["volume_ml"], rel=volume)
    for name in zones[0]:
        assert zones[0][name]["volume_ml"] == pytest.approx(zones[1][name]["volume_ml"], rel=4 * volume, abs=0.01)


# ----------------------------------------------------------------------------------------------------------- two ranks


@pytest.fixture(scope="module")
def on_two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run on two ranks that share one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return call("run", SCENARIO, "-n", 2, "--json", "--out", "out", folder=tmp_path_factory.mktemp("two_ranks"))
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.mpi
def test_two_ranks_give_the_result_of_one(on_two_ranks: Ended, finished: Finished) -> None:
    assert on_two_ranks.code == 0, on_two_ranks.err
    assert on_two_ranks.result["solver"]["ranks"] == 2
    assert_same_zone(on_two_ranks.result, finished.ended.result, volume=0.005)


@pytest.mark.mpi
def test_more_ranks_than_cores_are_a_warning(on_two_ranks: Ended) -> None:
    assert "2 ranks on 1 cores are slower than 1 ranks" in on_two_ranks.result["warnings"]


@pytest.mark.mpi
def test_ranks_end_with_the_command_that_was_killed(tmp_path: Path) -> None:
    with solving(tmp_path, "-n", "2") as (run, _):
        assert len(working_in(tmp_path)) >= 2
        run.kill()
    deadline = time.monotonic() + 30.0
    while working_in(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert working_in(tmp_path) == []
    assert (tmp_path / "results" / PLAN / "checkpoint" / "stage_0" / "state.npz").is_file()


def working_in(folder: Path) -> list[str]:
    """The ranks that were started from a folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "imagio_sim.campaign.worker" in process.cmdline() and process.cwd() == str(folder):
                found.append(" ".join(process.cmdline()))
    return found


def test_the_report_of_a_finished_run_does_not_call_it_unfinished(finished: Finished) -> None:
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    assert "in all" in text
    assert "This run is" not in text


def test_the_label_maps_hold_the_zone_and_the_collateral_is_outside_the_target(finished: Finished) -> None:
    result = result_in(finished.folder)
    volume = result["ablation_zone"]["volume_ml"]
    assert result["label_map_volume_ml"]["necrosis_1mm.nii.gz"] == pytest.approx(volume, rel=0.1)
    assert "tumour" not in result["collateral_volume_ml"]
    assert sum(result["collateral_volume_ml"].values()) < volume
    assert result["structures"]["portal_vein"]["peak_thermal_dose_CEM43_min"] >= 0.0
