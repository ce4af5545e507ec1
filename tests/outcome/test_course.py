# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.outcome.course import TimeCourse, summed


def of(times: list[float], values: list[float]) -> TimeCourse:
    return TimeCourse(np.array(times), np.array(values))


def test_stages_are_joined_on_the_clock_of_the_plan() -> None:
    parts = [(0.0, {"time_s": [0.0, 10.0], "value": [0.0, 1.0]}), (10.0, {"time_s": [0.0, 5.0], "value": [1.0, 4.0]})]
    course = TimeCourse.joined(parts)
    assert course.peak == (4.0, 15.0)
    assert course.at(np.array([5.0, 12.5, 99.0])) == pytest.approx([0.5, 2.5, 4.0])


def test_a_source_is_nothing_before_it_begins() -> None:
    assert of([10.0, 20.0], [3.0, 3.0]).at(np.array([9.9, 10.0])).tolist() == [0.0, 3.0]


def test_the_highest_of_a_sum_may_lie_where_none_of_its_parts_is_highest() -> None:
    rising, falling = of([0.0, 4.0, 5.0], [0.0, 4.0, 0.0]), of([0.0, 3.0, 8.0], [2.0, 3.0, 0.0])
    value, time = summed([rising, falling]).peak
    assert time == 4.0
    assert value == pytest.approx(4.0 + 2.4)
    assert value < rising.peak[0] + falling.peak[0]


def test_a_source_that_begins_high_adds_nothing_before_it_begins() -> None:
    """As a second infusion with what is unbound in it: between known times the sum does not anticipate it."""
    course = summed([of([0.0, 1e6], [1.0, 1.0]), of([5e5, 1e6], [10.0, 0.0])])
    assert course.at(np.array([4e5, 4.999e5, 5e5])) == pytest.approx([1.0, 1.0, 11.0])
    assert course.times.tolist() == [0.0, 5e5, 5e5, 1e6]
    assert course.values.tolist() == [1.0, 1.0, 11.0, 1.0]


def test_a_jump_between_stages_stays_a_jump_in_a_sum() -> None:
    jumping, rising = of([0.0, 2.0, 2.0, 4.0], [1.0, 1.0, 5.0, 5.0]), of([0.0, 4.0], [0.0, 4.0])
    course = summed([jumping, rising])
    assert course.at(np.array([1.0, 1.999, 2.0, 3.0])) == pytest.approx([2.0, 2.999, 7.0, 8.0])
    assert course.peak == (9.0, 4.0)
