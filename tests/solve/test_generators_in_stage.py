# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generators at work in a stage: switched on late, several at once, bipolar, regulated by sensors, or not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imagio_sim.devices.generator import ConstantDrive, ImpedanceControl, TemperatureControl
from imagio_sim.solve.case import Numerics, SurfaceCooling
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import GENEROUS, begun, cube, driven, finished, radiofrequency, replayed

TWO_WEEKS = 14 * 24 * 3600.0


def power(value: float, **times: float) -> ConstantDrive:
    return ConstantDrive(**{"limits": GENEROUS, "duration": 60.0, "kind": "power", "value": value, **times})


def regulated(**changes: Any) -> TemperatureControl:
    settings = {"duration": 240.0, "target_temperature": 70.0, "max_power": 40.0, "initial_power": 20.0}
    return TemperatureControl(**{"limits": GENEROUS, "gain": 0.1, "tick": 2.0, **settings, **changes})


def pulsing(**changes: Any) -> ImpedanceControl:
    settings: dict[str, Any] = {
        "duration": 200.0,
        "initial_power": 80.0,
        "max_power": 100.0,
        "ramp_rate": 0.5,
        "roll_off_rise": 5.0,
        "baseline_window": 20.0,
        "pause_duration": 15.0,
        "pause_power": 1.0,
        "resume_fraction": 0.9,
    }
    return ImpedanceControl(limits=GENEROUS, **settings | changes)


def column(stage: Stage, name: str) -> list[tuple[float, float]]:
    """Time at the end of each step and what was recorded for it."""
    return [(row["time_s"], row[name]) for row in stage.history]


def energy(stage: Stage, name: str) -> float:
    return sum(row["step_s"] * row[name] for row in stage.history)


def test_a_generator_that_starts_late_does_nothing_before_and_then_steps_are_short() -> None:
    stage = finished(driven(power(4.0, start=25.0, duration=30.0, cooling_phase=5.0)))
    held = column(stage, "left.power_W")
    assert all(value == 0.0 for time, value in held if time <= 25.0 + 1e-9)
    assert all(value == pytest.approx(4.0) for time, value in held if 25.0 + 1e-9 < time <= 55.0 + 1e-9)
    assert all(value == 0.0 for time, value in held if time > 55.0 + 1e-9)
    assert {25.0, 55.0, 60.0} <= {round(time, 6) for time, _ in held}
    first_powered = next(row["step_s"] for row in stage.history if row["time_s"] > 25.0 + 1e-9)
    assert first_powered <= Numerics().first_step
    assert energy(stage, "left.power_W") == pytest.approx(4.0 * 30.0)


def test_two_generators_keep_their_own_programs() -> None:
    stage = finished(driven(power(5.0, duration=40.0), power(2.0, start=20.0, duration=50.0)))
    left, right = (dict(column(stage, f"{name}.power_W")) for name in ("left", "right"))
    for time in left:
        assert left[time] == pytest.approx(5.0 if time <= 40.0 + 1e-9 else 0.0), time
        assert right[time] == pytest.approx(2.0 if 20.0 + 1e-9 < time <= 70.0 + 1e-9 else 0.0), time
    for row in stage.history:
        given = row["left.power_W"] + row["right.power_W"]
        assert row["deposited_power_W"] + row["far_field_power_W"] == pytest.approx(given, rel=1e-6)
    assert stage.ledger.deposited["radiofrequency"] + stage.ledger.far_field == pytest.approx(5.0 * 40.0 + 2.0 * 50.0)
    assert stage.ledger.balance_error < 1e-6


def test_a_plate_whose_generator_is_off_carries_no_current_though_it_has_a_voltage() -> None:
    stage = begun(driven(power(5.0), power(2.0, start=30.0)))
    stage.advance()
    solution, circuit = radiofrequency(stage).solution, radiofrequency(stage).circuit
    assert solution is not None
    currents = solution.conductance @ circuit.conductor_voltages
    assert currents[1] == pytest.approx(0.0, abs=1e-9 * currents[0])
    assert circuit.conductor_voltages[1] > 0.0


def test_a_bipolar_output_takes_all_its_current_back_and_leaves_little_for_the_far_field() -> None:
    stage = finished(driven(power(5.0, duration=20.0), bipolar=True))
    monopolar = finished(driven(power(5.0, duration=20.0)))
    row = stage.history[-1]
    assert row["left.power_W"] == pytest.approx(5.0)
    assert row["deposited_power_W"] + row["far_field_power_W"] == pytest.approx(5.0, rel=1e-6)
    assert row["far_field_power_W"] < 0.25 * monopolar.history[-1]["far_field_power_W"]
    assert radiofrequency(stage).solution is not None
    currents = radiofrequency(stage).solution.conductance @ radiofrequency(stage).circuit.conductor_voltages
    assert currents.sum() == pytest.approx(0.0, abs=1e-9)
    assert currents[0] == pytest.approx(row["left.current_A"])
    potential = radiofrequency(stage).potential()
    assert potential.max() == pytest.approx(-potential.min(), rel=1e-2)
    assert potential.max() - potential.min() == pytest.approx(row["left.voltage_V"], rel=1e-6)


def test_a_symmetric_bipolar_pair_heats_both_sides_alike() -> None:
    stage = finished(driven(power(5.0, duration=20.0), bipolar=True))
    x = stage.space.points[:, 0]
    volume = stage.operators.distributed(np.ones(stage.space.cell_count))
    rise = (stage.temperature - 37.0) * volume
    middle = x.max() / 2.0
    assert rise[x < middle - 1e-6].sum() == pytest.approx(rise[x > middle + 1e-6].sum(), rel=0.02)


def test_temperature_control_brings_the_sensors_to_the_target_and_holds_them() -> None:
    stage = finished(driven(regulated()))
    (state,) = (controller.state() for controller in radiofrequency(stage).controllers)
    assert state["temperature"] == pytest.approx(70.0, abs=1.0)
    powers = [value for _, value in column(stage, "left.power_W")]
    assert max(powers) <= 40.0 + 1e-9
    assert powers[-1] < 0.5 * max(powers)
    assert stage.ledger.balance_error < 1e-6


def test_temperature_control_stands_still_once_the_power_is_off_for_good() -> None:
    case = driven(regulated(duration=60.0, cooling_phase=60.0))
    stage = begun(case)
    while stage.time < 60.0 - 1e-9:
        stage.advance()
    at_the_end = radiofrequency(stage).controllers[0].state()
    while not stage.finished:
        stage.advance()
    assert radiofrequency(stage).controllers[0].state() == at_the_end


@pytest.mark.parametrize(
    "controller", [regulated(initial_power=40.0, tick=20.0, tolerance=0.5), pulsing()], ids=["temperature", "impedance"]
)
def test_rejected_steps_leave_no_trace(controller: Any) -> None:
    case = driven(controller, numerics=Numerics(linear_tolerance=1e-10))
    stage = finished(case)
    again = replayed(case, stage)
    assert stage.rejected > 0
    assert again.rejected == 0
    assert radiofrequency(again).controllers[0].state() == pytest.approx(
        radiofrequency(stage).controllers[0].state(), rel=1e-6
    )
    assert again.temperature == pytest.approx(stage.temperature, rel=1e-6)


def test_a_roll_off_cuts_the_step_in_which_it_happens() -> None:
    controller = pulsing()
    stage = finished(driven(controller))
    assert radiofrequency(stage).controllers[0].state()["pulses"] >= 2
    threshold = radiofrequency(stage).controllers[0].state()["baseline"] + 5.0
    impedance = [row["left.impedance_ohm"] for row in stage.history]
    powered = [row["left.power_W"] > 2.0 for row in stage.history]
    # What is still too dry after a pause rolls off at once, with nothing to cut.
    rolled_off = [
        now
        for before, now, on, still_on in zip(impedance, impedance[1:], powered[1:], powered[2:], strict=False)
        if before <= threshold < now and on and not still_on
    ]
    assert rolled_off
    # Within the controller's tolerance of 2 ohm, and a step at the moment of its event.
    assert all(found < threshold + 3.0 for found in rolled_off)


def test_without_current_there_is_no_impedance_to_take_for_the_baseline() -> None:
    stage = begun(driven(pulsing(pause_power=0.0, baseline_window=150.0)))
    while not stage.finished and stage.time < 150.0:
        stage.advance()
    state = radiofrequency(stage).controllers[0].state()
    assert 1 <= state["pulses"] <= 8
    assert state["baseline"] > 1.0


def test_a_step_rejected_for_its_error_is_remembered() -> None:
    stage = begun(driven(power(10.0, duration=600.0), numerics=Numerics(time_tolerance=0.1)))
    for _ in range(5):
        stage.advance()
    stage.duration = 19.0
    stage.advance()
    after_the_first = stage.rejected
    assert after_the_first > 0
    for _ in range(5):
        stage.advance()
    assert stage.rejected == after_the_first


def test_a_stage_without_generators_takes_long_steps_and_stays_alive() -> None:
    warm = np.full(9**3, 37.0)
    warm[: 9**2] = 45.0
    states = {f"death/{name}": state for name, state in begun(cube()).death.states.items()}
    initial = {"temperature": warm, "peak_temperature": warm, **states}
    stage = finished(cube(end_time=TWO_WEEKS, initial_state=initial))
    assert stage.steps < 100
    assert stage.rejected <= 2
    assert stage.temperature == pytest.approx(37.0, abs=1e-4)
    assert stage.peak_temperature.max() == pytest.approx(45.0)
    assert stage.death.dead_fraction().max() < 0.1
    assert stage.load.power == 0.0
    assert stage.ledger.balance_error < 1e-4


def test_metabolism_does_not_kill_untreated_tissue_in_two_weeks_and_dead_tissue_has_none() -> None:
    fields = cube().cell_fields
    fields = {**fields, "metabolic_heat": np.full_like(fields["metabolic_heat"], 33800.0)}
    alive = finished(cube(end_time=TWO_WEEKS, cell_fields=fields))
    assert 37.5 < alive.temperature.max() < 39.0
    assert alive.death.dead_fraction().max() == 0.0
    states = {f"death/{name}": state for name, state in begun(cube()).death.states.items()}
    states["death/arrhenius_hepg2"] = np.full((1, 9**3), 50.0)
    body = np.full(9**3, 37.0)
    dead = finished(
        cube(
            end_time=TWO_WEEKS,
            cell_fields=fields,
            initial_state={"temperature": body, "peak_temperature": body, **states},
        )
    )
    assert dead.temperature == pytest.approx(37.0, abs=1e-6)
    assert dead.ledger.deposited["metabolism"] == 0.0


def test_a_coolant_that_stops_by_itself_ends_a_step() -> None:
    cooled = SurfaceCooling("left", 500.0, 10.0, "coolant", until=33.0)
    stage = finished(cube(cooling=(cooled,), end_time=60.0))
    assert any(row["time_s"] == pytest.approx(33.0, abs=1e-6) for row in stage.history)
    cold_at_33 = stage.ledger.lost["coolant"]
    without = finished(cube(cooling=(replace(cooled, until=33.0),), end_time=33.0))
    assert cold_at_33 == pytest.approx(without.ledger.lost["coolant"], rel=1e-6)
