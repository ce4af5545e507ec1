# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death by a drug on the nodes: what counts since the stage began, and what goes on from stage to stage."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.solve.drug_death import CellSurroundings, DrugDeathTracker
from imagio_sim.tissue.death.drug import drug_death_models

FREE = np.array([0.0, 1e-3, 5e-3])
DAY = 86400.0


def held(share: float = 1.0) -> CellSurroundings:
    return CellSurroundings(share * FREE, share * FREE * 1e-15)


def tracker() -> DrugDeathTracker:
    return DrugDeathTracker("doxorubicin", ("drug_exposure", "arrhenius_hepg2"), len(FREE))


def test_a_concentration_that_is_held_does_what_the_model_says_of_its_time() -> None:
    known = tracker()
    known.advance(held(), held(), 2.0 * DAY)
    for model in drug_death_models("doxorubicin"):
        amount = held().of(model)
        expected = model.survival(2.0 * DAY * model.rate(amount))
        (found,) = [state for name, state in known.fields().items() if name.endswith(model.name)]
        assert model.survival(found) == pytest.approx(expected)
    assert known.survival()[0] == 1.0
    assert np.all(np.diff(known.survival()) < 0.0)


def test_two_steps_do_as_much_as_one() -> None:
    whole, halves = tracker(), tracker()
    whole.advance(held(), held(0.5), DAY)
    halves.advance(held(), held(0.75), 0.5 * DAY)
    halves.advance(held(0.75), held(0.5), 0.5 * DAY)
    assert halves.survival() == pytest.approx(whole.survival())


def test_a_stage_counts_what_it_has_killed_itself_and_levels_count_all() -> None:
    first, second, whole = tracker(), tracker(), tracker()
    first.advance(held(), held(), DAY)
    second.begin_with(first.fields())
    assert np.all(second.survivals()["drug_exposure"] == 1.0)
    assert second.levels()["drug_exposure"] == pytest.approx(first.levels()["drug_exposure"])
    second.advance(held(), held(), DAY)
    whole.advance(held(), held(), 2.0 * DAY)
    assert first.survivals()["drug_exposure"] * second.survivals()["drug_exposure"] == pytest.approx(whole.survival())


def test_where_no_model_of_the_drug_decides_the_librarys_does() -> None:
    assert DrugDeathTracker("doxorubicin", (), 1).deciding.name == "drug_exposure"
    assert DrugDeathTracker("doxorubicin", ("drug_cell_content",), 1).deciding.name == "drug_cell_content"
