# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closed arterioles in a stage: a closed function of time that a restart and a following stage find again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.sources.ischaemia import ClosedTissue, IschaemiaSource, IschaemiaSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.death.ischaemia import ischaemia_death_models
from tests.solve.bricks import SIDE_MM, begun, cube, finished

DAY = 86400.0
DECIDING = ischaemia_death_models()[0]
ROOT = Path(__file__).parents[2]
VOLUME_ML = (SIDE_MM / 10.0) ** 3


def closed_cube(
    *, share: float = 0.9, supply: float = 0.11, elapsed: float = 0.0, days: float = 2.0, lasting: float = inf
) -> ThermalCase:
    """Carcinoma in the half of the cube at low x, of whose arterioles a share is closed."""
    case = cube(end_time=days * DAY)
    half = case.domain.points_mm[case.domain.cells].mean(axis=1)[:, 0] < SIDE_MM / 2.0
    parts = (ClosedTissue("hcc", elapsed, lasting, supply, np.where(half, share, 0.0)),)
    factor = np.where(half, 1.0 - share * (1.0 - supply), 1.0)
    return replace(
        case,
        sources=(IschaemiaSpec(parts, factor),),
        deciding_models=("arrhenius_hepg2", DECIDING.name),
        numerics=Numerics(first_step=1.0),
    )


def source_of(stage: Stage) -> IschaemiaSource:
    (source,) = stage.sources
    assert isinstance(source, IschaemiaSource)
    return source


@pytest.fixture(scope="module")
def two_days() -> Stage:
    return finished(closed_cube())


def test_what_survives_is_what_stayed_open_and_what_the_law_leaves(two_days: Stage) -> None:
    x = two_days.space.points[:, 0] * 1e3
    survival = two_days.survivals_by_agent()["ischaemia"]
    expected = 1.0 - 0.9 * (1.0 - DECIDING.survival(0.11, 2.0 * DAY))
    assert np.allclose(survival[x < 0.4 * SIDE_MM], expected)
    assert np.allclose(survival[x > 0.6 * SIDE_MM], 1.0)


def test_tissue_with_open_arteries_never_dies(two_days: Stage) -> None:
    x = two_days.space.points[:, 0] * 1e3
    assert all((level[x > 0.6 * SIDE_MM] < 0.0).all() for level in source_of(two_days).levels().values())


def test_it_gives_no_heat(two_days: Stage) -> None:
    assert two_days.ledger.deposited["ischaemia"] == 0.0
    assert np.abs(two_days.temperature - 37.0).max() < 1e-6


def test_portal_blood_flows_on_in_tissue_that_ischaemia_has_doomed() -> None:
    long_dead = finished(closed_cube(share=1.0, days=60.0))
    assert long_dead.survivals_by_agent()["ischaemia"].min() < 0.01
    assert long_dead.dead_fraction().max() == 0.0


@pytest.mark.parametrize(("share", "told"), [(0.5, True), (0.9, False)])
def test_a_closure_that_can_make_no_zone_is_told(share: float, told: bool) -> None:
    stage = finished(closed_cube(share=share, days=30.0))
    warnings = source_of(stage).warnings()
    assert any("no zone of ischaemia can arise" in warning for warning in warnings) == told
    assert (source_of(stage).levels()[DECIDING.name].max() > 0.0) != told


def test_the_books_are_the_integrals_of_the_shares(two_days: Stage) -> None:
    facts = source_of(two_days).facts()
    (closed,) = facts["closed"]
    assert closed["volume_ml"] == pytest.approx(0.5 * 0.9 * VOLUME_ML, rel=1e-9)
    assert closed["since_s"] == pytest.approx(2.0 * DAY)
    dead = 0.5 * 0.9 * VOLUME_ML * (1.0 - DECIDING.survival(0.11, 2.0 * DAY))
    assert facts["dead_cells_ml"][DECIDING.name] == pytest.approx(dead, rel=1e-6)


def test_a_planner_is_told_that_it_is_uncertain(two_days: Stage) -> None:
    assert any("uncertain" in warning and "48 h" in warning for warning in two_days.summary()["warnings"])
    assert not source_of(begun(closed_cube(supply=0.77))).warnings()


def test_a_later_stage_goes_on_where_the_first_one_ended(two_days: Stage) -> None:
    """Survival multiplies over the stages, levels are those of the whole time."""
    first = finished(closed_cube(days=1.0))
    second = finished(closed_cube(elapsed=DAY, days=1.0))
    both, whole = (
        first.survivals_by_agent()["ischaemia"] * second.survivals_by_agent()["ischaemia"],
        two_days.survivals_by_agent()["ischaemia"],
    )
    assert np.allclose(both, whole)
    for name, level in source_of(two_days).levels().items():
        assert np.allclose(source_of(second).levels()[name], level)


def test_what_lives_when_the_arteries_open_again_stays_alive(two_days: Stage) -> None:
    opened = finished(closed_cube(days=10.0, lasting=2.0 * DAY))
    assert np.allclose(opened.survivals_by_agent()["ischaemia"], two_days.survivals_by_agent()["ischaemia"])


def test_its_answer_does_not_depend_on_the_steps(two_days: Stage) -> None:
    stage = begun(closed_cube())
    while not stage.finished:
        stage.advance(prescribed=min(DAY / 3.0, stage.case.end_time - stage.time))
    assert np.allclose(stage.survivals_by_agent()["ischaemia"], two_days.survivals_by_agent()["ischaemia"])


@pytest.mark.mpi
def test_two_ranks_say_what_one_says(tmp_path: Path) -> None:
    found = []
    for ranks in (1, 2):
        out = tmp_path / f"{ranks}.json"
        launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks > 1 else []
        program = [sys.executable, "-m", "tests.solve.ischaemia_program", str(out)]
        subprocess.run([*launcher, *program], cwd=ROOT, check=True, timeout=90)
        found.append(json.loads(out.read_text()))
    one, two = found
    assert two["sum"] == pytest.approx(one["sum"], rel=1e-12)
    assert two["least"] == pytest.approx(one["least"], rel=1e-12)
    assert two["facts"]["dead_cells_ml"] == pytest.approx(one["facts"]["dead_cells_ml"], rel=1e-12)


def test_a_case_file_and_a_checkpoint_hold_it(tmp_path: Path) -> None:
    case = closed_cube()
    save_case(case, tmp_path / "case.npz")
    (spec,) = load_case(tmp_path / "case.npz").sources
    assert isinstance(spec, IschaemiaSpec)
    assert np.array_equal(spec.closed[0].share, case.sources[0].closed[0].share)  # type: ignore[attr-defined]
    source = source_of(begun(case))
    source.restore({"time": DAY})
    assert source.state() == {"time": DAY}
    assert np.allclose(source.survival(DECIDING, source.time), source.survival(DECIDING, DAY))
