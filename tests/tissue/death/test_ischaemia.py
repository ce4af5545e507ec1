# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death by loss of arterial blood: limits, monotony, and what two blood supplies mean."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.tissue.death import DECIDING, ISCHAEMIA, death_records
from imagio_sim.tissue.death.ischaemia import (
    IschaemiaDeathModel,
    SupplyDeficit,
    ischaemia_death_models,
    ischaemia_level,
)
from imagio_sim.tissue.library import load_tissue

HOUR, DAY = 3600.0, 86400.0
MODELS = ischaemia_death_models()
EVERY = pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])


def supply_left(tissue: str) -> float:
    return 1.0 - load_tissue(tissue).value("arterial_share")


@EVERY
def test_tissue_with_all_its_blood_never_dies(model: IschaemiaDeathModel) -> None:
    assert model.survival(1.0, 1e12) == 1.0


@EVERY
def test_liver_keeps_its_portal_blood_and_lives(model: IschaemiaDeathModel) -> None:
    assert model.survival(supply_left("liver"), 365 * DAY) == 1.0


@EVERY
def test_a_carcinoma_that_lost_its_artery_dies_in_the_end(model: IschaemiaDeathModel) -> None:
    assert model.survival(supply_left("hcc"), 60 * DAY) < 0.05


@EVERY
def test_nothing_has_died_when_a_burn_follows_within_half_an_hour(model: IschaemiaDeathModel) -> None:
    assert model.survival(0.0, 0.5 * HOUR) == 1.0


@EVERY
@given(supply=st.floats(0.0, 1.0), less=st.floats(0.0, 1.0), duration=st.floats(0.0, 1e7), longer=st.floats(0.0, 1e7))
def test_less_blood_and_more_time_kill_more(
    model: IschaemiaDeathModel, supply: float, less: float, duration: float, longer: float
) -> None:
    survival = model.survival(supply, duration)
    assert 0.0 <= survival <= 1.0
    assert model.survival(supply * less, duration) <= survival
    assert model.survival(supply, duration + longer) <= survival


def test_the_rate_is_the_half_life_without_any_blood() -> None:
    model = SupplyDeficit(
        "law", critical_supply=0.3, tolerated_time=HOUR, death_rate=log(2.0) / DAY, dead_survival=0.37
    )
    assert model.survival(0.0, HOUR + DAY) == pytest.approx(0.5)
    assert model.survival(0.15, HOUR + DAY) == pytest.approx(0.5**0.5)
    assert model.survival(0.3, HOUR + DAY) == 1.0


def test_the_deciding_model_lies_between_the_earliest_and_the_latest() -> None:
    assert MODELS[0].name == DECIDING[ISCHAEMIA]
    left = supply_left("hcc")
    by_name = {model.name: model.survival(left, 2 * DAY) for model in MODELS}
    assert by_name["ischaemia_hepatocyte"] < by_name["ischaemia_half_day"] < by_name["ischaemia_resistant"]


def test_every_model_says_that_it_is_uncertain() -> None:
    records = [record for record in death_records().values() if record.agent == ISCHAEMIA]
    assert len(records) >= 3
    assert all(record.description.startswith("UNCERTAIN") for record in records)
    for record in records:
        for value in record.parameters.values():
            assert value.low is not None
            assert value.high is not None
            assert value.high >= 1.5 * value.low


@EVERY
def test_the_level_is_positive_exactly_where_survival_is_below_the_lethal_one(model: IschaemiaDeathModel) -> None:
    survival = np.array([1.0, model.dead_survival + 1e-6, model.dead_survival - 1e-6, exp(-5.0), 0.0])
    level = ischaemia_level(model, survival)
    assert np.isfinite(level).all()
    assert (level > 0.0).tolist() == [False, False, True, True, True]
    assert (np.diff(level) > 0.0).all()
