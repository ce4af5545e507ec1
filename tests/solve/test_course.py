# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np

from imagio_sim.solve.course import Course


def test_a_thinned_course_is_within_a_thousandth_of_the_whole_and_keeps_its_ends_and_peak() -> None:
    times = np.linspace(0.0, 10.0, 2001)
    values = times * np.exp(-times)
    course = Course()
    for time, value in zip(times, values, strict=True):
        course.add(time, value)
    thin = course.thinned()
    assert len(thin["time_s"]) < 80
    assert (thin["time_s"][0], thin["time_s"][-1]) == (0.0, 10.0)
    between = np.interp(times, thin["time_s"], thin["value"])
    assert 0.0 < np.abs(between - values).max() <= 1e-3 * values.max()


def test_a_straight_course_needs_its_ends_only() -> None:
    course = Course([0.0, 1.0, 2.0, 5.0], [1.0, 2.0, 3.0, 6.0])
    assert course.thinned() == {"time_s": [0.0, 5.0], "value": [1.0, 6.0]}


def test_a_restored_course_goes_on_as_it_was() -> None:
    course = Course([0.0, 1.0], [0.0, 2.0])
    again = Course.restored(course.state())
    again.add(2.0, 1.0)
    assert again == Course([0.0, 1.0, 2.0], [0.0, 2.0, 1.0])
    assert course.times == [0.0, 1.0]
