# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death by a drug in shells around beads: means, the past of a stage, and the level that says dead."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.solve.drug_death import CellSurroundings
from imagio_sim.solve.drug_death_in_shells import DrugDeathInShells
from imagio_sim.tissue.death.drug import drug_death_models

SHARE = np.array([[0.25, 0.25], [0.75, 0.75]])
LETHAL = CellSurroundings(np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros((2, 2)))
"""Much drug in the first shell of the first node, none elsewhere."""


def tracker() -> DrugDeathInShells:
    return DrugDeathInShells("doxorubicin", ["drug_exposure"], SHARE)


def test_what_survives_is_the_mean_over_the_shells_and_not_what_their_mean_would_leave() -> None:
    deaths = tracker()
    deaths.advance(LETHAL, 86400.0)
    assert deaths.survivals()["drug_exposure"] == pytest.approx([0.75, 1.0], abs=1e-3)
    model = drug_death_models("doxorubicin")[0]
    mixed = model.survival(model.advance(np.zeros(1), np.array([0.25]), np.array([0.25]), 86400.0))
    assert mixed[0] < 0.01


def test_the_level_is_positive_exactly_where_too_few_survive() -> None:
    deaths = tracker()
    everywhere = CellSurroundings(np.array([[1.0, 1e-4], [1.0, 1e-4]]), np.zeros((2, 2)))
    deaths.advance(everywhere, 86400.0)
    level, survival = deaths.levels()["drug_exposure"], deaths.survivals()["drug_exposure"]
    assert (level > 0.0).tolist() == [True, False]
    assert ((survival < deaths.deciding.dead_survival) == (level > 0.0)).all()


def test_a_later_stage_counts_from_where_the_earlier_left() -> None:
    first, second, whole = tracker(), tracker(), tracker()
    first.advance(LETHAL, 4e3)
    second.begin_with(first.fields())
    assert second.survivals()["drug_exposure"] == pytest.approx(1.0)
    second.advance(LETHAL, 6e3)
    whole.advance(LETHAL, 1e4)
    together = first.survivals()["drug_exposure"] * second.survivals()["drug_exposure"]
    assert together == pytest.approx(whole.survivals()["drug_exposure"])


def test_a_stage_without_shells_hands_its_mean_on_to_one_with_them() -> None:
    mixed = DrugDeathInShells("doxorubicin", ["drug_exposure"], np.ones((1, 2)))
    mixed.advance(CellSurroundings(np.array([[1e-3, 0.0]]), np.zeros((1, 2))), 86400.0)
    shelled = tracker()
    shelled.begin_with(mixed.fields())
    assert shelled.begun == pytest.approx(mixed.survivals()["drug_exposure"])
