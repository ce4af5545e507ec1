# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the radiation of decaying sources kills."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from imagio_sim.physics.radiation import rate_of
from imagio_sim.tissue.death import DECIDING, RADIATION, death_records
from imagio_sim.tissue.death.combination import lethal_survival
from imagio_sim.tissue.death.radiation import (
    SURVIVES_NOTHING,
    Isodose,
    LinearQuadratic,
    RadiationExposure,
    radiation_death_models,
)
from imagio_sim.tissue.value import load_sources

Y90, HO166 = rate_of(64.1 * 3600.0), rate_of(26.8 * 3600.0)
LONG = 1e9
DOSES = np.linspace(0.0, 600.0, 601)
MODELS = {model.name: model for model in radiation_death_models()}


def whole(dose: np.ndarray, rate: float = Y90, age: float = LONG) -> list[RadiationExposure]:
    return [RadiationExposure(dose, rate, age)]


def lethal_dose(model: LinearQuadratic | Isodose, tumour: float, rate: float = Y90) -> float:
    level = model.level(whole(DOSES, rate), np.full(len(DOSES), tumour))
    return float(DOSES[np.argmax(level >= 0.0)])


def linear_quadratic() -> LinearQuadratic:
    model = MODELS["lq_tissue"]
    assert isinstance(model, LinearQuadratic)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_no_dose_kills_nothing(name: str) -> None:
    nothing, tumour = whole(np.zeros(3)), np.array([0.0, 0.5, 1.0])
    assert not MODELS[name].effect(nothing, tumour).any()
    assert (MODELS[name].level(nothing, tumour) < 0.0).all()


@pytest.mark.parametrize("name", MODELS)
def test_nothing_has_been_given_when_the_spheres_arrive(name: str) -> None:
    assert not MODELS[name].effect(whole(DOSES, age=0.0), np.ones(len(DOSES))).any()


@pytest.mark.parametrize("name", MODELS)
def test_more_dose_kills_more_and_time_gives_more_dose(name: str) -> None:
    model, tumour = MODELS[name], np.full(len(DOSES), 0.3)
    assert (np.diff(model.effect(whole(DOSES), tumour)) >= 0.0).all()
    levels = [model.level(whole(DOSES, age=age), tumour) for age in (1e4, 1e5, 1e6, 1e7)]
    assert all((later >= earlier).all() for earlier, later in pairwise(levels))


@pytest.mark.parametrize("tumour", [0.0, 1.0])
def test_the_level_is_positive_exactly_where_fewer_survive_than_the_lethal_share(tumour: float) -> None:
    model = linear_quadratic()
    share = np.full(len(DOSES), tumour)
    survival = np.exp(-model.effect(whole(DOSES), share))
    assert np.array_equal(model.level(whole(DOSES), share) > 0.0, survival < model.dead_survival)


def test_the_deciding_model_kills_tumour_and_liver_from_the_doses_its_description_says() -> None:
    model = linear_quadratic()
    assert lethal_dose(model, 1.0) == pytest.approx(181.0, abs=1.0)
    assert lethal_dose(model, 0.0) == pytest.approx(140.0, abs=1.0)
    assert "181 and 139 Gy" in death_records()["lq_tissue"].description


def test_a_faster_decay_kills_from_a_lower_dose_on() -> None:
    assert lethal_dose(linear_quadratic(), 1.0, HO166) < lethal_dose(linear_quadratic(), 1.0) - 20.0


def test_a_node_of_both_tissues_keeps_the_mean_of_their_survivors() -> None:
    model, dose = linear_quadratic(), np.array([200.0])
    apart = [float(np.exp(-model.effect(whole(dose), np.array([share])))[0]) for share in (1.0, 0.0)]
    mixed = float(np.exp(-model.effect(whole(dose), np.array([0.25])))[0])
    assert mixed == pytest.approx(0.25 * apart[0] + 0.75 * apart[1])


def test_an_enormous_dose_leaves_nobody_and_does_not_overflow() -> None:
    effect = linear_quadratic().effect(whole(np.array([1e5, 1e5])), np.array([0.5, 1.0]))
    assert np.isfinite(effect).all()
    assert (effect > 100.0).all()


@pytest.mark.parametrize("age", [1e3, 2e5, LONG])
def test_two_infusions_at_once_do_what_one_of_both_doses_does(age: float) -> None:
    dose, tumour = np.array([0.0, 80.0]), np.array([0.5, 0.5])
    twice = [RadiationExposure(dose, Y90, age), RadiationExposure(dose, Y90, age)]
    once = linear_quadratic().effect(whole(2.0 * dose, age=age), tumour)
    assert linear_quadratic().effect(twice, tumour) == pytest.approx(once, rel=1e-9, abs=0.0)


def test_two_treatments_apart_do_less_than_one_of_both_doses_but_the_same_isodose() -> None:
    dose, tumour = np.array([100.0]), np.ones(1)
    twice = [RadiationExposure(dose, Y90, LONG), RadiationExposure(dose, Y90, LONG - 90.0 * 86400.0)]
    once = [RadiationExposure(2.0 * dose, Y90, LONG)]
    apart = linear_quadratic().effect(twice, tumour)
    assert apart == pytest.approx(2.0 * linear_quadratic().effect(whole(dose), tumour))
    assert apart < 0.95 * linear_quadratic().effect(once, tumour)
    isodose = MODELS["isodose_190"]
    assert isodose.level(twice, tumour) == pytest.approx(isodose.level(once, tumour))
    assert isodose.effect(twice, tumour)[0] == SURVIVES_NOTHING


@pytest.mark.parametrize(("name", "dose"), [("isodose_60", 60.0), ("isodose_190", 190.0), ("isodose_400", 400.0)])
def test_an_isodose_kills_from_its_dose_on(name: str, dose: float) -> None:
    model = MODELS[name]
    assert isinstance(model, Isodose)
    assert lethal_dose(model, 0.0) == dose


def test_the_models_span_what_trials_and_explants_say() -> None:
    doses = [lethal_dose(model, 1.0) for model in MODELS.values()]  # type: ignore[arg-type]
    assert min(doses) <= 60.0
    assert max(doses) >= 400.0


def test_a_resistant_population_survives_what_kills_the_average_one() -> None:
    record = death_records()["lq_tissue"].parameters["tumour_alpha"]
    assert record.low is not None
    resistant = replace(linear_quadratic(), tumour_alpha=record.low)
    assert resistant.effect(whole(np.array([200.0])), np.ones(1))[0] < -math.log(0.5)


def test_every_parameter_has_a_known_source_and_a_spread() -> None:
    for name in MODELS:
        for key, value in death_records()[name].parameters.items():
            assert value.source in load_sources(), (name, key)
            assert value.has_spread, (name, key)


def test_radiation_has_a_deciding_model_that_comes_first() -> None:
    assert radiation_death_models()[0].name == DECIDING[RADIATION]
    assert lethal_survival(DECIDING[RADIATION]) == 0.1


def test_a_level_is_the_dose_by_the_lethal_one_so_that_it_lies_where_it_should_between_nodes() -> None:
    for name, dose in (("isodose_60", 60.0), ("isodose_190", 190.0), ("isodose_400", 400.0)):
        level = MODELS[name].level(whole(np.array([0.0, 0.5 * dose, 2.0 * dose])), np.zeros(3))
        assert level == pytest.approx([-1.0, -0.5, 1.0])
