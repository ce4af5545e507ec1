# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generator outputs of a stage, their programs and timelines."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.devices.generator import ConstantDrive, ImpedanceControl, TemperatureControl
from imagio_sim.plan import Scenario, channels, resolved_plan
from imagio_sim.plan.programs import PROGRAMS, modes_of, tag_of

Make = Callable[..., Scenario]

NEEDLE = {"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30]}
SECOND = {"device": "cooled_17g_3cm", "entry": [110, 50, 30], "tip": [5, 50, 30], "name": "second"}
CONSTANT = {"mode": "constant_power", "power": "60 W", "duration": "12 min", "cooling_phase": "1 min"}


def test_a_monopolar_applicator_drives_its_conductor_against_the_ground(scenario: Make) -> None:
    (channel,) = channels(scenario(), "A", 0)
    assert (channel.active, channel.returning) == (("applicator_1.active",), ())


def test_a_bipolar_needle_drives_one_electrode_against_the_other(scenario: Make) -> None:
    (channel,) = channels(scenario({"plans.A.applicators[0].device": "bipolar_15g_2x2cm"}), "A", 0)
    assert (channel.active, channel.returning) == (("applicator_1.distal",), ("applicator_1.proximal",))


def test_a_pair_of_needles_is_one_output(scenario: Make) -> None:
    plan = {"applicators": [{**NEEDLE, "name": "first", "return_electrode": "second"}, SECOND], "program": CONSTANT}
    (channel,) = channels(scenario({"plans.A": plan}), "A", 0)
    assert (channel.name, channel.active, channel.returning) == ("first", ("first.active",), ("second.active",))


def test_the_stages_program_runs_on_every_applicator_without_its_own(scenario: Make) -> None:
    own = {"mode": "constant_current", "current": "1 A", "duration": "6 min"}
    plan = {"applicators": [NEEDLE, {**SECOND, "program": own, "start": "30 s"}], "program": CONSTANT}
    first, second = channels(scenario({"plans.A": plan}), "A", 0)
    assert first.program.mode == "constant_power"
    controller = second.controller()
    assert isinstance(controller, ConstantDrive)
    assert (controller.kind, controller.value, controller.start, controller.power_off_time) == (
        "current",
        1.0,
        30.0,
        390.0,
    )
    assert controller.limits.power_W == 200.0


@pytest.mark.parametrize(
    ("program", "kind", "value"),
    [
        ({"mode": "constant_power", "power": "60 W"}, "power", 60.0),
        ({"mode": "constant_voltage", "voltage": "40 V"}, "voltage", 40.0),
        ({"mode": "constant_current", "current": "900 mA"}, "current", 0.9),
    ],
)
def test_a_constant_program_becomes_a_constant_drive(
    program: dict[str, Any], kind: str, value: float, scenario: Make
) -> None:
    (channel,) = channels(scenario({"plans.A.program": {**program, "duration": "1 min"}}), "A", 0)
    drive = channel.controller().setting(0.0)
    assert (drive.kind, drive.value) == (kind, value)


def test_impedance_control_takes_what_is_left_open_from_the_device(scenario: Make) -> None:
    program = {"mode": "impedance_control", "duration": "12 min", "roll_off_rise": "30 ohm"}
    (channel,) = channels(scenario({"plans.A.program": program}), "A", 0)
    controller = channel.controller()
    assert isinstance(controller, ImpedanceControl)
    assert controller.roll_off_rise == 30.0
    assert (controller.pause_duration, controller.pause_power, controller.max_power) == (15.0, 10.0, 200.0)


def test_temperature_control_takes_gain_and_sensors_from_the_device(scenario: Make) -> None:
    program = {"mode": "temperature_control", "target_temperature": "105 degC", "duration": "15 min"}
    changes = {"plans.A.program": program, "plans.A.applicators[0].device": "starburst_xl"}
    (channel,) = channels(scenario(changes), "A", 0)
    controller = channel.controller()
    assert isinstance(controller, TemperatureControl)
    assert (controller.gain, controller.target_temperature) == (0.025, 105.0)
    assert len(channel.sensors_mm) == 5


def test_every_radio_frequency_program_can_be_run(scenario: Make) -> None:
    """A mode without a controller would show here."""
    values = {
        "constant_power": {"power": "1 W"},
        "constant_voltage": {"voltage": "1 V"},
        "constant_current": {"current": "1 A"},
        "temperature_control": {"target_temperature": "90 degC"},
    }
    for mode in modes_of("radiofrequency"):
        device = "starburst_xl" if mode == "temperature_control" else "cooled_17g_3cm"
        program = {"mode": mode, "duration": "1 min", **values.get(mode, {})}
        (channel,) = channels(scenario({"plans.A.program": program, "plans.A.applicators[0].device": device}), "A", 0)
        assert channel.controller().end_time == 60.0
    assert {tag_of(program) for program in PROGRAMS} >= {
        f"radiofrequency.{mode}" for mode in modes_of("radiofrequency")
    }


def test_stages_follow_each_other_with_their_waits(scenario: Make) -> None:
    stages = [
        {"applicators": [NEEDLE], "program": CONSTANT, "wait": "30 min"},
        {"name": "rest", "wait": "1 h"},
        {"applicators": [{**NEEDLE, "start": "10 s"}], "program": CONSTANT, "start": "3 h"},
    ]
    first, rest, last = scenario({"plans.A": {"stages": stages}}).plan("A").timeline
    assert (first.begin, first.end, first.next_begin) == (0.0, 780.0, 2580.0)
    assert (rest.name, rest.begin, rest.end) == ("rest", 2580.0, 2580.0)
    assert (last.begin, last.end) == (10800.0, 11590.0)


def test_the_modalities_of_a_plan_follow_from_its_devices(scenario: Make) -> None:
    assert scenario().plan("A").modalities == ("radiofrequency",)
    assert scenario({"plans.A": {"wait": "1 h"}}).plan("A").modalities == ()


def test_a_program_of_another_modality_than_the_device_is_a_fault(scenario: Make) -> None:
    stage = scenario().plan("A").stages[0]
    assert stage.program is not None
    foreign = stage.program.model_copy(update={"modality": "microwave"})
    (fault,) = stage.model_copy(update={"program": foreign}).faults()
    assert fault.path == ("program", "modality")
    assert fault.misfit.allowed == "radiofrequency"


def test_sensors_are_placed_in_the_patient(scenario: Make) -> None:
    (channel,) = channels(scenario(), "A", 0)
    assert channel.sensors_mm == ((-5.0, -20.0, 30.0),)


def test_the_resolved_plan_shows_every_figure_with_its_source(scenario: Make) -> None:
    resolved = resolved_plan(scenario({"plans.A.program": {"mode": "impedance_control", "duration": "12 min"}}), "A")
    (stage,) = resolved["stages"]
    assert stage["programs"][0]["program"]["pause_power"] == "10 W"
    assert stage["applicators"][0]["tip_lps_mm"] == [-5.0, -20.0, 30.0]
    cooling = resolved["devices"]["cooled_17g_3cm"]["cooling"]["heat_transfer_coefficient"]
    assert cooling["source"] in resolved["sources"]
    assert resolved["tissue_values"]["liver"]["perfusion_rate"]["source"] == "measured in this patient"
    assert "plans" not in resolved
