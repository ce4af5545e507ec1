# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cell death by exposure to a drug."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.drugs import drug_names
from imagio_sim.tissue.death import DECIDING, DRUG, death_models, death_records
from imagio_sim.tissue.death.drug import (
    CellContent,
    DrugDeathModel,
    DrugExposure,
    drug_death_models,
    drugs_with_death_models,
)
from imagio_sim.tissue.value import load_sources

MODELS = [model for drug in drugs_with_death_models() for model in drug_death_models(drug)]
named = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.name}-{model.drug}")
EXPOSURE = DrugExposure("mine", "mine", 0.1, 1e-3, 86400.0, 1.0, 1.5)


def scale(model: DrugDeathModel) -> float:
    return model.half_content if isinstance(model, CellContent) else model.half_concentration  # type: ignore[attr-defined]


def test_every_drug_of_the_pharmacy_kills_by_every_model() -> None:
    assert set(drug_names()) <= set(drugs_with_death_models())
    for drug in drug_names():
        models = drug_death_models(drug)
        assert len({model.name for model in models}) == len(models) >= 3
        assert models[0].name == DECIDING[DRUG]
        assert all(model.drug == drug for model in models)


def test_every_parameter_has_a_known_source_and_a_spread() -> None:
    for name, record in death_records().items():
        if record.agent == DRUG:
            for key, value in record.parameters.items():
                assert value.source in load_sources(), (name, key)
                assert value.has_spread, (name, key)


def test_temperature_alone_kills_by_no_drug() -> None:
    assert death_models([DRUG]) == ()


@named
def test_without_drug_nobody_dies_however_long(model: DrugDeathModel) -> None:
    nothing = np.zeros(3)
    state = model.advance(nothing, nothing, nothing, 1e8)
    np.testing.assert_array_equal(model.survival(state), 1.0)
    np.testing.assert_array_equal(model.level(state), -30.0)


@named
def test_a_negative_rounding_error_of_the_concentration_does_nothing(model: DrugDeathModel) -> None:
    np.testing.assert_array_equal(model.rate(np.array([-1e-20])), 0.0)


@named
def test_much_drug_for_long_kills_all(model: DrugDeathModel) -> None:
    amount = np.full(1, 100.0 * scale(model))
    state = model.advance(np.zeros(1), amount, amount, 30 * 86400.0)
    assert model.survival(state)[0] < 1e-3
    assert model.level(state)[0] > 0.0


@named
def test_more_drug_and_more_time_kill_more(model: DrugDeathModel) -> None:
    amount = scale(model) * np.geomspace(1e-3, 1e2, 20)
    short, long = (model.advance(np.zeros(20), amount, amount, time) for time in (3600.0, 86400.0))
    assert np.all(np.diff(model.survival(short)) < 0.0)
    assert np.all(model.survival(long) < model.survival(short))
    assert np.all(model.level(long) > model.level(short))


@named
def test_the_level_is_positive_exactly_where_survival_is_below_the_threshold(model: DrugDeathModel) -> None:
    state = np.geomspace(1e-4, 1e4, 500)
    np.testing.assert_array_equal(model.level(state) > 0.0, model.survival(state) < model.dead_survival)


@named
def test_two_halves_of_a_step_are_the_step(model: DrugDeathModel) -> None:
    amount = np.array([scale(model)])
    whole = model.advance(np.zeros(1), amount, amount, 7200.0)
    half = model.advance(np.zeros(1), amount, amount, 3600.0)
    np.testing.assert_allclose(model.advance(half, amount, amount, 3600.0), whole, rtol=1e-12)


@given(duration=st.floats(60.0, 1e7), exponent=st.floats(0.5, 3.0), steepness=st.floats(0.5, 4.0))
def test_half_survive_the_half_concentration_of_any_time(duration: float, exponent: float, steepness: float) -> None:
    model = DrugExposure("mine", "mine", 0.1, 1e-3, 86400.0, exponent, steepness)
    amount = np.array([model.half_concentration_after(duration)])
    state = model.advance(np.zeros(1), amount, amount, duration)
    assert model.survival(state)[0] == pytest.approx(0.5, rel=1e-6)


def test_a_constant_concentration_gives_hills_curve() -> None:
    amount = np.geomspace(1e-5, 1e-1, 30)
    state = EXPOSURE.advance(np.zeros(30), amount, amount, 7200.0)
    hill = 1.0 / (1.0 + (amount / EXPOSURE.half_concentration_after(7200.0)) ** 1.5)
    np.testing.assert_allclose(EXPOSURE.survival(state), hill, rtol=1e-12)


def test_equal_products_of_concentration_and_time_kill_alike_with_exponent_one_only() -> None:
    peak = DrugExposure("peak", "mine", 0.1, 1e-3, 86400.0, 2.0, 1.5)
    for model, alike in ((EXPOSURE, True), (peak, False)):
        states = [model.advance(np.zeros(1), np.array([c]), np.array([c]), 3.6 / c) for c in (1e-3, 4e-3)]
        short_and_high, low = model.survival(states[1])[0], model.survival(states[0])[0]
        assert (short_and_high == pytest.approx(low)) == alike
        assert alike or short_and_high < low


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_slopes_are_those_of_rate_and_survival(exponent: float) -> None:
    model = DrugExposure("mine", "mine", 0.1, 1e-3, 86400.0, exponent, 1.5)
    at = np.geomspace(1e-5, 1e-2, 9)
    state = np.geomspace(1e-3, 1e3, 9)
    rate = (model.rate(1.0001 * at) - model.rate(0.9999 * at)) / (2e-4 * at)
    survival = (model.survival(1.0001 * state) - model.survival(0.9999 * state)) / (2e-4 * state)
    np.testing.assert_allclose(model.rate_slope(at), rate, rtol=1e-6)
    np.testing.assert_allclose(model.survival_slope(state), survival, rtol=1e-5)
    assert model.rate_slope(np.array([-1e-6, 0.0])).tolist() == [0.0, 0.0]


def test_content_kills_exponentially_at_its_saturating_rate() -> None:
    model = CellContent("mine", "mine", 0.1, 1e-17, 3e-5)
    amount = np.array([1e-17, 1.0])
    survival = model.survival(model.advance(np.zeros(2), amount, amount, 1e4))
    np.testing.assert_allclose(survival, np.exp([-0.15, -0.3]), rtol=1e-9)


def test_idarubicin_kills_at_lower_concentrations_than_doxorubicin() -> None:
    for idarubicin, doxorubicin in zip(drug_death_models("idarubicin"), drug_death_models("doxorubicin"), strict=True):
        assert idarubicin.name == doxorubicin.name
        assert scale(idarubicin) < 0.2 * scale(doxorubicin)


def test_a_drug_without_constants_is_refused() -> None:
    with pytest.raises(InputError, match=r"drug 'paclitaxel'.*one of doxorubicin, idarubicin"):
        drug_death_models("paclitaxel")
