# SPDX-License-Identifier: LGPL-3.0-or-later
"""What several agents kill together in a stage: level of the zone, surviving shares, and chosen interactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import Deposit, HeatSource, Surroundings
from imagio_sim.solve.stage import COMBINED
from imagio_sim.tissue.death.combination import Interaction, is_graded, lethal_survival
from tests.solve.bricks import begun, cube

HEAT, PULSES, RADIATION = "arrhenius_hepg2", "lethal_field", "lq_tissue"


@dataclass(frozen=True)
class HarmSpec:
    """Something that has done ``share`` of its lethal log kill everywhere, by a death model."""

    model: str
    share: float

    def source(self, surroundings: Surroundings) -> Harm:
        return Harm(self, surroundings)


class Harm(HeatSource):
    """It gives no heat."""

    def __init__(self, spec: HarmSpec, surroundings: Surroundings) -> None:
        self.name, self.spec = spec.model, spec
        self._count, self._cells = surroundings.space.count, surroundings.space.cell_count

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        return Deposit(np.zeros(self._cells))

    def levels(self) -> dict[str, Floats]:
        return {self.spec.model: np.full(self._count, np.log(self.spec.share))}

    def survivals(self) -> dict[str, Floats]:
        model, share = self.spec.model, self.spec.share
        return {model: np.full(self._count, lethal_survival(model) ** share if is_graded(model) else 1.0)}


def burnt(other: str, share: float, *interactions: Interaction, damage: float = 0.7) -> Any:
    """A stage with some damage by heat and the harm of another agent."""
    case = cube(
        sources=(HarmSpec(other, share),),
        deciding_models=(HEAT, other),
        interactions=interactions,
        end_time=1.0,
    )
    stage = begun(case)
    stage.death.states[HEAT][:] = damage
    return stage


def test_two_agents_that_are_not_enough_alone_make_a_zone() -> None:
    levels = burnt(RADIATION, 0.5).levels()
    assert levels[HEAT].max() < 0.0
    assert levels[RADIATION].max() < 0.0
    assert levels[COMBINED] == pytest.approx(np.log(0.7 + 0.5))


def test_an_agent_that_adds_nothing_leaves_the_level_of_the_other_to_the_last_bit() -> None:
    stage = burnt(RADIATION, 1e-12)
    levels = stage.levels()
    assert np.array_equal(levels[COMBINED], levels[HEAT])


def test_pulses_that_kill_by_a_threshold_add_nothing_below_it() -> None:
    levels = burnt(PULSES, 0.9).levels()
    assert levels[PULSES] == pytest.approx(np.log(0.9))
    assert np.array_equal(levels[COMBINED], np.maximum(levels[HEAT], levels[PULSES]))


def test_a_chosen_synergy_makes_a_zone_where_independence_makes_none() -> None:
    independent = burnt(RADIATION, 0.2).levels()[COMBINED]
    synergy = burnt(RADIATION, 0.2, Interaction(("radiation", "heat"), 1.0)).levels()[COMBINED]
    assert independent == pytest.approx(np.log(0.9))
    assert synergy == pytest.approx(np.log(0.9 + np.sqrt(0.14)))


def test_survival_is_shown_by_agent_and_of_all() -> None:
    fields = burnt(RADIATION, 0.5).output_fields()
    assert fields["survival_heat"] == pytest.approx(np.exp(-0.7))
    assert fields["survival_radiation"] == pytest.approx(0.1**0.5)
    assert fields["survival"] == pytest.approx(np.exp(-0.7) * 0.1**0.5)
    assert fields[f"level_{HEAT}"] == pytest.approx(np.log(0.7))
