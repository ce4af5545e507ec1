# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models of death by cold."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.tissue.death import (
    COLD,
    DECIDING,
    HEAT,
    DeathModel,
    cold_death_models,
    death_model,
    death_models,
    death_records,
    heat_death_models,
)
from imagio_sim.tissue.death.cooling_rate import CoolingRateNadir
from imagio_sim.tissue.death.held_nadir import HeldNadir, share_below
from imagio_sim.tissue.value import load_sources

MODELS = cold_death_models()
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
every_model_of_all = pytest.mark.parametrize("model", death_models((HEAT, COLD)), ids=lambda model: model.name)


def along(model: DeathModel, *knots: tuple[float, float], steps: int = 1) -> NDArray[np.float64]:
    """State of one node after a course of (time [s], temperature [degC]), each piece in several steps."""
    state = model.initial(1)
    for (begin, start), (finish, end) in pairwise(knots):
        temperatures = np.linspace(start, end, steps + 1)
        for before, after in pairwise(temperatures):
            state = model.advance(state, np.array([before]), np.array([after]), (finish - begin) / steps)
    return state


@every_model
@pytest.mark.parametrize("temperature", [37.0, 39.0, 10.0, 2.0])
def test_untreated_and_merely_cool_tissue_stays_alive_for_two_weeks(model: DeathModel, temperature: float) -> None:
    state = along(model, (0.0, temperature), (14 * 86400.0, temperature))
    assert model.survival(state)[0] == 1.0
    assert model.level(state)[0] < 0.0


@every_model
def test_colder_tissue_dies_rather(model: DeathModel) -> None:
    nadirs = np.linspace(5.0, -80.0, 171)
    state = model.advance(model.initial(nadirs.size), np.full(nadirs.size, 37.0), nadirs, 600.0)
    state = model.advance(state, nadirs, nadirs, 600.0)
    assert (np.diff(model.survival(state)) <= 0.0).all()
    assert (np.diff(model.level(state)) >= -1e-12).all()
    assert model.survival(state)[-1] == 0.0


@every_model
def test_thawing_never_revives(model: DeathModel) -> None:
    frozen = along(model, (0.0, 37.0), (300.0, -60.0), (900.0, -60.0))
    thawed = model.advance(frozen, np.array([-60.0]), np.array([37.0]), 600.0)
    assert model.survival(thawed)[0] == model.survival(frozen)[0] == 0.0


@every_model
@pytest.mark.parametrize("end", [-10.0, -25.0, -60.0])
def test_one_long_step_equals_many_short_ones(model: DeathModel, end: float) -> None:
    knots = ((0.0, 37.0), (200.0, end), (500.0, end), (700.0, 37.0), (800.0, end))
    np.testing.assert_allclose(along(model, *knots), along(model, *knots, steps=25), rtol=1e-9, atol=1e-9)


@every_model
def test_level_and_survival_agree_on_what_is_dead(model: DeathModel) -> None:
    nadirs = np.linspace(5.0, -80.0, 171)
    for duration in (20.0, 400.0, 2000.0):
        state = model.advance(model.initial(nadirs.size), np.full(nadirs.size, 37.0), nadirs, duration)
        np.testing.assert_array_equal(model.survival(state) == 0.0, model.level(state) >= 0.0)


@every_model_of_all
def test_steps_within_the_resting_range_change_nothing(model: DeathModel) -> None:
    low, high = model.resting
    temperatures = np.linspace(max(low, -200.0), min(high, 200.0), 400)
    before = model.initial(temperatures.size)
    after = model.advance(before, temperatures, temperatures[::-1].copy(), 1e5)
    np.testing.assert_array_equal(after, before)
    assert low < 37.0 < high


def test_a_hold_time_is_reached_by_two_freezes_together() -> None:
    law = HeldNadir("held", threshold=-20.0, hold_time=300.0)
    once = along(law, (0.0, 37.0), (1.0, -25.0), (200.0, -25.0), (201.0, 37.0))
    twice = along(law, (0, 37), (1, -25), (200, -25), (201, 37), (400, 37), (401, -25), (600, -25))
    assert law.survival(once)[0] == 1.0
    assert law.survival(twice)[0] == 0.0


def test_the_share_of_a_ramp_below_a_threshold_is_exact() -> None:
    start, end = np.array([10.0, -30.0, -5.0, -25.0, 0.0]), np.array([-30.0, 10.0, -5.0, -25.0, -20.0])
    np.testing.assert_allclose(share_below(start, end, -20.0), [0.25, 0.25, 0.0, 1.0, 0.0])


def test_tissue_that_froze_fast_dies_at_a_higher_temperature() -> None:
    law = CoolingRateNadir("rate", onset=-1.0, threshold_fast=-20.0, threshold_slow=-40.0, critical_rate=0.8)
    fast = along(law, (0.0, -1.0), (20.0, -21.0), (500.0, -25.0))
    slow = along(law, (0.0, -1.0), (200.0, -21.0), (500.0, -25.0))
    assert law.cooling_rate(fast)[0] == pytest.approx(1.0)
    assert law.cooling_rate(slow)[0] == pytest.approx(0.1)
    assert law.survival(fast)[0] == 0.0
    assert law.survival(slow)[0] == 1.0
    assert law.survival(law.advance(slow, np.array([-25.0]), np.array([-41.0]), 100.0))[0] == 0.0


def test_only_the_first_way_down_counts_for_the_cooling_rate() -> None:
    law = CoolingRateNadir("rate", onset=-1.0, threshold_fast=-20.0, threshold_slow=-40.0, critical_rate=0.8)
    slow = along(law, (0, -1), (200, -21), (260, 10), (261, -30))
    assert law.cooling_rate(slow)[0] == pytest.approx(0.1)


def test_agents_have_their_own_models() -> None:
    heat, cold = {m.name for m in heat_death_models()}, {m.name for m in cold_death_models()}
    assert not heat & cold
    assert {model.name for model in death_models((HEAT, COLD))} == heat | cold
    assert death_models(("electroporation",)) == ()
    assert death_model(DECIDING[COLD]).name in cold


def test_every_parameter_has_a_known_source_and_a_spread() -> None:
    for model in MODELS:
        for value in death_records()[model.name].parameters.values():
            assert value.source in load_sources()
            assert value.has_spread
