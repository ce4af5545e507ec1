# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sums and extremes around nodes; on several ranks they are tested by what is made of them (test_drug_parallel)."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.solve.discretisation import EdgeOperators
from imagio_sim.solve.interface import Interface, Neighbourhood
from tests.solve.interstitium import cube, square


def test_extremes_are_those_of_a_node_and_its_neighbours() -> None:
    space = square(4)
    operators = EdgeOperators(space)
    beside, values = Neighbourhood(operators), np.random.default_rng(1).normal(size=space.count)
    largest, smallest = beside.largest(values), beside.smallest(values)
    for node in range(space.count):
        around = np.unique(space.cells[(space.cells == node).any(axis=1)])
        assert largest[node] == values[around].max()
        assert smallest[node] == values[around].min()


def test_what_leaves_one_end_of_an_edge_and_enters_the_other_sums_to_nothing() -> None:
    space = cube(3)
    operators = EdgeOperators(space)
    flux = np.random.default_rng(2).normal(size=len(operators.edge_start))
    sums = Neighbourhood(operators).sums(flux, -flux)
    assert sums.sum() == pytest.approx(0.0, abs=1e-12)
    assert np.abs(sums).max() > 0.1


def test_one_rank_counts_every_entry_itself() -> None:
    alone = Interface(MPI.COMM_SELF, np.array([3, 1, 7]), np.array([True, False, True]))
    assert alone.counted.all()
    values = np.array([1.0, 2.0, 3.0])
    assert (alone.summed(values) == values).all()
    assert (alone.largest(values) == values).all()
