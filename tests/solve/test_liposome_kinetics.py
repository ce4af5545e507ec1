# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes in a body and a few points of tissue, against closed forms and an independent integrator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from imagio_sim.physics.liposomes import (
    BODY,
    TISSUE,
    BodyKinetics,
    LiposomeTissue,
    body_rates,
    tissue_flows,
    tissue_rates,
)
from imagio_sim.solve.liposome_kinetics import Conditions, LiposomeKinetics, LiposomeState

Floats = NDArray[np.float64]

ADULT = BodyKinetics(2.95e-3, 1.5e-4, 1.4e-5, 0.0177, 1.73e-5, 1.83, 1.41e-5, 0.071, 7.9e-6)
VOLUMES = np.array([1.0, 20.0, 100.0]) * 1e-6
DOSE = 1.6e-4
MINUTES = 60.0


class Points:
    """Points of tissue with a volume each."""

    def __init__(self, volumes: Floats) -> None:
        self.volumes = volumes

    def amounts(self, densities: Floats) -> Floats:
        return np.asarray(densities @ self.volumes)


def tissue(count: int, **changes: float) -> LiposomeTissue:
    nominal = LiposomeTissue(0.1, 0.15, 0.012, 0.013, 4e-5, 4e-4, 0.02)
    values = {**vars(nominal), **changes}
    return LiposomeTissue(**{name: np.full(count, value) for name, value in values.items()})


def constant(flow: Any, release: Any, extravasation: Any = 0.0, count: int = 3) -> Any:
    held = Conditions(*(np.broadcast_to(np.float64(one), count).copy() for one in (flow, release, extravasation)))
    return lambda share: held


def advanced(
    kinetics: LiposomeKinetics, state: LiposomeState, duration: float, conditions: Any, infused: float = 0.0
) -> LiposomeState:
    return kinetics.advance(state, duration, conditions, np.array([infused / duration, 0.0]), lambda *step: None)


def region(body: BodyKinetics = ADULT, tolerance: float = 1e-5, **changes: float) -> LiposomeKinetics:
    return LiposomeKinetics(body, tissue(3, **changes), Points(VOLUMES), tolerance=tolerance)


def held(state: LiposomeState, volumes: Floats = VOLUMES) -> float:
    return float((state.tissue @ volumes).sum() + state.body.sum())


def test_an_infusion_into_one_compartment_that_leaks_into_another_follows_its_closed_form() -> None:
    body = replace(ADULT, shallow_flow=0.0, deep_flow=0.0)
    duration, after = 30 * MINUTES, 60 * MINUTES
    still = constant(0.0, 0.0)
    state = advanced(region(body, 1e-6), LiposomeState.empty(3), duration, still, DOSE)
    state = advanced(region(body, 1e-6), state, after, still)
    out, back = body.leakage + body.encapsulated_uptake, body.clearance / body.free_volume
    rate = DOSE / duration
    full = rate / out * (1.0 - np.exp(-out * duration))
    leaked = body.leakage * rate / out * ((1 - np.exp(-back * duration)) / back)
    leaked -= body.leakage * rate / out * (np.exp(-out * duration) - np.exp(-back * duration)) / (back - out)
    encapsulated = full * np.exp(-out * after)
    free = leaked * np.exp(-back * after)
    free += body.leakage * full * (np.exp(-out * after) - np.exp(-back * after)) / (back - out)
    assert state.body[0] == pytest.approx(encapsulated, rel=1e-4)
    assert state.body[1] == pytest.approx(free, rel=1e-3)
    assert held(state) == pytest.approx(DOSE, rel=1e-12)


def test_free_drug_in_two_compartments_falls_by_two_exponentials() -> None:
    body = replace(ADULT, deep_flow=0.0)
    bolus = LiposomeState(np.zeros((len(TISSUE), 3)), np.array([0.0, DOSE, 0.0, 0.0, 0.0]))
    state = advanced(region(body, 1e-6), bolus, 40 * MINUTES, constant(0.0, 0.0))
    away, back = body.shallow_flow / body.free_volume, body.shallow_flow / body.shallow_volume
    gone = body.clearance / body.free_volume
    total, root = away + back + gone, np.sqrt((away + back + gone) ** 2 - 4.0 * back * gone)
    fast, slow = (total + root) / 2.0, (total - root) / 2.0
    time = 40 * MINUTES
    expected = DOSE * ((fast - back) * np.exp(-fast * time) + (back - slow) * np.exp(-slow * time)) / (fast - slow)
    assert state.body[1] == pytest.approx(expected, rel=1e-3)


def test_without_heat_tissue_gets_no_more_than_what_leaks() -> None:
    tight = replace(ADULT, leakage=0.0)
    state = advanced(region(tight, 1e-3), LiposomeState.empty(3), 30 * MINUTES, constant(0.007, 0.0), DOSE)
    assert state.tissue[0].min() > 0.0
    assert np.all(state.tissue[1:] == 0.0)
    assert state.body[1] == 0.0
    leaky = advanced(region(tolerance=1e-3), LiposomeState.empty(3), 30 * MINUTES, constant(0.007, 1.4e-5), DOSE)
    heated = advanced(region(tolerance=1e-3), LiposomeState.empty(3), 30 * MINUTES, constant(0.007, 0.9), DOSE)
    assert 0.0 < leaky.tissue[4].max() < 0.02 * heated.tissue[4].min()


def test_liposomes_that_empty_at_once_into_greedy_tissue_give_it_all_that_flows_by() -> None:
    flow, duration, concentration = 0.007, 10 * MINUTES, 0.03
    endless = replace(ADULT, encapsulated_volume=1e3, encapsulated_uptake=0.0, leakage=0.0)
    start = LiposomeState(np.zeros((len(TISSUE), 3)), np.array([1e3 * concentration, 0.0, 0.0, 0.0, 0.0]))
    greedy = region(endless, 1e-4, extraction=50.0, uptake_capacity=10.0, return_half=1e9)
    state = advanced(greedy, start, duration, constant(flow, 100.0))
    assert state.tissue.sum(axis=0) == pytest.approx(flow * concentration * duration, rel=2e-3)
    assert state.tissue[4].min() > 0.99 * state.tissue.sum(axis=0).max()


def test_tissue_without_blood_flow_gets_nothing() -> None:
    state = advanced(region(tolerance=1e-3), LiposomeState.empty(3), 600.0, constant([0.0, 0.007, 0.007], 1.0), DOSE)
    assert np.all(state.tissue[:, 0] == 0.0)
    assert state.tissue[:, 1:].sum(axis=0).min() > 0.0


def test_equal_points_get_the_same_whatever_their_order() -> None:
    kinetics = LiposomeKinetics(ADULT, tissue(3), Points(np.array([1.0, 5.0, 2.0]) * 1e-6), tolerance=1e-3)
    turned = LiposomeKinetics(ADULT, tissue(3), Points(np.array([2.0, 5.0, 1.0]) * 1e-6), tolerance=1e-3)
    one = advanced(kinetics, LiposomeState.empty(3), 900.0, constant([0.007, 0.002, 0.007], [1.0, 0.3, 1.0]), DOSE)
    other = advanced(turned, LiposomeState.empty(3), 900.0, constant([0.007, 0.002, 0.007], [1.0, 0.3, 1.0]), DOSE)
    assert one.tissue[:, 0] == pytest.approx(one.tissue[:, 2], rel=1e-12)
    assert one.tissue == pytest.approx(other.tissue[:, ::-1], rel=1e-9)
    assert one.body == pytest.approx(other.body, rel=1e-9)


def warming(share: float) -> Conditions:
    """Three points: one as cool as the body, one that warms up, one whose blood stops."""
    rates = np.array([1.4e-5, 0.4, 0.9]) * (0.3 + 0.7 * share)
    return Conditions(np.array([0.007, 0.006, 0.005 * (1.0 - share)]), rates, np.array([4e-6, 1e-4, 2e-4]))


def reference(duration: float) -> LiposomeState:
    """The same by the definition in ``physics`` and an integrator of another kind."""
    kinetics, count = tissue(3), len(VOLUMES)

    def rates(time: float, flat: Floats) -> Floats:
        inside, body, now = flat[: 5 * count].reshape(5, count), flat[5 * count :], warming(time / duration)
        flows = tissue_flows(
            kinetics,
            plasma_flow=now.plasma_flow,
            release=now.release,
            extravasation=now.extravasation,
            interstitium_free=inside[3],
            cells=inside[4],
        )
        encapsulated, free = body[0] / ADULT.encapsulated_volume, body[1] / ADULT.free_volume
        own = np.array(body_rates(body, ADULT))
        own[0] += DOSE / duration - (flows.inflow * encapsulated - flows.outflow * inside[0]) @ VOLUMES
        own[1] -= (flows.inflow * free - flows.free_outflow * inside[2]) @ VOLUMES
        change = np.array(tissue_rates(inside, flows, encapsulated=encapsulated, free=free))
        return np.concatenate([change.ravel(), own])

    start = np.zeros(5 * count + len(BODY))
    flat = solve_ivp(rates, (0.0, duration), start, method="LSODA", rtol=1e-10, atol=1e-18).y[:, -1]
    return LiposomeState(flat[: 5 * count].reshape(5, count), flat[5 * count :])


def largest_error(state: LiposomeState, exact: LiposomeState) -> float:
    """Relative to the largest of each compartment."""
    inside = np.abs(state.tissue - exact.tissue) / exact.tissue.max(axis=1, keepdims=True)
    return float(max(inside.max(), np.abs(state.body / exact.body - 1.0).max()))


def test_steps_are_of_second_order() -> None:
    duration, exact, errors = 600.0, reference(600.0), []
    counts = (300, 600, 1200)
    for count in counts:
        kinetics, state = region(tolerance=1.0), LiposomeState.empty(3)
        for number in range(count):
            before, after = warming(number / count), warming((number + 1) / count)
            state, _ = kinetics.step(state, duration / count, before, after, np.array([DOSE / duration, 0.0]))
        errors.append(largest_error(state, exact))
    slopes = np.diff(np.log(errors)) / np.diff(np.log(1.0 / np.array(counts)))
    assert np.all(slopes > 1.7)
    assert np.all(slopes < 2.3)
    assert errors[-1] < 2e-3


def test_a_smaller_tolerance_gives_a_smaller_error() -> None:
    exact, errors = reference(600.0), []
    for tolerance in (2e-2, 5e-3, 1e-3):
        state = advanced(region(tolerance=tolerance), LiposomeState.empty(3), 600.0, warming, DOSE)
        errors.append(largest_error(state, exact))
    assert errors[0] > 2.0 * errors[1] > 4.0 * errors[2]
    assert errors[1] < 5e-3


@pytest.mark.parametrize("length", [0.1, 60.0, 1e4, 1e7])
def test_steps_of_any_length_keep_every_amount_positive_and_their_sum(length: float) -> None:
    kinetics, state, given = region(), LiposomeState.empty(3), 0.0
    for number in range(6):
        infused = DOSE if number < 3 else 0.0
        state, _ = kinetics.step(state, length, warming(0.2), warming(0.9), np.array([0.9, 0.1]) * infused / length)
        given += infused
        assert state.tissue.min() >= 0.0
        assert state.body.min() >= 0.0
        assert held(state) == pytest.approx(given, rel=1e-11)


def test_two_weeks_pass_in_few_steps() -> None:
    kinetics = region(tolerance=5e-3)
    state = advanced(kinetics, LiposomeState.empty(3), 1800.0, constant(0.007, 0.5), DOSE)
    state = advanced(kinetics, state, 14 * 86400.0, constant(0.007, 1.4e-5))
    assert kinetics.steps < 4000
    assert held(state) == pytest.approx(DOSE, rel=1e-9)
    assert state.body[0] < 1e-9 * DOSE
