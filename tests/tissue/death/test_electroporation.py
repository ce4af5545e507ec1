# SPDX-License-Identifier: LGPL-3.0-or-later
"""What trains of pulses kill."""

from itertools import pairwise

import numpy as np
import pytest

from imagio_sim.tissue import load_sources
from imagio_sim.tissue.death import DECIDING, ELECTROPORATION, death_records
from imagio_sim.tissue.death.electroporation import (
    LethalField,
    PelegFermi,
    electroporation_death_models,
    level_of_all,
    survival_of_all,
)

MODELS = {model.name: model for model in electroporation_death_models()}
PELEG_FERMI = MODELS["peleg_fermi"]
FIELDS = np.linspace(0.0, 150e3, 301)


@pytest.mark.parametrize("pulses", [20, 90])
def test_survival_is_the_published_formula(pulses: int) -> None:
    critical, width = 399600.0 * np.exp(-0.03 * pulses), 144100.0 * np.exp(-0.06 * pulses)
    expected = 1.0 / (1.0 + np.exp((FIELDS - critical) / width))
    untouched = 1.0 / (1.0 + np.exp(-critical / width))
    np.testing.assert_allclose(PELEG_FERMI.survival(FIELDS, pulses), expected / untouched, rtol=1e-10)
    assert untouched > 0.99


def test_ninety_pulses_kill_at_the_field_that_killed_cells_in_vitro() -> None:
    """250 V/cm for 90 pulses of 100 us left none of the prostate cancer cells alive (Rubinsky 2008)."""
    assert PELEG_FERMI.lethal_strength(90) == pytest.approx(25e3, rel=0.25)


@pytest.mark.parametrize("name", MODELS)
def test_tissue_without_field_or_without_pulses_stays_alive(name: str) -> None:
    model = MODELS[name]
    np.testing.assert_array_equal(model.survival(np.zeros(3), 1), 1.0)
    np.testing.assert_array_equal(model.survival(np.zeros(3), 500), 1.0)
    assert np.isinf(model.lethal_strength(0))
    assert np.all(survival_of_all(model, [(FIELDS, 0.0)], len(FIELDS)) == 1.0)
    assert np.all(level_of_all(model, [(FIELDS, 0.0), (0.0 * FIELDS, 90.0)], len(FIELDS)) < 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_more_field_and_more_pulses_never_leave_more_alive(name: str) -> None:
    model = MODELS[name]
    for pulses in (10, 50, 90):
        survival = model.survival(FIELDS, pulses)
        assert np.all(np.diff(survival) <= 0.0)
    strengths = [model.lethal_strength(pulses) for pulses in (10, 50, 70, 90, 120)]
    assert all(later <= earlier for earlier, later in pairwise(strengths))


@pytest.mark.parametrize("name", MODELS)
def test_the_level_changes_sign_where_the_survival_counts_as_dead(name: str) -> None:
    model = MODELS[name]
    strength = model.lethal_strength(90)
    around = strength * np.array([0.999, 1.001])
    below, above = level_of_all(model, [(around, 90.0)], 2)
    assert below < 0.0 < above
    alive, dead = model.survival(around, 90)
    assert dead <= 0.01 <= alive


def test_the_pair_that_does_most_harm_decides() -> None:
    weak, strong = np.array([10e3, 90e3, 60e3]), np.array([60e3, 10e3, 30e3])
    model = MODELS[DECIDING[ELECTROPORATION]]
    both = survival_of_all(model, [(weak, 90.0), (strong, 90.0)], 3)
    np.testing.assert_array_equal(both, model.survival(np.maximum(weak, strong), 90))
    levels = level_of_all(model, [(weak, 90.0), (strong, 90.0)], 3)
    np.testing.assert_allclose(levels, level_of_all(model, [(np.maximum(weak, strong), 90.0)], 3))


def test_a_strong_short_train_does_not_hide_a_weaker_long_one() -> None:
    level = level_of_all(PELEG_FERMI, [(np.array([60e3]), 2.0), (np.array([40e3]), 90.0)], 1)
    assert level[0] > 0.0


def test_a_train_that_is_too_short_is_not_judged_by_the_lethal_field() -> None:
    model = LethalField("mine", 50e3, 50.0, 50e-6, 100e-6)
    assert np.isinf(model.lethal_strength(49))
    assert model.lethal_strength(50) == 50e3


def test_a_high_field_does_not_overflow() -> None:
    law = PelegFermi("mine", 4e5, 0.03, 1.4e5, 0.06, 0.01, 1.0, 50e-6, 100e-6)
    with np.errstate(over="raise"):
        assert law.survival(np.array([1e9]), 90)[0] < 1e-300


def test_every_parameter_has_a_spread_and_a_known_source() -> None:
    for name in MODELS:
        for key, value in death_records()[name].parameters.items():
            assert value.has_spread, (name, key)
            assert value.source in load_sources(), (name, key)


def test_the_deciding_model_comes_first() -> None:
    assert electroporation_death_models()[0].name == DECIDING[ELECTROPORATION]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_which_pulses_it_was_found_with(name: str) -> None:
    model = MODELS[name]
    assert 0.0 < model.shortest_pulse < model.longest_pulse == 100e-6
    assert np.isinf(model.lethal_strength(0.99 * model.least_pulses))
    assert np.isfinite(model.lethal_strength(model.least_pulses))
