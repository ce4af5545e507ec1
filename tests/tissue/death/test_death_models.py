# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every model of death by heat must do, and what all models share."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.tissue.death import (
    COLD,
    DECIDING,
    HEAT,
    DeathModel,
    dead_fraction,
    death_model,
    death_models,
    death_records,
    heat_death_models,
)
from imagio_sim.tissue.value import load_sources

MODELS = heat_death_models()
RATE_MODELS = tuple(model for model in MODELS if hasattr(model, "gated"))
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
every_rate_model = pytest.mark.parametrize("model", RATE_MODELS, ids=lambda model: model.name)


def ungated(model: DeathModel) -> DeathModel:
    changeable: Any = model
    changed: DeathModel = replace(changeable, gated=False)
    return changed


def heated(model: DeathModel, temperatures: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
    return model.advance(model.initial(temperatures.size), temperatures, temperatures, duration)


def ramped(model: DeathModel, start: float, end: float, duration: float, steps: int) -> NDArray[np.float64]:
    state = model.initial(1)
    knots = np.linspace(start, end, steps + 1)
    for before, after in pairwise(knots):
        state = model.advance(state, np.array([before]), np.array([after]), duration / steps)
    return state


@every_rate_model
@pytest.mark.parametrize("temperature", [37.0, 38.5, 39.0])
@pytest.mark.parametrize("days", [1.0, 14.0])
def test_body_temperature_leaves_no_damage(model: DeathModel, temperature: float, days: float) -> None:
    untouched = model.initial(1)
    state = heated(model, np.array([temperature]), days * 86400.0)
    np.testing.assert_array_equal(state, untouched)
    assert model.survival(state)[0] == 1.0
    assert dead_fraction(model, state)[0] == 0.0


@every_rate_model
def test_the_published_laws_wear_tissue_down_at_body_temperature_without_the_gate(model: DeathModel) -> None:
    state = heated(ungated(model), np.array([40.0]), 14 * 86400.0)
    assert dead_fraction(model, state)[0] > 0.2


@every_rate_model
@pytest.mark.parametrize("temperature", [43.0, 45.0, 50.0, 60.0, 90.0])
def test_the_gate_changes_nothing_from_its_end_up(model: DeathModel, temperature: float) -> None:
    temperatures = np.array([temperature])
    np.testing.assert_allclose(
        heated(model, temperatures, 30.0), heated(ungated(model), temperatures, 30.0), rtol=1e-9, atol=1e-300
    )


@every_model
def test_hotter_tissue_dies_faster(model: DeathModel) -> None:
    state = heated(model, np.linspace(37.0, 110.0, 147), 60.0)
    assert (np.diff(model.survival(state)) <= 1e-15).all()
    assert (np.diff(model.level(state)) >= 0.0).all()


@every_model
def test_more_time_never_revives(model: DeathModel) -> None:
    temperatures = np.array([44.0, 50.0, 60.0, 80.0])
    state = model.initial(temperatures.size)
    for _ in range(20):
        after = model.advance(state, temperatures, temperatures, 30.0)
        assert (model.survival(after) <= model.survival(state) + 1e-15).all()
        state = after


@every_model
@pytest.mark.parametrize(("start", "end"), [(37.0, 62.0), (45.0, 55.0), (80.0, 39.0), (41.5, 42.9), (37.0, 99.0)])
def test_one_long_step_equals_many_short_ones(model: DeathModel, start: float, end: float) -> None:
    once, often = ramped(model, start, end, 20.0, 1), ramped(model, start, end, 20.0, 20)
    np.testing.assert_allclose(once, often, rtol=1e-3, atol=1e-7)
    assert dead_fraction(model, once) == pytest.approx(dead_fraction(model, often), rel=1e-3, abs=1e-7)


@every_model
def test_levels_are_finite_and_survival_is_a_fraction(model: DeathModel) -> None:
    for temperatures, duration in ((np.array([20.0, 37.0, 42.5]), 1.0), (np.array([99.0, 150.0, 400.0]), 3600.0)):
        state = heated(model, temperatures, duration)
        assert np.isfinite(model.level(state)).all()
        assert ((model.survival(state) >= 0.0) & (model.survival(state) <= 1.0)).all()


@every_model
def test_untreated_tissue_is_alive_and_boiled_tissue_dead(model: DeathModel) -> None:
    assert model.level(model.initial(1))[0] < 0.0
    assert model.level(heated(model, np.array([110.0]), 600.0))[0] > 0.0


@every_model
def test_a_step_leaves_the_old_state_alone(model: DeathModel) -> None:
    state = model.initial(3)
    before = state.copy()
    model.advance(state, np.full(3, 60.0), np.full(3, 70.0), 10.0)
    np.testing.assert_array_equal(state, before)


@every_model
def test_nodes_do_not_influence_each_other(model: DeathModel) -> None:
    start, end = np.linspace(30.0, 95.0, 20001), np.linspace(36.0, 99.0, 20001)[::-1].copy()
    together = model.advance(model.initial(start.size), start, end, 3.0)
    for node in (0, 5000, 12345, 20000):
        alone = model.advance(model.initial(1), start[[node]], end[[node]], 3.0)
        np.testing.assert_allclose(together[:, [node]], alone, rtol=1e-4, atol=1e-12)


@every_model
def test_the_state_has_a_name_for_every_row(model: DeathModel) -> None:
    assert model.initial(5).shape == (len(model.state_names), 5)


def test_names_are_unique_and_the_deciding_models_are_among_them() -> None:
    names = [model.name for model in death_models((HEAT, COLD))]
    assert len(set(names)) == len(names)
    assert death_records()[DECIDING[HEAT]].agent == HEAT
    assert death_records()[DECIDING[COLD]].agent == COLD


def test_every_parameter_has_a_known_source() -> None:
    for record in death_records().values():
        assert all(value.source in load_sources() for value in record.parameters.values())


def test_the_deciding_model_reproduces_its_papers_viability_after_five_minutes_at_60_degrees() -> None:
    model = death_model(DECIDING[HEAT])
    assert 0.05 < model.survival(heated(model, np.array([60.0]), 300.0))[0] < 0.10
