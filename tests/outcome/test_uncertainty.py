# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a sample says: intervals, probabilities, where the spread comes from, and where tissue dies how often."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.outcome.uncertainty import contributions, interval, is_covered, probability, probability_map


def test_an_interval_holds_nine_tenths_of_the_members() -> None:
    found = interval(list(np.arange(101.0)), 42.0)
    assert found is not None
    assert (found.low, found.median, found.high, found.nominal) == (5.0, 50.0, 95.0, 42.0)


def test_members_without_a_figure_do_not_count_and_none_gives_no_interval() -> None:
    found = interval([np.nan, 1.0, 2.0, -np.inf, 3.0], None)
    assert found is not None
    assert found.median == 2.0
    assert interval([np.nan, -np.inf], 1.0) is None


def test_a_probability_of_few_members_has_a_wide_interval_that_narrows_with_more() -> None:
    few, many = probability([True] * 9 + [False]), probability([True] * 90 + [False] * 10)
    assert few.value == many.value == 0.9
    assert few.low < many.low < 0.9 < many.high < few.high < 1.0
    assert (few.low, few.high) == pytest.approx((0.5958, 0.9821), abs=1e-4)  # Wilson 1927 for 9 of 10


def test_even_without_an_exception_a_probability_is_not_certain() -> None:
    assert probability([True] * 64).low == pytest.approx(0.9434, abs=1e-3)


def test_a_target_is_covered_up_to_what_a_mesh_can_tell() -> None:
    assert is_covered(1.0)
    assert is_covered(0.9995)
    assert not is_covered(0.998)


def test_the_input_that_a_figure_follows_comes_first_with_its_direction() -> None:
    random = np.random.default_rng(3)
    inputs = {name: random.uniform(size=200) for name in ("strong", "weak", "none")}
    figure = -np.exp(3.0 * inputs["strong"]) + 2.0 * inputs["weak"]
    ranked = contributions(inputs, figure)
    assert [one.name for one in ranked][:2] == ["strong", "weak"]
    assert ranked[0].sign == -1
    assert ranked[0].share > 0.8
    assert ranked[0].significance < 1e-6
    assert ranked[-1].share < 0.05


def test_a_figure_that_never_changes_comes_from_nothing() -> None:
    assert contributions({"one": np.arange(9.0)}, np.ones(9)) == []


def test_zones_on_different_boxes_add_up_where_they_overlap() -> None:
    def zone(first: tuple[float, float, float], shape: tuple[int, int, int]) -> tuple[np.ndarray, Grid]:
        affine = np.eye(4)
        affine[:3, 3] = first
        return np.ones(shape, dtype=bool), Grid(shape, affine)

    found = probability_map([zone((0, 0, 0), (2, 2, 2)), zone((1, 0, -1), (2, 2, 2)), zone((0, 0, 0), (2, 2, 2))])
    assert found.share.shape == (3, 2, 3)
    assert found.grid.affine[:3, 3].tolist() == [0.0, 0.0, -1.0]
    assert found.share.sum() * 3 == pytest.approx(24)
    assert found.share[1, 0, 1] == pytest.approx(1.0)
    assert found.share[2, 0, 0] == pytest.approx(1.0 / 3.0)
    assert found.share[0, 0, 0] == 0.0
