# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a sample says: intervals, probabilities, where the spread comes from, and where tissue dies how often."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.outcome.uncertainty import (
    Contribution,
    CorrectionCheck,
    DrawnInput,
    PlanUncertainty,
    contributions,
    interval,
    is_covered,
    plan_difference,
    probability,
    probability_map,
    unchecked_share,
)


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


def test_of_many_inputs_without_effect_none_is_called_more_than_chance() -> None:
    random = np.random.default_rng(5)
    inputs = {f"idle {number}": random.uniform(size=64) for number in range(100)}
    figure = random.uniform(size=64)
    assert min(one.significance for one in contributions(inputs, figure)) > 0.05
    followed = contributions(inputs, figure + 3.0 * inputs["idle 7"])
    assert [one.name for one in followed if one.significance < 0.05] == ["idle 7"]


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


def test_the_unchecked_part_counts_memory_and_assumption_and_nothing_that_may_be_chance() -> None:
    inputs = {"a": DrawnInput("", "read"), "b": DrawnInput("", "memory"), "c": DrawnInput("", "assumed")}
    origins = [Contribution("a", 0.6, 1, 1e-9), Contribution("b", 0.2, -1, 0.01), Contribution("c", 0.04, 1, 0.3)]
    assert unchecked_share(origins, inputs) == pytest.approx(0.25)
    assert unchecked_share([], inputs) == 0.0


def test_a_correction_is_enough_where_little_of_the_interval_is_left() -> None:
    assert CorrectionCheck(4, error=0.2, width=2.0).is_enough
    assert not CorrectionCheck(4, error=0.5, width=2.0).is_enough


def plan(name: str, numbers: list[int], **sample: list[float]) -> PlanUncertainty:
    nowhere = probability_map([(np.zeros((1, 1, 1), dtype=bool), Grid((1, 1, 1), np.eye(4)))])
    figures = {key: told for key, values in sample.items() if (told := interval(values, values[0]))}
    return PlanUncertainty(
        *(name, len(numbers), 0, figures, None, None, {}, {}, {}, {}, {}, sample, numbers, 1.0, nowhere)
    )


def test_plans_are_held_against_each_other_draw_by_draw() -> None:
    one = plan("A", [0, 1, 2, 3], margin=[1.0, 5.0, 9.0, 0.0], lost=[2.0, 2.0, 2.0, 2.0])
    other = plan("B", [1, 2, 3, 4], margin=[4.0, 8.0, 1.0, 0.0], lost=[1.0, 3.0, 2.0, 0.0])
    found = plan_difference(one, other, {"margin": 1, "lost": -1})
    assert found is not None
    assert (found.first, found.second, found.members) == ("A", "B", 3)
    assert found.figures["margin"].median == 1.0
    assert found.figures["margin"].nominal == -3.0
    assert found.better["margin"].value == pytest.approx(2.0 / 3.0)
    assert found.better["lost"].value == pytest.approx(1.0 / 3.0)  # better once, worse once, even once


def test_plans_without_a_common_draw_are_not_compared() -> None:
    assert plan_difference(plan("A", [0], margin=[1.0]), plan("B", [1], margin=[1.0]), {}) is None


def test_what_has_no_figure_is_null_in_the_data() -> None:
    data = plan("A", [0, 1], margin=[1.0, float("nan")]).data()
    assert data["sample"]["margin"] == [1.0, None]
    assert "zone" not in data
