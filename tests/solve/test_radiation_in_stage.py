# SPDX-License-Identifier: LGPL-3.0-or-later
"""Decaying microspheres in a stage: a closed function of time that ranks, restarts and later stages find again."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.physics.radiation import decayed_share, rate_of
from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.sources.radiation import DecayingActivity, RadiationSource, RadiationSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.death.radiation import RadiationExposure, radiation_death_models
from tests.solve.bricks import SIDE_MM, begun, cube, finished
from tests.solve.test_parallel import end_of, kill, prepared, started, wait_for_step

DAY = 86400.0
Y90 = rate_of(64.1 * 3600.0)
DECIDING = radiation_death_models()[0]


def activity(case: ThermalCase, most: float, elapsed: float, name: str = "glass") -> DecayingActivity:
    """A dose that rises with x up to ``most`` [Gy]."""
    dose = most * case.domain.points_mm[:, 0] / SIDE_MM
    return DecayingActivity(name, dose, 1.1 * dose, Y90, elapsed)


def treated(*, most: float = 400.0, elapsed: float = 0.0, days: float = 10.0) -> ThermalCase:
    """A cube of liver whose upper half in z is tumour."""
    case = cube(end_time=days * DAY)
    tumour = (case.domain.points_mm[:, 2] > SIDE_MM / 2.0).astype(float)
    return replace(
        case,
        sources=(RadiationSpec((activity(case, most, elapsed),), tumour),),
        deciding_models=("arrhenius_hepg2", DECIDING.name),
        numerics=Numerics(first_step=100.0),
    )


def source_of(stage: Stage) -> RadiationSource:
    (source,) = stage.sources
    assert isinstance(source, RadiationSource)
    return source


@cache
def ten_days() -> Stage:
    return finished(treated())


def test_the_dose_so_far_is_the_share_that_has_decayed() -> None:
    fields = source_of(ten_days()).fields()
    share = float(decayed_share(10.0 * DAY, Y90))
    x = ten_days().space.points[:, 0] * 1e3
    assert fields["dose_when_decayed_Gy"] == pytest.approx(400.0 * x / SIDE_MM)
    assert fields["dose_kernel_Gy"] == pytest.approx(share * fields["dose_when_decayed_Gy"])
    assert fields["dose_local_Gy"] == pytest.approx(1.1 * fields["dose_kernel_Gy"])


def test_what_survives_is_what_the_law_says_of_that_dose() -> None:
    stage = ten_days()
    points = stage.space.points * 1e3
    exposure = RadiationExposure(400.0 * points[:, 0] / SIDE_MM, Y90, 10.0 * DAY)
    tumour = (points[:, 2] > SIDE_MM / 2.0 + 1e-9).astype(float)
    expected = np.exp(-DECIDING.effect([exposure], tumour))
    assert stage.survivals_by_agent()["radiation"] == pytest.approx(expected, rel=1e-9)
    assert np.array_equal(stage.levels()[DECIDING.name] > 0.0, expected < 0.1)


def test_it_gives_no_heat() -> None:
    assert ten_days().ledger.deposited["radiation"] == 0.0
    assert np.abs(ten_days().temperature - 37.0).max() < 1e-6


def test_no_activity_kills_nothing() -> None:
    stage = finished(treated(most=0.0, days=1.0))
    assert (stage.survivals_by_agent()["radiation"] == 1.0).all()
    assert all((level < 0.0).all() for level in source_of(stage).levels().values())


def test_a_later_stage_goes_on_where_the_first_one_ended() -> None:
    """Survival multiplies over the stages, levels are those of the whole time."""
    first, second = finished(treated(days=4.0)), finished(treated(elapsed=4.0 * DAY, days=6.0))
    both = first.survivals_by_agent()["radiation"] * second.survivals_by_agent()["radiation"]
    assert both == pytest.approx(ten_days().survivals_by_agent()["radiation"], rel=1e-9)
    for name, level in source_of(ten_days()).levels().items():
        assert source_of(second).levels()[name] == pytest.approx(level, abs=1e-9)


def test_two_infusions_add_up() -> None:
    case = treated(most=120.0)
    (spec,) = case.sources
    assert isinstance(spec, RadiationSpec)
    pair = (activity(case, 120.0, 0.0), activity(case, 120.0, 30.0 * DAY, "again"))
    stage = finished(replace(case, sources=(replace(spec, activities=pair),)))
    x = stage.space.points[:, 0] * 1e3
    shares = [float(decayed_share(days * DAY, Y90)) for days in (10.0, 40.0)]
    fields = source_of(stage).fields()
    assert fields["dose_kernel_Gy"] == pytest.approx(120.0 * sum(shares) * x / SIDE_MM)
    assert fields["dose_when_decayed_Gy"] == pytest.approx(240.0 * x / SIDE_MM)
    assert source_of(stage).levels()["isodose_190"].max() == pytest.approx(120.0 * sum(shares) / 190.0 - 1.0)


def test_an_infusion_split_in_two_kills_what_the_whole_one_kills() -> None:
    case = treated(most=160.0)
    (spec,) = case.sources
    assert isinstance(spec, RadiationSpec)
    halves = (activity(case, 80.0, 0.0), activity(case, 80.0, 0.0, "again"))
    split, whole = finished(replace(case, sources=(replace(spec, activities=halves),))), finished(case)
    expected = whole.survivals_by_agent()["radiation"]
    assert expected.min() < 0.15
    assert split.survivals_by_agent()["radiation"] == pytest.approx(expected, rel=1e-9)


def test_its_answer_does_not_depend_on_the_steps() -> None:
    stage = begun(treated())
    while not stage.finished:
        stage.advance(prescribed=min(DAY / 3.0, stage.case.end_time - stage.time))
    assert stage.survivals_by_agent()["radiation"] == pytest.approx(ten_days().survivals_by_agent()["radiation"])


def test_a_plan_that_ends_early_says_how_much_dose_is_still_to_come() -> None:
    short = source_of(finished(treated(days=1.0)))
    assert any("23 % of its dose" in warning for warning in short.warnings())
    assert not source_of(finished(treated(days=20.0))).warnings()


def test_facts_name_what_has_decayed_and_the_model() -> None:
    facts = source_of(ten_days()).facts()
    (one,) = facts["activities"]
    assert one["decayed_share"] == pytest.approx(float(decayed_share(10.0 * DAY, Y90)))
    assert one["largest_dose_Gy"] == pytest.approx(400.0)
    assert facts["deciding_model"] == DECIDING.name


def test_a_case_file_and_a_checkpoint_hold_it(tmp_path: Path) -> None:
    case = treated()
    save_case(case, tmp_path / "case.npz")
    (spec,) = load_case(tmp_path / "case.npz").sources
    assert isinstance(spec, RadiationSpec)
    assert np.array_equal(spec.activities[0].dose, activity(case, 400.0, 0.0).dose)
    stage = begun(case)
    for _ in range(5):
        stage.advance()
    save_checkpoint(stage, tmp_path / "state.npz", digest="dose")
    again = begun(case)
    load_checkpoint(again, tmp_path / "state.npz", digest="dose")
    assert source_of(again).time == stage.time > 0.0
    assert np.array_equal(source_of(again).fields()["dose_kernel_Gy"], source_of(stage).fields()["dose_kernel_Gy"])


@pytest.mark.mpi
def test_two_ranks_give_the_same_death_as_one(tmp_path: Path) -> None:
    one, two = (end_of(prepared(tmp_path / f"{ranks}", treated()), ranks) for ranks in (1, 2))
    assert two.facts["solver"]["ranks"] == 2
    for model in radiation_death_models():
        assert two.fields[f"level/{model.name}"] == pytest.approx(one.fields[f"level/{model.name}"], abs=1e-9)


@pytest.mark.mpi
def test_a_run_killed_and_resumed_on_other_ranks_gives_the_same_death(tmp_path: Path) -> None:
    whole = end_of(prepared(tmp_path / "whole", treated()), 1)
    folder = prepared(tmp_path / "killed", treated())
    process = started(folder, 2, rest=0.2)
    wait_for_step(process, folder, 3)
    kill(process)
    resumed = end_of(folder, 1)
    assert resumed.facts["resumed_at"] >= 2
    level = f"level/{DECIDING.name}"
    assert resumed.fields[level] == pytest.approx(whole.fields[level], abs=1e-9)
