# SPDX-License-Identifier: LGPL-3.0-or-later
"""Agreement of zones against closed forms of balls and ellipsoids, and the statistics of a cohort."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from imagio_sim.outcome.agreement import (
    LIMITS,
    agreement,
    limits_of_agreement,
    margin_agreement,
    signed_margins_mm,
    spread,
    weighted_quantile,
)
from imagio_sim.outcome.surface import Surface
from tests.outcome.meshes import sphere

Z = np.array([0.0, 0.0, 1.0])
NOTHING = Surface(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64))


def shared_volume(radius: float, other: float, apart: float) -> float:
    """Of two balls (lens), closed form."""
    total, difference = radius + other, radius - other
    return float(np.pi * (total - apart) ** 2 * (apart**2 + 2 * apart * total - 3 * difference**2) / (12.0 * apart))


def scaled(surface: Surface, factors: tuple[float, float, float]) -> Surface:
    return Surface(surface.points_mm * np.array(factors), surface.triangles)


@pytest.mark.parametrize(("radius", "apart"), [(10.0, 4.0), (8.0, 5.0), (10.0, 12.0)])
def test_shifted_balls_share_the_volume_of_their_lens(radius: float, apart: float) -> None:
    found = agreement(sphere(10.0), sphere(radius, centre=(0.0, apart, 0.0)), Z)
    lens = shared_volume(10.0, radius, apart)
    whole = 4.0 / 3.0 * np.pi * (1000.0 + radius**3)
    assert found.shared_ml == pytest.approx(lens / 1000.0, rel=0.01)
    assert found.dice == pytest.approx(2.0 * lens / whole, abs=3e-3)
    assert found.shared_ml + found.only_measured_ml == pytest.approx(found.measured_volume_ml, rel=5e-3)
    assert found.centroid_offset_mm == pytest.approx(apart, abs=1e-3)


def test_a_ball_shifted_by_d_has_mean_distance_d_half_and_is_no_larger() -> None:
    # |d cos(angle)| averages to d/2 over a sphere, to first order in d/R.
    found = agreement(sphere(20.0), sphere(20.0, centre=(0.0, 0.0, 1.0)), Z)
    assert found.mean_distance_mm == pytest.approx(0.5, abs=0.02)
    assert found.tail_distance_mm == pytest.approx(0.95, abs=0.03)  # |cos| is even over a sphere
    assert found.maximum_distance_mm == pytest.approx(1.0, abs=0.03)
    assert found.signed_distance_mm == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("excess", [2.0, -2.0])
def test_concentric_balls_differ_by_their_radii_with_its_sign(excess: float) -> None:
    found = agreement(sphere(12.0 + excess), sphere(12.0), Z)
    assert found.mean_distance_mm == pytest.approx(2.0, abs=0.02)
    assert found.tail_distance_mm == pytest.approx(2.0, abs=0.05)
    assert found.maximum_distance_mm == pytest.approx(2.0, abs=0.05)
    assert found.signed_distance_mm == pytest.approx(excess, abs=0.02)
    assert found.axis_errors_mm == pytest.approx((2 * excess,) * 3, abs=0.1)
    exact = 4.0 / 3.0 * np.pi * ((12.0 + excess) ** 3 - 12.0**3) / 1000.0
    assert found.volume_error_ml == pytest.approx(exact, rel=5e-3)


def test_the_axes_of_an_ellipsoid_are_measured_along_and_across_the_needle() -> None:
    ellipsoid, ball = scaled(sphere(1.0), (8.0, 12.0, 20.0)), sphere(10.0)
    found = agreement(ellipsoid, ball, Z)
    assert found.simulated_axes_mm == pytest.approx((40.0, 24.0, 16.0), rel=0.01)
    assert found.axis_errors_mm == pytest.approx((20.0, 4.0, -4.0), abs=0.3)
    along_x = agreement(ellipsoid, ball, np.array([1.0, 0.0, 0.0]))
    assert along_x.simulated_axes_mm == pytest.approx((16.0, 40.0, 24.0), rel=0.01)
    assert found.maximum_distance_mm == pytest.approx(10.0, abs=0.1)


def test_swapping_the_two_swaps_directions_and_signs() -> None:
    first, second = scaled(sphere(1.0), (8.0, 9.0, 15.0)), sphere(10.0, centre=(2.0, 1.0, 0.0))
    one, other = agreement(first, second, Z), agreement(second, first, Z)
    assert one.dice == pytest.approx(other.dice, abs=1e-12)
    assert one.to_measured == other.to_simulated
    assert one.to_simulated == other.to_measured
    assert one.to_measured != one.to_simulated
    assert one.mean_distance_mm == pytest.approx(other.mean_distance_mm)
    assert one.signed_distance_mm == pytest.approx(-(other.signed_distance_mm or 0.0), abs=1e-3)
    assert one.volume_error_ml == -other.volume_error_ml


def test_distances_scale_with_length_and_volumes_with_its_cube() -> None:
    small = agreement(sphere(6.0), sphere(5.0), Z, spacing_mm=0.3)
    large = agreement(sphere(12.0), sphere(10.0), Z, spacing_mm=0.6)
    assert large.mean_distance_mm == pytest.approx(2.0 * (small.mean_distance_mm or 0.0), rel=0.02)
    assert large.volume_error_ml == pytest.approx(8.0 * small.volume_error_ml, rel=0.02)
    assert large.dice == pytest.approx(small.dice, abs=0.01)


def test_an_empty_zone_shares_nothing_and_has_no_distance() -> None:
    found = agreement(NOTHING, sphere(10.0), Z)
    assert (found.dice, found.shared_ml, found.simulated_volume_ml) == (0.0, 0.0, 0.0)
    assert found.only_measured_ml == pytest.approx(4.19, abs=0.02)
    assert found.mean_distance_mm is None
    assert found.maximum_distance_mm is None


def test_margins_are_positive_inside_the_zone() -> None:
    points = np.array([[0.0, 0.0, 4.0], [0.0, 13.0, 0.0]])
    assert signed_margins_mm(points, sphere(10.0)) == pytest.approx([6.0, -3.0], abs=0.05)
    assert np.isneginf(signed_margins_mm(points, NOTHING)).all()


def test_margins_below_5_mm_are_counted_by_area() -> None:
    simulated, measured = np.array([2.0, 6.0, 4.0, 9.0]), np.array([1.0, 3.0, 6.0, 8.0])
    found = margin_agreement(simulated, measured, np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.too_small_share == pytest.approx(0.3)
    assert found.sensitivity == pytest.approx(1.0 / 3.0)
    assert found.specificity == pytest.approx(4.0 / 7.0)
    # Pairs (too small, not): (2 mm, 4 mm), (2, 9), (6, 9) are in order, (6, 4) is not.
    assert found.area_under_curve == pytest.approx((1 * 3 + 1 * 4 + 2 * 4) / (3 * 7))


def test_the_area_under_the_curve_is_that_of_the_rank_sum_test() -> None:
    random = np.random.default_rng(1)
    measured = random.normal(5.0, 3.0, 200)
    simulated = np.round(measured + random.normal(0.0, 2.0, 200))
    found = margin_agreement(simulated, measured, np.ones(200))
    too_small = measured < 5.0
    statistic = mannwhitneyu(-simulated[too_small], -simulated[~too_small]).statistic
    assert found.area_under_curve == pytest.approx(statistic / (too_small.sum() * (~too_small).sum()))


def test_margins_that_are_all_large_enough_have_no_sensitivity() -> None:
    found = margin_agreement(np.array([6.0, 4.0]), np.array([7.0, 8.0]), np.ones(2))
    assert found.sensitivity is None
    assert found.specificity == 0.5
    assert found.area_under_curve is None


def test_limits_of_agreement_hold_19_of_20_differences() -> None:
    random = np.random.default_rng(2)
    true, noise = random.uniform(10.0, 30.0, 4000), random.normal(0.0, 2.0**0.5, (2, 4000))
    found = limits_of_agreement(true + 1.5 + noise[0], true + noise[1])
    assert found is not None
    assert (found.bias, found.sd) == pytest.approx((1.5, 2.0), abs=0.1)
    assert (found.low, found.high) == pytest.approx((1.5 - LIMITS * 2.0, 1.5 + LIMITS * 2.0), abs=0.15)
    assert found.slope == pytest.approx(0.0, abs=0.02)


def test_their_confidence_holds_the_true_limit_19_times_of_20_also_for_10_cases() -> None:
    random, hits, bias_hits, studies = np.random.default_rng(5), 0, 0, 1500
    for differences in random.normal(1.0, 2.0, (studies, 10)):
        found = limits_of_agreement(differences, np.zeros(10))
        assert found is not None
        hits += found.high_interval[0] <= 1.0 + LIMITS * 2.0 <= found.high_interval[1]
        bias_hits += found.bias_interval[0] <= 1.0 <= found.bias_interval[1]
    assert 0.93 < hits / studies < 0.97
    assert 0.93 < bias_hits / studies < 0.97


def test_an_error_that_grows_with_size_has_a_slope() -> None:
    measured = np.linspace(10.0, 30.0, 12)
    found = limits_of_agreement(1.2 * measured, measured)
    assert found is not None
    assert found.slope == pytest.approx(0.2 / 1.1)
    assert found.slope_significance is not None
    assert found.slope_significance < 1e-6


def test_one_case_has_no_limits() -> None:
    assert limits_of_agreement([1.0], [2.0]) is None


def test_a_quantile_goes_by_weight() -> None:
    assert weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0]), 0.8) == 1.0
    assert weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0]), 0.95) == 3.0


def test_a_figure_is_summarised_over_the_cases_that_have_it() -> None:
    found = spread([1.0, None, 3.0])
    assert found is not None
    assert (found.count, found.mean, found.median, found.least, found.most) == (2, 2.0, 2.0, 1.0, 3.0)
    assert found.sd == pytest.approx(2.0**0.5)
    assert spread([None]) is None
