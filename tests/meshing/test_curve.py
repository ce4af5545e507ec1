# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.meshing.curve import Arc, Line, Spline, smooth_runs

ANGLES = np.linspace(0.0, np.pi / 2.0, 10)
QUARTER = np.column_stack([10.0 * np.cos(ANGLES), 10.0 * np.sin(ANGLES), np.zeros(10)])


def test_points_on_a_circle_make_one_exact_arc() -> None:
    ((arc,),) = smooth_runs(QUARTER)
    assert isinstance(arc, Arc)
    point, direction = arc.at(arc.end / 2.0)
    assert np.linalg.norm(point) == pytest.approx(10.0, abs=1e-9)
    assert direction == pytest.approx([-np.sqrt(0.5), np.sqrt(0.5), 0.0])
    assert arc.angle(arc.end) == pytest.approx(np.pi / 2.0)


def test_a_straight_lead_into_an_arc_keeps_both() -> None:
    path = np.vstack([[10.0, -5.0, 0.0], QUARTER])
    ((lead, arc),) = smooth_runs(path)
    assert isinstance(lead, Line)
    assert isinstance(arc, Arc)
    assert lead.end == arc.start == pytest.approx(5.0)


def test_points_on_no_circle_make_a_spline_through_all() -> None:
    x = np.linspace(0.0, 6.0, 9)
    path = np.column_stack([x, np.sin(x / 2.0), 0.03 * x**2])
    ((spline,),) = smooth_runs(path)
    assert isinstance(spline, Spline)
    assert spline.at(spline.end)[0] == pytest.approx(path[-1])


def test_a_sharp_corner_divides_the_line() -> None:
    runs = smooth_runs(((0, 0, 0), (5, 0, 0), (5, 5, 0)))
    assert [len(run) for run in runs] == [1, 1]
    assert all(isinstance(run[0], Line) for run in runs)
