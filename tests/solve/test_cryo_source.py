# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cryoprobes in whole stages: freezing, thawing, several at once, and going on from a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import begun, finished, replayed
from tests.solve.cold import freezable, frozen_by, phases

FREEZE = phases(("freeze", 300.0))
CYCLE = phases(("freeze", 120.0), ("passive_thaw", 60.0), ("freeze", 120.0), ("active_thaw", 400.0))


@pytest.fixture(scope="module")
def cycle() -> Stage:
    """Freeze, thaw, freeze and thaw again with one plate."""
    return finished(frozen_by("left", course=CYCLE))


def test_energy_balances_through_freezing_and_thawing(cycle: Stage) -> None:
    assert cycle.ledger.balance_error < 1e-4
    assert cycle.ledger.lost["cryoprobe/left"] > 0.0
    assert cycle.ledger.lost["perfusion"] < 0.0


def test_a_freeze_with_adaptive_steps_takes_few_of_them() -> None:
    stage = finished(frozen_by("left", course=FREEZE))
    assert stage.steps < 80
    assert stage.rejected < 12


def test_the_wall_goes_from_cold_to_thawed(cycle: Stage) -> None:
    wall = {row["time_s"]: row["left.wall_degC"] for row in cycle.history}
    at = {time: wall[min(wall, key=lambda t: abs(t - time))] for time in (120.0, 180.0, 300.0, 700.0)}
    assert at[120.0] < -60.0
    assert at[120.0] < at[180.0] < 0.0
    assert at[300.0] < at[180.0]
    assert at[700.0] > 5.0


def test_no_gas_flows_in_a_passive_thaw(cycle: Stage) -> None:
    resting = [row["left.heat_taken_W"] for row in cycle.history if 125.0 < row["time_s"] <= 180.0]
    assert resting
    assert all(power == 0.0 for power in resting)


def test_the_gas_approaches_its_temperature_with_its_time_constant() -> None:
    stage = finished(frozen_by("left", course=FREEZE))
    for row in stage.history[3::5]:
        expected = -140.0 + 177.0 * np.exp(-row["time_s"] / 20.0)
        assert row["left.gas_degC"] == pytest.approx(expected, abs=1e-6)


def test_a_step_ends_where_a_phase_does(cycle: Stage) -> None:
    times = [row["time_s"] for row in cycle.history]
    for edge in (120.0, 180.0, 300.0):
        assert min(abs(time - edge) for time in times) < 1e-6


def test_the_result_hardly_depends_on_the_time_tolerance() -> None:
    course = phases(("freeze", 200.0))
    tight, loose = (
        finished(replace(case, numerics=replace(case.numerics, time_tolerance=tolerance)))
        for case, tolerance in ((frozen_by("left", course=course), 0.1), (frozen_by("left", course=course), 1.0))
    )
    assert np.abs(tight.temperature - loose.temperature).max() < 0.3
    assert loose.ledger.stored == pytest.approx(tight.ledger.stored, rel=1e-3)


def test_two_probes_freeze_more_than_each_of_them_alone_together() -> None:
    course = phases(("freeze", 500.0))
    both = finished(frozen_by("left", "right", course=course)).minimum_temperature
    alone = [finished(frozen_by(plate, course=course)).minimum_temperature for plate in ("left", "right")]
    union = np.minimum(*alone)
    assert (both <= union + 0.05).all()
    frozen = [np.mean(field <= -20.0) for field in (both, union)]
    assert frozen[0] > 1.1 * frozen[1]


def test_the_lowest_temperature_is_remembered_through_the_thaw(cycle: Stage) -> None:
    assert cycle.minimum_temperature.min() < -60.0
    assert cycle.temperature.min() > -5.0
    fields = cycle.output_fields()
    np.testing.assert_array_equal(fields["minimum_temperature_degC"], cycle.minimum_temperature)
    assert fields["survival"].min() == 0.0
    assert (fields["level_nadir_40"] >= 0.0).any()


def test_all_cold_models_and_no_heat_model_are_evaluated(cycle: Stage) -> None:
    levels = cycle.levels()
    assert {"nadir_20", "nadir_30", "nadir_40", "held_20_300s", "cooling_rate_50"} <= set(levels)
    assert "three_state" not in levels
    dead = {name: int((level >= 0.0).sum()) for name, level in levels.items()}
    assert dead["nadir_20"] > dead["nadir_30"] > dead["nadir_40"] > 0


def test_perfusion_and_metabolism_stop_in_ice() -> None:
    stage = begun(freezable())
    share = stage.materials.active_share(np.zeros(stage.space.count), np.full(stage.space.count, -10.0))
    np.testing.assert_array_equal(share, 0.0)
    warm = stage.materials.active_share(np.zeros(stage.space.count), np.full(stage.space.count, 37.0))
    np.testing.assert_array_equal(warm, 1.0)


def test_frozen_tissue_conducts_what_wet_tissue_does_where_it_freezes_and_the_rise() -> None:
    stage, cold = begun(frozen_by("left", course=FREEZE)), np.full(729, -50.0)
    frozen = stage.materials.thermal_conductivity(cold)
    np.testing.assert_allclose(frozen, 0.52 + 0.001 * (-1.0 - 37.0) + 1.5)
    assert stage.materials.freezes


def test_a_stage_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(cycle: Stage, tmp_path: Path) -> None:
    case = frozen_by("left", course=CYCLE)
    stage = begun(case)
    while stage.time < 200.0:
        stage.advance()
    save_checkpoint(stage, tmp_path / "state.npz", digest="d")
    again = begun(case)
    assert load_checkpoint(again, tmp_path / "state.npz", digest="d")
    while not again.finished:
        again.advance()
    np.testing.assert_allclose(again.temperature, cycle.temperature, atol=1e-9)
    np.testing.assert_array_equal(again.minimum_temperature, cycle.minimum_temperature)
    assert again.summary()["sources"] == cycle.summary()["sources"]


def test_a_replay_gives_the_same(cycle: Stage) -> None:
    again = replayed(frozen_by("left", course=CYCLE), cycle)
    np.testing.assert_allclose(again.temperature, cycle.temperature, atol=1e-6)


def test_a_case_with_probes_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    case = frozen_by("left", "right", course=CYCLE)
    save_case(case, tmp_path / "case.npz")
    assert load_case(tmp_path / "case.npz").sources == case.sources


def test_a_second_freeze_begins_with_the_ice_of_the_first() -> None:
    course = phases(("freeze", 120.0))
    first = finished(frozen_by("left", course=course))
    state = {name: first.space.gathered(values) for name, values in first.carried_state().items()}
    second = begun(frozen_by("left", course=course, initial_state=state))
    left_at = first.history[-1]["left.wall_degC"]
    assert second.sources[0].row()["left.wall_degC"] == pytest.approx(left_at, abs=1e-9)
    while not second.finished:
        second.advance()
    assert max(row["left.gas_degC"] for row in second.history) < left_at
    # The gas begins where its wall is, so that the wall warms up from within until the gas has gone on.
    assert max(row["left.wall_degC"] for row in second.history) < -50.0
    assert min(row["left.heat_taken_W"] for row in second.history) >= 0.0
    assert second.summary()["sources"]["cryo"]["left"]["coldest_wall_degC"] < left_at
