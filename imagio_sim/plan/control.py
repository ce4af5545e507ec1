# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which electrodes a radio-frequency generator drives in a stage, and the controller that runs its program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imagio_sim.devices.device import Device
from imagio_sim.devices.generator import ConstantDrive, Controller, ImpedanceControl, TemperatureControl
from imagio_sim.devices.modalities.radiofrequency import RadiofrequencyDevice
from imagio_sim.plan.assignments import Assignment, assignments
from imagio_sim.plan.placement import sensors_in_lps
from imagio_sim.plan.programs import Program
from imagio_sim.plan.programs.radiofrequency import (
    ConstantCurrent,
    ConstantPower,
    ConstantVoltage,
    ImpedanceControlled,
    RadiofrequencyProgram,
)
from imagio_sim.plan.scenario import Scenario


@dataclass(frozen=True)
class Channel:
    """One output of a generator.

    Attributes
    ----------
    name
        Name of the applicator it drives.
    active, returning
        Conductors as ``applicator.conductor``; the current flows from the active ones to the returning ones,
        or to the ground where there are none.
    sensors_mm
        Temperature sensors in LPS mm, in the order of the device.
    program
        With everything the scenario left open filled in.
    start
        When it is switched on [s] after the stage begins.
    device
        The applicator's device, with the limits of its generator.
    """

    name: str
    active: tuple[str, ...]
    returning: tuple[str, ...]
    sensors_mm: tuple[tuple[float, float, float], ...]
    program: Program
    start: float
    device: RadiofrequencyDevice

    def controller(self) -> Controller:
        """A fresh controller that runs the program; times are seconds of the stage."""
        return _CONTROLLERS[self.program.mode](self)


def channels(scenario: Scenario, plan_name: str, stage: int) -> tuple[Channel, ...]:
    """The radio-frequency outputs of a stage (counted from 0), in the order of its applicators."""
    return tuple(_channel(one, scenario) for one in assignments(scenario, plan_name, stage, "radiofrequency"))


def _channel(assigned: Assignment, scenario: Scenario) -> Channel:
    device, applicator = assigned.device, assigned.applicator
    assert isinstance(device, RadiofrequencyDevice)
    partner = next(
        (one for one in assigned.stage.applicators if one.name is not None and one.name == applicator.return_electrode),
        None,
    )
    returning = _conductors(partner.name, partner.of_library) if partner and partner.name else ()
    own = [(f"{assigned.name}.{conductor}", polarity) for conductor, polarity in device.conductors.items()]
    return Channel(
        name=assigned.name,
        active=tuple(conductor for conductor, polarity in own if polarity == "active"),
        returning=returning + tuple(conductor for conductor, polarity in own if polarity == "return"),
        sensors_mm=sensors_in_lps(applicator, scenario.frame, scenario.base),
        program=assigned.program,
        start=assigned.start,
        device=device,
    )


def _conductors(name: str, device: Device) -> tuple[str, ...]:
    assert isinstance(device, RadiofrequencyDevice)
    return tuple(f"{name}.{conductor}" for conductor in device.conductors)


def _shared(channel: Channel) -> dict[str, Any]:
    program = channel.program
    assert isinstance(program, RadiofrequencyProgram)
    return {
        "limits": channel.device.generator.limits,
        "start": channel.start,
        "duration": program.duration,
        "cooling_phase": program.cooling_phase,
    }


def _constant(channel: Channel) -> Controller:
    program = channel.program
    if isinstance(program, ConstantPower):
        return ConstantDrive(kind="power", value=program.power, **_shared(channel))
    if isinstance(program, ConstantVoltage):
        return ConstantDrive(kind="voltage", value=program.voltage, **_shared(channel))
    assert isinstance(program, ConstantCurrent)
    return ConstantDrive(kind="current", value=program.current, **_shared(channel))


def _temperature(channel: Channel) -> Controller:
    settings = channel.program.model_dump(exclude={"modality", "mode", "duration", "cooling_phase"})
    return TemperatureControl(**_numbers(channel.program, settings), **_shared(channel))


def _impedance(channel: Channel) -> Controller:
    assert isinstance(channel.program, ImpedanceControlled)
    settings = channel.program.model_dump(exclude={"modality", "mode", "duration", "cooling_phase"})
    return ImpedanceControl(**_numbers(channel.program, settings), **_shared(channel))


def _numbers(program: Program, names: dict[str, Any]) -> dict[str, Any]:
    """Fields as numbers: a dump would write them as text with their units."""
    return {name: getattr(program, name) for name in names}


_CONTROLLERS = {
    "constant_power": _constant,
    "constant_voltage": _constant,
    "constant_current": _constant,
    "temperature_control": _temperature,
    "impedance_control": _impedance,
}
