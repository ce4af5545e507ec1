# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laser programs: pulses, and what a device cannot do."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, assignments
from imagio_sim.plan.programs.laser import LaserProgram

DEVICE, PROGRAM = "plans.A.applicators[0].device", "plans.A.program"
PULSED = {"mode": "pulsed", "power": "10 W", "on_time": "20 s", "off_time": "10 s", "duration": "70 s"}
CONSTANT = {"mode": "constant_power", "power": "10 W", "duration": "10 min"}


def program_of(scenario: Scenario) -> LaserProgram:
    (only,) = assignments(scenario, "A", 0, "laser")
    assert isinstance(only.program, LaserProgram)
    return only.program


def test_a_laser_takes_constant_power_from_its_device(scenario: Callable[..., Scenario]) -> None:
    program = program_of(scenario({DEVICE: "laser_diffuser_2cm", PROGRAM: CONSTANT}))
    assert program.pulses == ((0.0, 600.0),)
    assert program.treatment_time == 600.0


def test_the_last_pulse_ends_with_the_program(scenario: Callable[..., Scenario]) -> None:
    program = program_of(scenario({DEVICE: "laser_diffuser_2cm", PROGRAM: PULSED}))
    assert program.pulses == ((0.0, 20.0), (30.0, 50.0), (60.0, 70.0))


def test_no_pulse_begins_when_the_program_is_over(scenario: Callable[..., Scenario]) -> None:
    program = program_of(scenario({DEVICE: "laser_diffuser_2cm", PROGRAM: {**PULSED, "duration": "60 s"}}))
    assert program.pulses == ((0.0, 20.0), (30.0, 50.0))


def test_fibres_of_two_wavelengths_in_one_stage_are_refused(refusals: Callable[..., tuple[InputError, ...]]) -> None:
    fibres = [
        {"device": device, "entry": [110, y, 30], "tip": [5, y, 30], "program": CONSTANT}
        for device, y in (("laser_diffuser_2cm", 20), ("laser_cooled_1.65mm_1cm", 40))
    ]
    (error,) = refusals({"plans.A": {"applicators": fibres}})
    assert str(error).startswith("small.yaml: plans.A.applicators: expected one wavelength per stage")
    assert "fibres of 980 nm and 1064 nm" in str(error)


@pytest.mark.parametrize(
    ("program", "where", "says"),
    [
        ({**CONSTANT, "power": "13 W"}, f"{PROGRAM}.power", "at most 12 W"),
        ({**CONSTANT, "power": "0 W"}, f"{PROGRAM}.power", "0.1 W"),
        ({**PULSED, "on_time": "80 s"}, f"{PROGRAM}.on_time", "at most the duration, 70 s"),
        ({**PULSED, "off_time": ...}, f"{PROGRAM}.off_time", ""),
        ({"mode": "impedance_control", "duration": "10 min"}, f"{PROGRAM}", "constant_power, pulsed"),
    ],
)
def test_what_the_laser_cannot_do_is_refused(
    program: dict[str, Any], where: str, says: str, refusals: Callable[..., tuple[InputError, ...]]
) -> None:
    given = {key: value for key, value in program.items() if value is not ...}
    errors = refusals({DEVICE: "laser_diffuser_2cm", PROGRAM: given})
    assert any(where in str(error) and says in str(error) for error in errors), [str(error) for error in errors]
