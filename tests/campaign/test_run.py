# SPDX-License-Identifier: LGPL-3.0-or-later
"""One plan from scenario to folder: finished, interrupted, and with generators that are more than one electrode."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.campaign.run import Listener, RunOptions, boundary_warnings, run_plan
from imagio_sim.campaign.sequence import finite
from imagio_sim.errors import Interrupted
from tests.campaign.conftest import Observed, Run, start
from tests.campaign.sequences import sequences

Finished = Callable[[str], Run]


def history(run: Run) -> list[dict[str, float]]:
    with (run.folder / "history.csv").open(encoding="utf-8") as file:
        return [{name: float(text or "nan") for name, text in row.items()} for row in csv.DictReader(file)]


def stored(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_a_finished_run_is_given_back_without_solving(finished: Finished) -> None:
    run, said = finished("deep"), []
    listener = Listener(said.append, lambda _: pytest.fail("it solved"), lambda: False)
    out = run.folder.parent
    again = run_plan(sequences(out), "deep", RunOptions(out, "coarse"), listener)
    assert again == stored(run.folder)
    assert said == [f"deep: already complete in {run.folder}"]


def test_an_interrupted_run_says_so_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        start("deep", tmp_path, Observed(stop_in=0, stop_after=1.0))
    assert stored(tmp_path / "deep")["status"] == "interrupted"
    assert (tmp_path / "deep" / "checkpoint" / "stage_0" / "state.npz").is_file()


@pytest.mark.slow
def test_the_sensors_of_an_expandable_electrode_lead_its_power(finished: Finished) -> None:
    run = finished("expandable")
    rows = history(run)
    powered = [row for row in rows if row["tines.power_W"] > 0.0]
    first, last = rows[0], powered[-1]
    sensors = [name for name in last if name.startswith("tines.sensor_")]
    assert len(sensors) == 5
    assert all(first[name] + 2.0 < last[name] for name in sensors)
    mean = sum(last[name] for name in sensors) / len(sensors)
    assert run.result["solver"]["sources"][0]["radiofrequency"]["controllers"][0]["temperature"] == pytest.approx(
        mean, abs=0.01
    )
    assert last["tines.power_W"] <= 250.0
    assert run.result["energy"]["balance_error"] < 1e-3


@pytest.mark.slow
def test_a_bipolar_needle_heats_without_a_pad(finished: Finished) -> None:
    run = finished("bipolar")
    (only,) = run.result["solver"]["energy_by_stage"]
    assert only["source_J"] + only["far_field_J"] == pytest.approx(8.0 * 30.0, rel=1e-4)
    assert only["far_field_J"] < 0.01 * only["source_J"]
    assert run.result["energy"]["balance_error"] < 1e-3


def test_a_state_that_was_never_measured_is_null_in_the_result() -> None:
    states = finite([{"baseline": math.inf, "pulses": 0}, {"temperature": -math.inf, "power": 20.0}, {}])
    assert states == [{"baseline": None, "pulses": 0}, {"temperature": None, "power": 20.0}, {}]


@pytest.mark.parametrize(
    ("coldest", "body", "warned"), [(20.0, 20.0, False), (18.0, 20.0, True), (25.5, 37.0, False), (15.0, 37.0, True)]
)
def test_a_cold_boundary_is_told_only_below_body_and_room(coldest: float, body: float, warned: bool) -> None:
    found = boundary_warnings(hottest=body, coldest=coldest, body_temperature=body, room_temperature=25.0)
    assert [f"cools to {coldest:.1f} degC" in warning for warning in found] == [True] * warned


def test_a_warm_boundary_is_told() -> None:
    (warning,) = boundary_warnings(hottest=39.0, coldest=37.0, body_temperature=37.0, room_temperature=25.0)
    assert "reaches 39.0 degC" in warning
