# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of microwave generators."""

import pytest
from pydantic import ValidationError

from imagio_sim.devices import load_device
from imagio_sim.plan.programs.microwave import ConstantPower, Pulsed


def constant(power: str = "40 W", **more: object) -> ConstantPower:
    return ConstantPower.model_validate({"mode": "constant_power", "power": power, "duration": "10 min", **more})


def pulsed(duration: str, on_time: str = "20 s") -> Pulsed:
    return Pulsed.model_validate(
        {"mode": "pulsed", "power": "40 W", "duration": duration, "on_time": on_time, "off_time": "10 s"}
    )


def test_constant_power_is_on_and_then_off() -> None:
    assert constant().steps == ((0.0, 40.0), (600.0, 0.0))
    assert constant().treatment_time == 600.0


def test_pulses_follow_each_other_until_the_end() -> None:
    assert pulsed("1 min").steps == ((0.0, 40.0), (20.0, 0.0), (30.0, 40.0), (50.0, 0.0))


def test_a_pulse_is_cut_by_the_end() -> None:
    assert pulsed("40 s").steps == ((0.0, 40.0), (20.0, 0.0), (30.0, 40.0), (40.0, 0.0))


def test_pulses_longer_than_the_program_are_refused() -> None:
    with pytest.raises(ValidationError) as refusal:
        pulsed("10 s")
    (found,) = refusal.value.errors()[0]["ctx"]["faults"]
    assert "at most the duration" in str(found)


def test_more_power_than_the_generator_has_is_a_fault() -> None:
    device = load_device("mw_single_slot")
    assert not list(constant("40 W").faults_with(device))
    (found,) = constant("80 W").faults_with(device)
    assert "80 W" in str(found)
    assert "60 W" in str(found)


def test_a_phase_is_an_angle() -> None:
    assert constant(phase="90 deg").phase == pytest.approx(90.0)
    assert constant().phase is None
    with pytest.raises(ValidationError):
        constant(phase="90 W")
