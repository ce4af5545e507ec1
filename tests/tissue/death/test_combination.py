# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.tissue.death import DECIDING, death_model, death_records
from imagio_sim.tissue.death.combination import (
    Interaction,
    combined_level,
    combined_survival,
    lethal_shares,
    lethal_survival,
)

SHARES = st.floats(1e-6, 1.0)
SYNERGY = (Interaction(("heat", "drug"), 2.0),)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def levels_of(survivals: dict[str, np.ndarray], lethal: dict[str, float]) -> dict[str, np.ndarray]:
    """Levels of models that say dead exactly at their lethal survival."""
    return {agent: np.log(np.maximum(share, 1e-300)) for agent, share in lethal_shares(survivals, lethal).items()}


def test_agents_act_independently_unless_told_otherwise() -> None:
    survivals = {"heat": array(0.5, 1.0, 0.0), "drug": array(0.4, 0.3, 0.7), "radiation": array(0.1, 1.0, 1.0)}
    assert combined_survival(survivals) == pytest.approx([0.02, 0.3, 0.0])


@given(SHARES, SHARES, st.floats(0.1, 5.0))
def test_synergy_kills_more_and_antagonism_never_protects(heat: float, drug: float, strength: float) -> None:
    survivals = {"heat": array(heat), "drug": array(drug)}
    independent = combined_survival(survivals)
    assert combined_survival(survivals, [Interaction(("drug", "heat"), strength)]) <= independent * (1 + 1e-12)
    antagonists = combined_survival(survivals, [Interaction(("heat", "drug"), -strength)])
    assert independent <= antagonists * (1 + 1e-12)
    assert antagonists <= min(heat, drug) * (1 + 1e-12)


def test_where_nothing_survives_nothing_does_whatever_interacts() -> None:
    dead = {agent: array(0.0) for agent in ("heat", "drug", "radiation")}
    pairs = [Interaction(pair, -2.0) for pair in (("heat", "drug"), ("heat", "radiation"), ("drug", "radiation"))]
    assert combined_survival(dead, pairs) == 0.0


def test_an_interaction_acts_only_where_both_agents_do() -> None:
    survivals = {"heat": array(0.3, 1.0), "drug": array(1.0, 0.2), "radiation": array(0.5, 0.5)}
    assert combined_survival(survivals, SYNERGY) == pytest.approx(combined_survival(survivals))


def test_the_strength_of_heat_and_doxorubicin_follows_from_measured_viabilities() -> None:
    """Gao et al. 2018: 94.2 % after heat, 49.7 % after the drug, 25.0 % after both; independence expects 46.8 %."""
    measured = {"heat": array(0.942), "drug": array(0.497)}
    assert combined_survival(measured) == pytest.approx(0.468, abs=5e-4)
    strength = (np.log(0.942 * 0.497) - np.log(0.25)) / np.sqrt(np.log(0.942) * np.log(0.497))
    assert strength == pytest.approx(3.07, abs=0.01)
    assert combined_survival(measured, [Interaction(("heat", "drug"), float(strength))]) == pytest.approx(0.25)


def test_equal_thresholds_make_it_the_product_of_survivals() -> None:
    shares = np.linspace(0.01, 1.0, 40)
    heat, drug = (values.ravel() for values in np.meshgrid(shares, shares))
    lethal = {"heat": 0.2, "drug": 0.2}
    survivals = {"heat": heat, "drug": drug}
    dead = combined_level(levels_of(survivals, lethal), survivals, lethal) >= 0.0
    clear = np.abs(heat * drug - 0.2) > 1e-9
    assert np.array_equal(dead[clear], (heat * drug < 0.2)[clear])


def test_an_agent_beside_one_that_does_nothing_keeps_its_level() -> None:
    survivals = {"heat": np.linspace(0.01, 1.0, 50), "radiation": np.ones(50)}
    lethal = {"heat": np.exp(-1.0), "radiation": 0.01}
    heat_level = 3.0 * np.log(lethal_shares(survivals, lethal)["heat"] + 1e-4)
    levels = {"heat": heat_level, "radiation": np.full(50, -30.0)}
    assert np.array_equal(combined_level(levels, survivals, lethal), heat_level)


def test_agents_that_know_only_dead_and_alive_add_nothing_below_their_threshold() -> None:
    survivals = {"heat": array(0.5, 0.9), "cold": array(1.0, 0.0)}
    levels = {"heat": array(-0.4, -2.0), "cold": array(-1.5, 0.7)}
    lethal = {"heat": np.exp(-1.0), "cold": 0.5}
    assert np.array_equal(combined_level(levels, survivals, lethal), array(-0.4, 0.7))


def test_two_agents_that_are_not_enough_alone_kill_together() -> None:
    lethal = {"heat": np.exp(-1.0), "drug": 0.1}
    survivals = {"heat": np.exp(-array(0.6, 0.6, 0.4)), "drug": 0.1 ** array(0.6, 0.3, 1.2)}
    levels = levels_of(survivals, lethal)
    together = combined_level(levels, survivals, lethal)
    assert together == pytest.approx(np.log([1.2, 0.9, 1.6]))
    assert combined_level(levels, survivals, lethal, SYNERGY)[1] > 0.0


def test_the_level_goes_through_the_point_where_one_agent_becomes_enough_without_a_jump() -> None:
    heat = np.linspace(0.9, 1.1, 2001)
    lethal = {"heat": np.exp(-1.0), "drug": 0.1}
    survivals = {"heat": np.exp(-heat), "drug": np.full(2001, 0.1**0.5)}
    level = combined_level(levels_of(survivals, lethal), survivals, lethal)
    assert level == pytest.approx(np.log(heat + 0.5))


def test_what_others_add_cannot_move_the_level_of_a_model_with_a_scale_of_its_own_far() -> None:
    """The level of pulses is the logarithm of a field; their log kill may be hundreds where others have done little."""
    lethal = {"electroporation": 0.01, "heat": np.exp(-1.0)}
    survivals = {"electroporation": array(1e-200), "heat": np.exp(-array(1e-3))}
    level = combined_level({"electroporation": array(0.2), "heat": array(np.log(1e-3))}, survivals, lethal)
    assert level == pytest.approx(0.2, abs=1e-4)


@pytest.mark.parametrize("model", ["arrhenius_hepg2", "cem43_a_240", "three_state"])
def test_a_model_says_dead_exactly_at_its_lethal_survival(model: str) -> None:
    law = death_model(model)
    state = np.repeat(law.initial(1), 4000, axis=1)
    state = law.advance(state, np.full(4000, 37.0), np.linspace(40.0, 100.0, 4000), 1800.0)
    survival, level = law.survival(state), law.level(state)
    away = np.abs(survival - lethal_survival(model)) > 1e-12
    assert np.array_equal((level >= 0.0)[away], (survival < lethal_survival(model))[away])
    assert 0 < (level >= 0.0).sum() < 4000


def test_every_deciding_model_has_a_lethal_survival() -> None:
    assert all(0.0 < lethal_survival(model) < 1.0 for model in DECIDING.values())
    assert all(0.0 < lethal_survival(model) < 1.0 for model in death_records())
