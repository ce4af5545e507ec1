# SPDX-License-Identifier: LGPL-3.0-or-later
"""Controllers against loads that are known in closed form."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from imagio_sim.devices.generator import (
    MINIMUM_STEP,
    ConstantDrive,
    Controller,
    Drive,
    ImpedanceControl,
    Limits,
    Reading,
    TemperatureControl,
    described,
    from_description,
)

LIMITS = Limits(power_W=200.0, voltage_V=250.0, current_A=2.0)

Load = Callable[[float], float]


def delivered(drive: Drive, impedance: float) -> tuple[float, float, float]:
    """Power, voltage and current of a drive that no limit clips."""
    wanted = {"power": math.sqrt(drive.value * impedance), "current": drive.value * impedance}
    voltage = wanted.get(drive.kind, drive.value)
    return voltage**2 / impedance, voltage, voltage / impedance


@dataclass
class Recording:
    times: list[float] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    impedances: list[float] = field(default_factory=list)
    rejected: int = 0

    @property
    def energy(self) -> float:
        steps = [b - a for a, b in zip([0.0, *self.times], self.times, strict=False)]
        return sum(step * power for step, power in zip(steps, self.powers, strict=True))

    def power_at(self, time: float) -> float:
        return next(power for end, power in zip(self.times, self.powers, strict=True) if end > time)


def play(controller: Controller, load: Load, *, longest_step: float, until: float, from_time: float = 0.0) -> Recording:
    """Step a controller through a load, as time stepping does."""
    record, time, step = Recording(), from_time, longest_step
    while time < until - 1e-9:
        end = min(time + step, controller.next_event(time), until)
        power, voltage, current = delivered(controller.setting(time), load(end))
        verdict = controller.observe(end, Reading(power, voltage, current, load(end)))
        if not verdict.accepted:
            assert verdict.shorter_step is not None
            assert verdict.shorter_step < end - time
            step, record.rejected = verdict.shorter_step, record.rejected + 1
            continue
        record.times.append(end)
        record.powers.append(power)
        record.impedances.append(load(end))
        time, step = end, longest_step
    return record


def constant(kind: Any = "power", value: float = 60.0, **changes: Any) -> ConstantDrive:
    return ConstantDrive(**{"limits": LIMITS, "duration": 120.0, "kind": kind, "value": value} | changes)


def impedance_control(**changes: Any) -> ImpedanceControl:
    settings: dict[str, Any] = {
        "limits": LIMITS,
        "duration": 300.0,
        "initial_power": 40.0,
        "max_power": 100.0,
        "ramp_rate": 1.0,
        "roll_off_rise": 20.0,
        "baseline_window": 10.0,
        "pause_duration": 15.0,
        "pause_power": 10.0,
        "resume_fraction": 0.5,
    }
    return ImpedanceControl(**settings | changes)


def temperature_control(**changes: Any) -> TemperatureControl:
    settings: dict[str, Any] = {
        "limits": LIMITS,
        "duration": 900.0,
        "target_temperature": 105.0,
        "max_power": 150.0,
        "initial_power": 20.0,
        "gain": 0.025,
        "tick": 2.0,
    }
    return TemperatureControl(**settings | changes)


@pytest.mark.parametrize("kind", ["power", "voltage", "current"])
def test_a_constant_drive_holds_its_value_and_carries_the_limits(kind: Any) -> None:
    assert constant(kind, 1.5).setting(0.0) == Drive(kind, 1.5, LIMITS)


def test_power_ends_on_time_and_the_cooling_phase_follows() -> None:
    controller = constant(start=30.0, cooling_phase=60.0)
    record = play(controller, lambda time: 50.0, longest_step=7.0, until=controller.end_time)
    assert controller.end_time == 210.0
    assert record.energy == pytest.approx(60.0 * 120.0)
    assert {30.0, 150.0, 210.0} <= set(record.times)
    assert controller.setting(29.0).kind == controller.setting(150.0).kind == "off"
    assert controller.next_event(210.0) == math.inf


def test_without_roll_off_the_power_ramps_up_with_the_energy_of_the_ramp() -> None:
    record = play(impedance_control(), lambda time: 50.0, longest_step=20.0, until=300.0)
    ramp = 60.0  # from 40 W to 100 W at 1 W/s
    assert record.energy == pytest.approx((40.0 + 100.0) / 2.0 * ramp + 100.0 * (300.0 - ramp), rel=2e-3)
    assert max(record.powers) == 100.0
    assert record.rejected == 0


def rising(time: float) -> float:
    """Impedance that falls while the tissue warms and rises past 100 ohm at 60 s."""
    return 90.0 - time if time < 10.0 else 80.0 + 0.4 * (time - 10.0)


def test_the_roll_off_is_timed_where_the_load_crosses_the_threshold() -> None:
    controller = impedance_control()
    record = play(controller, rising, longest_step=20.0, until=70.0)
    assert controller.threshold_ohm == pytest.approx(100.0)
    assert controller.pulses == 1
    onset = next(time for time, power in zip(record.times, record.powers, strict=True) if power < 11.0)
    begin = max(time for time in record.times if time < onset)
    assert rising(begin) == pytest.approx(100.0, abs=controller.overshoot_tolerance)


def test_a_long_step_over_the_threshold_is_rejected_and_leaves_no_trace() -> None:
    controller = impedance_control()
    controller.observe(10.0, Reading(50.0, 60.0, 1.0, 80.0))
    before = controller.state()
    verdict = controller.observe(40.0, Reading(50.0, 60.0, 1.0, 140.0))
    assert not verdict.accepted
    assert verdict.shorter_step == pytest.approx(10.0)
    assert controller.state() == before
    assert controller.observe(10.0 + MINIMUM_STEP, Reading(50.0, 60.0, 1.0, 140.0)).accepted


def test_a_pause_lasts_as_long_as_it_should_and_resumes_at_a_fraction_of_the_power() -> None:
    controller = impedance_control()
    record = play(controller, rising, longest_step=1.0, until=62.0)
    begin = controller.state()["phase_start"]
    assert controller.next_event(62.0) == pytest.approx(begin + 15.0)
    play(controller, lambda time: 60.0, longest_step=4.0, until=100.0, from_time=62.0)
    assert record.powers[-1] == pytest.approx(10.0)
    before = record.power_at(begin - 0.5)
    assert controller.setting(90.0).value == pytest.approx(0.5 * before)
    assert controller.pulses == 1


def test_a_load_that_rolls_off_whenever_heated_gives_regular_pulses() -> None:
    controller, heated = impedance_control(resume_fraction=1.0, max_power=40.0), [0.0]

    def load(end: float) -> float:
        power = controller.setting(end - 1e-6).value
        heated[0] += 0.5 if power > 20.0 else -1.0
        heated[0] = max(heated[0], 0.0)
        return 80.0 + heated[0]

    time = 0.0
    while time < 300.0:
        end = min(time + 1.0, controller.next_event(time))
        assert controller.observe(end, Reading(0.0, 0.0, 0.0, load(end))).accepted
        time = end
    assert 3 <= controller.pulses <= 7


def test_the_second_roll_off_can_end_the_treatment() -> None:
    controller = impedance_control(stop_after_roll_offs=2, pause_duration=5.0)
    record = play(controller, rising, longest_step=2.0, until=300.0)
    assert controller.pulses == 2
    assert controller.setting(200.0).kind == "off"
    assert record.powers[-1] == 0.0


def cooled_plant(power_gain: float) -> Callable[[float, float, float], float]:
    """A first-order tissue: it tends to 37 degC plus ``power_gain`` times the power, with a time constant of 60 s."""

    def warmed(temperature: float, power: float, step: float) -> float:
        return temperature + (37.0 + power_gain * power - temperature) * (1.0 - math.exp(-step / 60.0))

    return warmed


def regulated(controller: TemperatureControl, power_gain: float, step: float) -> list[float]:
    plant, temperature, time, seen = cooled_plant(power_gain), 37.0, 0.0, []
    while time < controller.power_off_time - 1e-9:
        end = min(time + step, controller.next_event(time))
        tentative = plant(temperature, controller.setting(time).value, end - time)
        if controller.observe(end, Reading(0.0, 0.0, 0.0, 50.0, (tentative, tentative))).accepted:
            temperature, time = tentative, end
            seen.append(temperature)
    return seen


def test_temperature_control_reaches_and_holds_the_target() -> None:
    controller = temperature_control(duration=1800.0)
    seen = regulated(controller, power_gain=1.0, step=2.0)
    assert seen[-1] == pytest.approx(105.0, abs=2.0)
    assert max(seen) < 125.0


def test_temperature_control_saturates_at_the_maximum_power() -> None:
    controller = temperature_control()
    regulated(controller, power_gain=0.1, step=2.0)
    assert controller.state()["power"] == 150.0


def test_control_steps_do_not_pass_a_tick() -> None:
    controller = temperature_control(start=1.0)
    assert controller.next_event(0.0) == 1.0
    assert controller.next_event(1.0) == pytest.approx(3.0)
    assert controller.next_event(3.5) == pytest.approx(5.0)


def test_a_step_that_jumps_over_the_target_is_cut() -> None:
    controller = temperature_control()
    controller.observe(2.0, Reading(20.0, 0.0, 0.0, 50.0, (100.0,)))
    before = controller.state()
    verdict = controller.observe(4.0, Reading(20.0, 0.0, 0.0, 50.0, (115.0,)))
    assert (verdict.accepted, verdict.shorter_step) == (False, 1.0)
    assert controller.state() == before
    assert controller.observe(2.0 + MINIMUM_STEP, Reading(20.0, 0.0, 0.0, 50.0, (115.0,))).accepted


def test_temperature_control_without_sensors_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sensor"):
        temperature_control().observe(2.0, Reading(20.0, 0.0, 0.0, 50.0))


@pytest.mark.parametrize("make", [impedance_control, temperature_control, constant])
def test_a_controller_goes_on_from_its_saved_state(make: Callable[..., Controller]) -> None:
    first, second = make(), make()

    def reading(time: float) -> Reading:
        return Reading(40.0, 50.0, 0.8, rising(time), (37.0 + time / 3.0,))

    for number in range(1, 70):
        first.observe(float(number), reading(float(number)))
    second.restore(json.loads(json.dumps(first.state())))
    for number in range(70, 110):
        time = float(number)
        assert first.setting(time - 1.0) == second.setting(time - 1.0)
        assert first.next_event(time - 1.0) == second.next_event(time - 1.0)
        assert first.observe(time, reading(time)) == second.observe(time, reading(time))
    assert first.state() == second.state()


def test_a_constant_drive_refuses_a_state_that_is_not_its_own() -> None:
    with pytest.raises(ValueError, match="has no state"):
        constant().restore({"pulses": 1.0})


@pytest.mark.parametrize(
    "controller",
    [
        ConstantDrive(limits=LIMITS, duration=60.0, kind="power", value=40.0),
        TemperatureControl(
            limits=LIMITS,
            duration=60.0,
            target_temperature=105.0,
            max_power=150.0,
            initial_power=20.0,
            gain=0.025,
            tick=2.0,
        ),
        ImpedanceControl(
            limits=LIMITS,
            start=5.0,
            duration=600.0,
            initial_power=20.0,
            max_power=200.0,
            ramp_rate=1.0,
            roll_off_rise=20.0,
            baseline_window=10.0,
            pause_duration=15.0,
            pause_power=10.0,
            resume_fraction=1.0,
        ),
    ],
    ids=lambda controller: type(controller).__name__,
)
def test_a_described_controller_comes_back_with_all_its_settings(controller: Controller) -> None:
    description = json.loads(json.dumps(described(controller)))
    assert from_description(description) == controller
