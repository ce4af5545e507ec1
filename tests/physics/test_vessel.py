# SPDX-License-Identifier: LGPL-3.0-or-later
"""Blood along a vessel against the Graetz problem, and the laws that its superposition keeps whatever the wall does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

from imagio_sim.physics.vessel import (
    LineResponse,
    graetz_length,
    laminar_nusselt,
    line_response,
    reynolds_number,
    share_taken,
    shell_conductance,
    turbulent_nusselt,
)

Floats = NDArray[np.float64]
RATE = 0.15


def graetz_share(lengths: Floats, rings: int = 2000) -> Floats:
    """Share of a step of the wall temperature in the mixing-cup temperature: the eigenproblem in finite volumes.

    (1 - r^2) / 2 dT/dz = 1/r d/dr (r dT/dr), with z the Graetz length and r in radii.
    """
    faces = np.linspace(0.0, 1.0, rings + 1)
    middles, width = (faces[1:] + faces[:-1]) / 2.0, 1.0 / rings
    between = faces[1:-1] / width
    diagonal = np.zeros(rings)
    diagonal[:-1] += between
    diagonal[1:] += between
    diagonal[-1] += 2.0 / width
    carried = middles * width * (1.0 - middles**2) / 2.0
    root = 1.0 / np.sqrt(carried)
    rates, modes = eigh_tridiagonal(
        diagonal * root**2, -between * root[:-1] * root[1:], select="i", select_range=(0, 400)
    )
    weights = (modes.T @ np.sqrt(carried)) ** 2 / carried.sum()
    return np.array([1.0 - weights @ np.exp(-rates * length) for length in lengths])


def means(response: LineResponse) -> Floats:
    return np.vstack([response.reference, response.bulk])


def test_the_correlation_follows_the_graetz_problem_within_one_percent() -> None:
    lengths = np.logspace(-4, 0.5, 19)
    assert share_taken(lengths) == pytest.approx(graetz_share(lengths), rel=0.01)


def test_far_from_the_beginning_the_nusselt_number_is_that_of_developed_flow() -> None:
    assert laminar_nusselt(100.0) == pytest.approx(3.66, rel=0.01)
    assert laminar_nusselt(1e-9) == pytest.approx(1.615 * 1000.0, rel=1e-3)


def test_turbulent_flow_takes_up_more_heat_than_laminar() -> None:
    # Gnielinski's formula with Petukhov's friction at Re = 1e5, Pr = 1.2, f = (0.79 ln 1e5 - 1.64)^-2.
    friction = (0.79 * np.log(1e5) - 1.64) ** -2
    by_hand = friction / 8.0 * 99000.0 * 1.2 / (1.0 + 12.7 * np.sqrt(friction / 8.0) * (1.2 ** (2.0 / 3.0) - 1.0))
    assert turbulent_nusselt(1e5, 1.2) == pytest.approx(by_hand, rel=1e-12)
    assert turbulent_nusselt(5000.0, 24.0) > laminar_nusselt(1e-3)


def test_a_step_of_the_wall_is_taken_on_little_by_little() -> None:
    share = share_taken(np.linspace(0.0, 3.0, 301))
    assert share[0] == 0.0
    assert np.all(np.diff(share) >= 0.0)
    assert np.all(np.diff(share, 2) <= 1e-12)
    assert share[-1] == pytest.approx(1.0, abs=1e-10)


def test_graetz_length_and_reynolds_number_of_a_portal_vein() -> None:
    # 864 ml/min in a vein of 6 mm radius: mean velocity 12.7 cm/s.
    flow = 864e-6 / 60.0
    velocity, diameter, diffusivity = flow / (np.pi * 0.006**2), 0.012, 0.52 / 3.8e6
    peclet = velocity * diameter / diffusivity
    assert graetz_length(0.05, flow, diffusivity) == pytest.approx(0.05 / (diameter * peclet), rel=1e-12)
    assert reynolds_number(flow, 0.006, 3.33e-6) == pytest.approx(velocity * diameter / 3.33e-6, rel=1e-12)


def test_a_shell_conducts_as_a_hollow_cylinder() -> None:
    assert shell_conductance(0.5, 0.01, 1.0, np.e) == pytest.approx(2.0 * np.pi * 0.5 * 0.01, rel=1e-12)
    assert shell_conductance(0.5, 0.01, 1.0, 1.0) == np.inf


def test_a_wall_of_one_temperature_warms_the_blood_as_the_correlation_says() -> None:
    ends = np.linspace(0.0, 0.2, 41)
    response = line_response(ends, RATE, contact=np.ones(40), lumen=np.zeros(40))
    known = np.concatenate([np.full(40, 50.0), np.zeros(40), [37.0]])
    assert response.bulk @ known == pytest.approx(37.0 + 13.0 * share_taken(ends), rel=1e-12)


def test_the_entrance_begins_where_the_wall_begins_to_differ() -> None:
    ends = np.linspace(0.0, 0.2, 41)
    response = line_response(ends, RATE, contact=np.ones(40), lumen=np.zeros(40))
    wall = np.where(np.arange(40) < 20, 37.0, 50.0)
    bulk = response.bulk @ np.concatenate([wall, np.zeros(40), [37.0]])
    assert bulk[:21] == pytest.approx(37.0, abs=1e-12)
    assert bulk[20:] == pytest.approx(37.0 + 13.0 * share_taken(ends[20:] - ends[20]), rel=1e-12)


def test_turbulent_blood_forgets_at_once_so_that_segments_are_exchangers_in_series() -> None:
    ends = np.linspace(0.0, 0.02, 6)
    response = line_response(ends, RATE, contact=np.ones(5), lumen=np.zeros(5), nusselt=40.0)
    wall = np.array([40.0, 60.0, 50.0, 45.0, 70.0])
    blood = [37.0]
    for own in wall:
        blood.append(own + (blood[-1] - own) * np.exp(-4.0 * 40.0 * 0.004))
    assert response.bulk @ np.concatenate([wall, np.zeros(5), [37.0]]) == pytest.approx(blood, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(1e-7, 0.5), min_size=2, max_size=30),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 3.66, 60.0]),
)
def test_blood_is_a_mean_of_what_it_has_met_and_carries_what_it_was_given(
    steps: list[float], seed: int, nusselt: float | None
) -> None:
    random, count = np.random.default_rng(seed), len(steps)
    ends = np.concatenate([[0.0], np.cumsum(steps)])
    response = line_response(
        ends, RATE, contact=random.random(count), lumen=RATE * random.random(count), nusselt=nusselt
    )
    assert means(response).min() >= -1e-12
    assert means(response).sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    known = random.uniform(37.0, 100.0, 2 * count + 1)
    bulk = response.bulk @ known
    wall = response.wall_conductance @ (known[:count] - response.reference @ known)
    lumen = response.lumen_conductance @ (known[count:-1] - bulk[:-1])
    assert wall + lumen == pytest.approx(RATE * (bulk[-1] - known[-1]), rel=1e-9)


def test_shorter_segments_change_little() -> None:
    def outlet(count: int) -> float:
        ends = np.linspace(0.0, 0.05, count + 1)
        response = line_response(ends, RATE, contact=np.ones(count), lumen=np.zeros(count))
        wall = 37.0 + 30.0 * np.exp(-(((ends[1:] + ends[:-1]) / 2.0 - 0.025) ** 2) / 2e-4)
        return float((response.bulk @ np.concatenate([wall, np.zeros(count), [37.0]]))[-1])

    exact = outlet(640)
    errors = [abs(outlet(count) - exact) for count in (20, 40, 80)]
    assert errors[0] < 0.02 * (exact - 37.0)
    assert 0.7 < np.log2(errors[0] / errors[1]) < 2.3
    assert errors[2] < errors[1]
