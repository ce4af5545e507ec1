# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose of a decaying source and its effect."""

import math

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid, quad

from imagio_sim.physics.radiation import (
    biologically_effective_dose,
    decayed_share,
    equivalent_uniform_dose,
    joint_repair_factor,
    linear_quadratic_effect,
    logistic_control,
    mird_activity,
    mird_dose,
    partition_activity,
    partition_doses,
    rate_of,
    repair_factor,
)

LAMBDA, MU = rate_of(64.1 * 3600.0), rate_of(1.5 * 3600.0)
DECAY = {"energy_per_decay": 1.495e-13, "decay_rate": LAMBDA}


def test_half_of_the_atoms_are_left_after_a_half_life() -> None:
    assert decayed_share(64.1 * 3600.0, LAMBDA) == pytest.approx(0.5)
    assert decayed_share(0.0, LAMBDA) == 0.0


def test_mird_is_close_to_the_customary_fifty_joules_per_gigabecquerel() -> None:
    assert mird_dose(1e9, 1.0, **DECAY) == pytest.approx(49.67, rel=0.005)


def test_the_activity_for_a_dose_gives_that_dose() -> None:
    activity = mird_activity(120.0, 1.5, lung_shunt=0.1, **DECAY)
    assert mird_dose(0.9 * activity, 1.5, **DECAY) == pytest.approx(120.0)


def test_the_partition_model_keeps_all_energy() -> None:
    tumour, normal, lung = partition_doses(
        2e9, tumour_mass=0.1, liver_mass=1.2, lung_mass=1.0, tumour_to_normal=4.0, lung_shunt=0.08, **DECAY
    )
    assert tumour == pytest.approx(4.0 * normal)
    assert tumour * 0.1 + normal * 1.2 + lung * 1.0 == pytest.approx(2e9 * 1.495e-13 / LAMBDA)


@pytest.mark.parametrize("of_tumour", [True, False])
def test_the_partition_activity_gives_its_dose(of_tumour: bool) -> None:
    masses = {"tumour_mass": 0.05, "liver_mass": 0.6, "tumour_to_normal": 3.0, "lung_shunt": 0.05}
    activity = partition_activity(150.0, of_tumour=of_tumour, **masses, **DECAY)
    doses = partition_doses(activity, lung_mass=1.0, **masses, **DECAY)
    assert doses[0 if of_tumour else 1] == pytest.approx(150.0)


@pytest.mark.parametrize("time", [1800.0, 36000.0, 5e5])
@pytest.mark.parametrize("repair_rate", [MU, LAMBDA, 0.1 * LAMBDA])
def test_the_repair_factor_is_its_double_integral(time: float, repair_rate: float) -> None:
    def inner(t: float) -> float:
        part, _ = quad(lambda s: math.exp(-LAMBDA * s - repair_rate * (t - s)), 0.0, t)
        return math.exp(-LAMBDA * t) * part

    double, _ = quad(inner, 0.0, time)
    dose = float(decayed_share(time, LAMBDA)) / LAMBDA
    found = repair_factor(time, decay_rate=LAMBDA, repair_rate=repair_rate)
    assert found == pytest.approx(2.0 * double / dose**2, rel=2e-4)


def test_the_repair_factor_goes_from_one_to_its_limit() -> None:
    assert repair_factor(0.0, decay_rate=LAMBDA, repair_rate=MU) == 1.0
    assert repair_factor(1.0, decay_rate=LAMBDA, repair_rate=MU) == pytest.approx(1.0, abs=1e-3)
    assert repair_factor(1e9, decay_rate=LAMBDA, repair_rate=MU) == pytest.approx(LAMBDA / (LAMBDA + MU))


@pytest.mark.parametrize("gap", [0.0, 7200.0, 3e5])
@pytest.mark.parametrize("repair_rate", [MU, LAMBDA, 0.1 * LAMBDA])
def test_the_repair_factor_of_two_sources_is_the_double_integral_of_their_dose_rates(
    gap: float, repair_rate: float
) -> None:
    doses, rates, time = (30.0, 50.0), (LAMBDA, 2.4 * LAMBDA), 2e5
    steps = np.linspace(-gap, time, 400_001)
    dose_rate = doses[0] * rates[0] * np.exp(-rates[0] * (steps + gap))
    dose_rate += np.where(steps >= 0.0, doses[1] * rates[1] * np.exp(-rates[1] * np.maximum(steps, 0.0)), 0.0)
    inner = cumulative_trapezoid(dose_rate * np.exp(repair_rate * (steps - time)), steps, initial=0.0)
    double = np.trapezoid(dose_rate * np.exp(-repair_rate * (steps - time)) * inner, steps)
    given = sum(
        dose * float(decayed_share(age, rate)) for dose, rate, age in zip(doses, rates, (time + gap, time), strict=True)
    )
    for order in (slice(None), slice(None, None, -1)):
        found = joint_repair_factor(
            doses[order], decay_rates=rates[order], ages=(time + gap, time)[order], repair_rate=repair_rate
        )
        assert found == pytest.approx(2.0 * double / given**2, rel=2e-4)


def test_sources_given_at_once_are_repaired_as_one_and_none_as_a_dose_at_once() -> None:
    for age in (0.0, 1.0, 1e5, 1e12):
        found = joint_repair_factor(
            [np.array([0.0, 80.0]), np.array([0.0, 80.0])],
            decay_rates=[LAMBDA, LAMBDA],
            ages=[age, age],
            repair_rate=MU,
        )
        assert found == pytest.approx([1.0, repair_factor(age, decay_rate=LAMBDA, repair_rate=MU)], rel=1e-10)


def test_effect_is_alpha_times_the_biologically_effective_dose() -> None:
    dose = np.array([0.0, 20.0, 150.0])
    effect = linear_quadratic_effect(dose, alpha=0.01, alpha_beta=15.0, repair=0.02)
    assert effect == pytest.approx(0.01 * biologically_effective_dose(dose, alpha_beta=15.0, repair=0.02))


def test_the_equivalent_dose_of_a_uniform_dose_is_itself() -> None:
    assert equivalent_uniform_dose(np.full(5, 80.0), np.ones(5), alpha=0.3) == pytest.approx(80.0)


def test_a_cold_spot_pulls_the_equivalent_dose_far_below_the_mean() -> None:
    dose, weights = np.array([0.0, 1000.0]), np.array([0.1, 0.9])
    assert equivalent_uniform_dose(dose, weights, alpha=0.1) == pytest.approx(-math.log(0.1) / 0.1, rel=1e-6)


def test_the_equivalent_dose_goes_to_the_mean_for_insensitive_cells() -> None:
    dose, weights = np.array([10.0, 50.0]), np.array([1.0, 3.0])
    assert equivalent_uniform_dose(dose, weights, alpha=1e-7) == pytest.approx(40.0, rel=1e-4)


def test_control_is_even_at_the_half_dose_and_rises_with_the_slope_given() -> None:
    assert logistic_control(250.0, half_dose=250.0, slope=1.0) == pytest.approx(0.5)
    rise = logistic_control(252.5, half_dose=250.0, slope=1.5) - 0.5
    assert rise == pytest.approx(0.015, rel=0.02)
    assert logistic_control(0.0, half_dose=250.0, slope=1.0) == 0.0
