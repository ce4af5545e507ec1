# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generators into a conductance matrix."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.devices.generator import Drive, Limits
from imagio_sim.solve.circuit import Output, solve_circuit

GENEROUS = Limits(power_W=1e6, voltage_V=1e6, current_A=1e6)
PAIR = np.array([[0.02, -0.008], [-0.008, 0.03]])


def test_constant_power_is_delivered_whatever_the_impedance() -> None:
    for conductance in (1e-3, 1e-2, 0.1):
        state = solve_circuit(np.array([[conductance]]), [Output(0)], [Drive("power", 50.0, GENEROUS)])
        assert state.powers[0] == pytest.approx(50.0, rel=1e-12)
        assert state.voltages[0] == pytest.approx(np.sqrt(50.0 / conductance))


def test_constant_current_is_delivered_whatever_the_impedance() -> None:
    state = solve_circuit(np.array([[0.01]]), [Output(0)], [Drive("current", 1.2, GENEROUS)])
    assert state.currents[0] == pytest.approx(1.2)
    assert state.voltages[0] == pytest.approx(120.0)


@pytest.mark.parametrize(
    ("limits", "power"),
    [(Limits(200.0, 50.0, 1e6), 25.0), (Limits(200.0, 1e6, 0.5), 25.0), (Limits(10.0, 1e6, 1e6), 10.0)],
    ids=["voltage", "current", "power"],
)
def test_the_limit_that_is_met_first_holds(limits: Limits, power: float) -> None:
    state = solve_circuit(np.array([[0.01]]), [Output(0)], [Drive("power", 100.0, limits)])
    assert state.powers[0] == pytest.approx(power)


def test_a_bipolar_output_sends_back_all_its_current() -> None:
    state = solve_circuit(PAIR, [Output(0, 1)], [Drive("voltage", 30.0, GENEROUS)])
    currents = PAIR @ state.conductor_voltages
    assert currents.sum() == pytest.approx(0.0, abs=1e-12)
    assert state.conductor_voltages[0] - state.conductor_voltages[1] == pytest.approx(30.0)
    assert state.powers[0] == pytest.approx(state.conductor_voltages @ currents)


def test_an_output_that_is_off_floats_without_current() -> None:
    drives = [Drive("voltage", 10.0, GENEROUS), Drive("off", 0.0, GENEROUS)]
    state = solve_circuit(PAIR, [Output(0), Output(1)], drives)
    assert (PAIR @ state.conductor_voltages)[1] == pytest.approx(0.0, abs=1e-14)
    assert state.conductor_voltages[1] > 0.0
    assert state.powers[1] == 0.0


def test_two_outputs_hold_their_powers_together() -> None:
    drives = [Drive("power", 40.0, GENEROUS), Drive("power", 25.0, GENEROUS)]
    state = solve_circuit(PAIR, [Output(0), Output(1)], drives)
    assert state.powers == pytest.approx([40.0, 25.0], rel=1e-9)
    assert state.powers.sum() == pytest.approx(state.conductor_voltages @ PAIR @ state.conductor_voltages)


@pytest.mark.parametrize(("large", "small"), [(100.0, 10.0), (200.0, 1.0), (10.0, 100.0)])
def test_an_output_that_is_turned_down_still_gives_its_power_beside_a_strong_one(large: float, small: float) -> None:
    close = np.array([[0.04, -0.025], [-0.025, 0.04]])
    drives = [Drive("power", large, GENEROUS), Drive("power", small, GENEROUS)]
    state = solve_circuit(close, [Output(0), Output(1)], drives)
    assert state.powers == pytest.approx([large, small], rel=1e-9)
    assert (state.currents > 0.0).all()


def test_outputs_at_the_same_time_keep_their_limits() -> None:
    limits = Limits(power_W=50.0, voltage_V=60.0, current_A=0.6)
    drives = [Drive("power", 200.0, limits), Drive("power", 10.0, limits)]
    state = solve_circuit(PAIR, [Output(0), Output(1)], drives)
    assert state.powers[0] <= 50.0 + 1e-9
    assert state.voltages.max() <= 60.0 + 1e-9
    assert state.currents.max() == pytest.approx(0.6)
    assert state.powers[1] == pytest.approx(10.0)


def test_nothing_happens_when_all_is_off() -> None:
    state = solve_circuit(PAIR, [Output(0), Output(1)], [Drive("off", 0.0, GENEROUS)] * 2)
    assert not state.conductor_voltages.any()
