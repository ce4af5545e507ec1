# SPDX-License-Identifier: LGPL-3.0-or-later
"""Capillaries that close where a drug has killed: the law, its limits, and what it does to a drug in tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.pharmacy.drugs import drug_names
from imagio_sim.solve.bead_cores import Core
from imagio_sim.solve.bead_scale import Surroundings, UnitCell
from imagio_sim.solve.drug_vessels import ClosingVessels, VesselsInShells
from imagio_sim.tissue.constants import load_constants
from tests.solve.drugs import DAY, drugged, marched

BEAD = Core("sphere", 80e-6, 5e-10, 6e-10, 0.0614, 4.1e-5, 0.0)
TISSUE = Surroundings(0.4, 1.17e-10, 8.8e-12, 0.83, 0.28, 8.6e-5, 4.03e-4, 0.0252, 1e-3, 1e-6, 0.0)
LIBRARY = ClosingVessels.of_library("doxorubicin")


def test_capillaries_follow_the_dead_share_with_their_delay() -> None:
    vessels = VesselsInShells(100.0, (2, 3))
    survival = np.array([[1.0, 0.5, 0.0], [0.9, 0.4, 0.1]])
    for _ in range(10):
        vessels.advance(survival, 15.0)
    np.testing.assert_allclose(vessels.open_share, 1.0 - (1.0 - survival) * (1.0 - np.exp(-1.5)), rtol=1e-12)


def test_steps_see_what_closes_during_them_to_second_order() -> None:
    """Tissue that dies at an even rate within the delay, in steps of a tenth of it and in half as long ones."""
    delay, dies, end = 100.0, 0.7, 100.0
    errors = []
    for steps in (10, 20):
        vessels, open_time, h = VesselsInShells(delay, (1, 1)), 0.0, end / steps
        for step in range(steps):
            before, after = (np.full((1, 1), 1.0 - dies * (step + one) * h / end) for one in (0, 1))
            open_time += h * float(vessels.open_during(before, h)[0, 0])
            vessels.advance(0.5 * (before + after), h)
        # D = dies (t - tau (1 - exp(-t / tau))) / end
        closed_time = dies / end * (end**2 / 2 - delay * end + delay**2 * (1.0 - np.exp(-end / delay)))
        errors.append(abs(open_time - (end - closed_time)) / end)
    assert errors[0] < 0.01
    assert 1.7 < np.log2(errors[0] / errors[1]) < 2.3


def test_capillaries_of_tissue_that_lives_stay_open() -> None:
    vessels = VesselsInShells(100.0, (1, 4))
    vessels.advance(np.ones((1, 4)), 1e6)
    assert np.all(vessels.open_share == 1.0)


def test_what_is_closed_is_carried_over() -> None:
    first, second = VesselsInShells(100.0, (2, 2)), VesselsInShells(100.0, (2, 2))
    first.advance(np.array([[0.1, 0.2], [0.3, 0.4]]), 50.0)
    fields = first.fields()
    second.take(np.array([fields["closed/0"], fields["closed/1"]]))
    np.testing.assert_array_equal(first.open_share, second.open_share)


@pytest.mark.parametrize("drug", drug_names())
def test_every_drug_closes_capillaries_by_the_model_that_decides(drug: str) -> None:
    vessels = ClosingVessels.of_library(drug)
    assert vessels.death.drug == drug
    assert vessels.delay == load_constants()["drug_necrosis_delay"].value


def test_a_delay_without_end_leaves_blood_as_it_was_and_none_keeps_more_in_the_tissue() -> None:
    left = []
    for vessels in (None, replace(LIBRARY, delay=1e15), LIBRARY, replace(LIBRARY, delay=1.0)):
        cell = UnitCell(BEAD, TISSUE, cell_radius=5e-4, vessels=vessels, elements=16)
        left.append(cell.solve([30 * DAY]).tissue_amount[0] / BEAD.load)
    assert left[1] == pytest.approx(left[0], rel=1e-3, abs=0.0)
    assert left[0] < 1e-3 < 10.0 * left[0] + 1e-3 < left[2] < left[3]


def test_tissue_of_an_organ_keeps_the_drug_that_killed_it() -> None:
    """Blood that flows on through dead tissue would have carried nearly all of it away in two weeks."""
    kept, washed = (
        marched(drugged(14.0 * DAY, n=4, vessel_delay=delay))[1].facts()["balance_mol"] for delay in (1.5 * DAY, 1e15)
    )
    assert kept["cells"] + kept["depots"] > 2.0 * (washed["cells"] + washed["depots"])
    assert kept["cleared"] < washed["cleared"]
