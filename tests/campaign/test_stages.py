# SPDX-License-Identifier: LGPL-3.0-or-later
"""Plans of several stages from end to end: what is carried over, waits, energy, and going on after an interruption."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.campaign.sequence import followed_for, joined_history, transferred, treatment_time
from imagio_sim.campaign.solving import Solution
from imagio_sim.errors import Interrupted
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.transfer import node_volumes_mm3
from imagio_sim.plan.stages import StageTimes
from tests.campaign.conftest import Observed, Run, start
from tests.campaign.sequences import PULL_BACK_MM, sequences

Floats = NDArray[np.float64]
Finished = Callable[[str], Run]


def history(run: Run) -> list[dict[str, float]]:
    with (run.folder / "history.csv").open(encoding="utf-8") as file:
        return [{name: float(text or "nan") for name, text in row.items()} for row in csv.DictReader(file)]


def series(run: Run, stage: int) -> list[tuple[float, dict[str, Floats]]]:
    """Time and nodal fields of every step of a stage's series."""
    steps = []
    for path in sorted((run.folder / f"fields_stage_{stage}").glob("step_*.h5")):
        with h5py.File(path) as file:
            fields = {name: np.array(values, dtype=float) for name, values in file["nodal"].items()}
            steps.append((float(file.attrs["time_s"]), fields))
    return steps


def mesh_of(run: Run, stage: int) -> Domain:
    with h5py.File(run.folder / f"fields_stage_{stage}" / "mesh.h5") as file:
        return Domain(np.array(file["points"]), np.array(file["cells"], dtype=np.int64), {}, 1.0)


def killed_ml(run: Run, stage: int) -> float:
    """Volume that has died by the end of a stage, by the deciding model's survival."""
    survival = series(run, stage)[-1][1]["survival"]
    return float(node_volumes_mm3(mesh_of(run, stage)) @ (1.0 - survival)) / 1000.0


@pytest.mark.slow
def test_a_pull_back_kills_what_both_burns_kill_and_the_warm_tissue_between(finished: Finished) -> None:
    deep, shallow, both = finished("deep"), finished("shallow"), finished("pull_back")
    assert both.volume_ml > 1.02 * (deep.volume_ml + shallow.volume_ml)
    zone, one = (run.result["ablation_zone"]["by_model"]["cem43_a_240"] for run in (both, deep))
    assert zone["components"] == 1
    assert zone["long_axis_mm"] == pytest.approx(one["long_axis_mm"] + PULL_BACK_MM, abs=2.0)
    everything, voxel_ml = both.dead()
    assert everything.sum() * voxel_ml == pytest.approx(both.volume_ml, rel=0.02)
    for single in (deep, shallow):
        assert both.survivors_of(single) < 0.03


@pytest.mark.slow
def test_the_second_stage_begins_with_what_the_first_left(finished: Finished) -> None:
    run = finished("pull_back")
    assert killed_ml(run, 2) > 1.5 * killed_ml(run, 1)
    (last_time, last), (first_time, first) = series(run, 1)[-1], series(run, 2)[0]
    assert first_time == pytest.approx(last_time, abs=1e-6)
    for field, tolerance in (("temperature_degC", 0.05), ("peak_temperature_degC", 0.05), ("survival", 0.04)):
        before = node_volumes_mm3(mesh_of(run, 1)) @ (last[field] - last[field].max())
        after = node_volumes_mm3(mesh_of(run, 2)) @ (first[field] - last[field].max())
        assert after == pytest.approx(before, rel=tolerance), field
        assert first[field].max() <= last[field].max() + 1e-3, field
        assert first[field].min() >= last[field].min() - 1e-3, field


@pytest.mark.slow
def test_two_equal_stages_without_a_wait_are_one_stage_of_double_duration(finished: Finished) -> None:
    twice, double = finished("twice"), finished("double")
    assert twice.volume_ml == pytest.approx(double.volume_ml, rel=0.01)
    assert twice.result["energy"]["source_J"] == pytest.approx(double.result["energy"]["source_J"], rel=0.005)


def test_a_long_wait_is_cheap_and_kills_nothing_more(finished: Finished) -> None:
    run = finished("then_wait")
    steps = [step for step in run.observed.seen if step.end > 1e6]
    assert steps[-1].time == pytest.approx(14 * 24 * 3600.0)
    assert len(steps) < 100
    assert killed_ml(run, 2) == pytest.approx(killed_ml(run, 1), rel=0.04)
    end = series(run, 2)[-1][1]
    assert end["temperature_degC"] == pytest.approx(37.0, abs=1e-3)
    untreated = np.linalg.norm(mesh_of(run, 2).points_mm - [9.5, 0.0, 0.0], axis=1) > 25.0
    assert end["survival"][untreated] == pytest.approx(1.0, abs=1e-9)


def test_a_stage_without_applicators_has_neither_a_generator_nor_power(finished: Finished) -> None:
    run = finished("then_wait")
    first, rest = run.result["solver"]["energy_by_stage"]
    assert run.result["solver"]["sources"][1] == {}
    assert first["source_J"] > 0.0
    assert rest["source_J"] == 0.0
    assert rest["stored_J"] == pytest.approx(-rest["lost_J"], rel=0.02)
    assert run.result["treatment_time_s"] == 130.0


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["pull_back", "twice", "then_wait", "later"])
def test_energy_is_balanced_in_every_stage_and_in_all(finished: Finished, plan: str) -> None:
    result = finished(plan).result
    assert result["energy"]["balance_error"] < 1e-3
    stages = result["solver"]["energy_by_stage"]
    assert all(stage["balance_error"] < 0.01 for stage in stages)
    for name in ("source_J", "stored_J", "lost_J"):
        assert result["energy"][name] == pytest.approx(sum(stage[name] for stage in stages))


@pytest.mark.slow
def test_a_stage_that_starts_later_is_preceded_by_the_time_between(finished: Finished) -> None:
    run = finished("later")
    times = [row["time_s"] for row in history(run)]
    assert times == sorted(times)
    assert any(time == pytest.approx(600.0) for time in times)
    begins, fields = series(run, 2)[0]
    assert begins == pytest.approx(600.0)
    assert fields["temperature_degC"].max() < 42.0
    assert run.result["treatment_time_s"] == 730.0


@pytest.mark.slow
def test_every_stage_has_its_own_series_on_the_clock_of_the_plan(finished: Finished) -> None:
    run = finished("pull_back")
    first, second = ([time for time, _ in series(run, stage)] for stage in (1, 2))
    assert (first[0], first[-1]) == (pytest.approx(0.0), pytest.approx(130.0))
    assert (second[0], second[-1]) == (pytest.approx(130.0), pytest.approx(260.0))
    assert all((run.folder / f"fields_stage_{stage}.xdmf").is_file() for stage in (1, 2))
    rows = history(run)
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)
    assert np.isnan(rows[0]["shallow.power_W"])
    assert np.isnan(rows[-1]["deep.power_W"])
    assert run.result["treatment_time_s"] == 260.0


@pytest.mark.slow
def test_a_plan_stopped_in_its_second_stage_goes_on_there(finished: Finished, tmp_path: Path) -> None:
    whole = finished("pull_back")
    with pytest.raises(Interrupted):
        start("pull_back", tmp_path, Observed(stop_in=1, stop_after=15.0))
    again = Observed()
    resumed = start("pull_back", tmp_path, again)
    under_way = [progress.time for progress in again.seen]
    assert under_way[0] == pytest.approx(130.0)  # the first stage is only read
    assert under_way[1] > 15.0
    assert resumed.volume_ml == pytest.approx(whole.volume_ml, rel=1e-3)
    assert [row["time_s"] for row in history(resumed)] == pytest.approx([row["time_s"] for row in history(whole)])
    assert [time for time, _ in series(resumed, 2)] == pytest.approx([time for time, _ in series(whole, 2)])
    assert not (resumed.folder / "checkpoint").exists()


def test_a_stage_is_followed_until_the_next_begins() -> None:
    timeline = (
        StageTimes("a", 0.0, 70.0, 60.0),
        StageTimes("b", 300.0, 370.0, 0.0),
        StageTimes("c", 370.0, 370.0, 9.0),
    )
    assert [followed_for(timeline, stage) for stage in range(3)] == [300.0, 70.0, 9.0]
    assert treatment_time(timeline) == 370.0
    assert treatment_time(timeline[2:]) == 0.0


def test_history_of_stages_with_other_generators_has_the_columns_of_all() -> None:
    solutions = [
        Solution({}, {"history": [{"time_s": 1.0, "a.power_W": 5.0}]}),
        Solution({}, {"history": [{"time_s": 2.0, "b.power_W": 6.0}]}),
    ]
    timeline = (StageTimes("a", 0.0, 1.0, 0.0), StageTimes("b", 10.0, 12.0, 0.0))
    first, second = joined_history(solutions, timeline)
    assert (first["time_s"], first["a.power_W"]) == (1.0, 5.0)
    assert (second["time_s"], second["b.power_W"]) == (12.0, 6.0)
    assert np.isnan(first["b.power_W"])
    assert np.isnan(second["a.power_W"])


def state_on(domain: Domain, scale: float) -> Solution:
    """Warm and damaged on one side of a cube."""
    share = 1.0 - domain.points_mm[:, 0] / 20.0
    fields = {
        "state/temperature": 37.0 + 50.0 * share,
        "state/peak_temperature": 37.0 + 60.0 * share,
        "state/death/arrhenius_hepg2": (scale * share**20)[None],
        "state/death/three_state": np.vstack([0.99 * (1.0 - share), share]),
        "other": share,
    }
    return Solution(fields, {})


def test_the_same_mesh_keeps_its_state_to_the_last_bit() -> None:
    solution = state_on(box(4, 20.0), 100.0)
    moved = transferred(box(4, 20.0), box(4, 20.0), solution, body_temperature=37.0)
    assert moved.keys() == {name.removeprefix("state/") for name in solution.fields if name != "other"}
    assert all(np.array_equal(values, solution.fields[f"state/{name}"]) for name, values in moved.items())


def test_tissue_beyond_the_region_of_the_stage_before_is_untreated() -> None:
    small, large = box(4, 20.0), box(10, 60.0)
    moved = transferred(small, large, state_on(small, 100.0), body_temperature=36.5)
    far = np.linalg.norm(large.points_mm, axis=1) > 50.0
    assert np.all(moved["temperature"][far] == 36.5)
    assert np.all(moved["peak_temperature"][far] == 36.5)
    assert np.all(moved["death/arrhenius_hepg2"][0, far] == 0.0)


def test_the_zone_does_not_grow_when_a_steep_damage_integral_is_carried_over() -> None:
    coarse, fine = box(10, 20.0), box(40, 20.0)
    damage = np.where(coarse.points_mm[:, 0] < 9.0, 1e8, 0.0)
    fields = {
        "state/temperature": damage,
        "state/peak_temperature": damage,
        "state/death/arrhenius_hepg2": damage[None],
    }
    moved = transferred(coarse, fine, Solution(fields, {}), body_temperature=37.0)
    dead = moved["death/arrhenius_hepg2"][0] > 1.0
    # Between 8 mm (dead) and 10 mm (untouched); linear interpolation would make it 10 mm.
    assert fine.points_mm[dead, 0].max() == pytest.approx(9.0, abs=0.5)


def test_sequences_are_a_valid_scenario(tmp_path: Path) -> None:
    scenario = sequences(tmp_path)
    assert [times.begin for times in scenario.plan("later").timeline] == [0.0, 600.0]
