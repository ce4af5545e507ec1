# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which electrodes a generator drives in a stage, and the controller that runs its program.

What a program leaves open is filled from the device's own figures here, once, so that the solution and the
resolved plan agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imagio_sim.devices.generator import ConstantDrive, Controller, ImpedanceControl, TemperatureControl
from imagio_sim.devices.library import Device
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.plan.placement import sensors_in_lps
from imagio_sim.plan.programs import Program
from imagio_sim.plan.programs.radiofrequency import ConstantCurrent, ConstantPower, ConstantVoltage, ImpedanceControlled
from imagio_sim.plan.scenario import Scenario
from imagio_sim.plan.stages import Applicator, Stage


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
    device: Device

    def controller(self) -> Controller:
        """A fresh controller that runs the program; times are seconds of the stage."""
        return _CONTROLLERS[self.program.mode](self)


def channels(scenario: Scenario, plan_name: str, stage: int) -> tuple[Channel, ...]:
    """The generator outputs of a stage (counted from 0), in the order of its applicators."""
    plan = scenario.plan(plan_name)
    here = plan.stages[stage]
    named = tuple(zip(plan.applicator_names[stage], here.applicators, strict=True))
    return tuple(
        _channel(name, applicator, here, scenario)
        for name, applicator in named
        if here.program_of(applicator) is not None
    )


def _channel(name: str, applicator: Applicator, stage: Stage, scenario: Scenario) -> Channel:
    device, program = applicator.of_library, stage.program_of(applicator)
    assert program is not None
    partner = next(
        (one for one in stage.applicators if one.name is not None and one.name == applicator.return_electrode), None
    )
    returning = tuple(f"{partner.name}.{conductor}" for conductor in partner.of_library.conductors) if partner else ()
    own = [(f"{name}.{conductor}", polarity) for conductor, polarity in device.conductors.items()]
    return Channel(
        name=name,
        active=tuple(conductor for conductor, polarity in own if polarity == "active"),
        returning=returning + tuple(conductor for conductor, polarity in own if polarity == "return"),
        sensors_mm=sensors_in_lps(applicator, scenario.frame, scenario.base),
        program=filled(program, device),
        start=applicator.start,
        device=device,
    )


def filled(program: Program, device: Device) -> Program:
    """A program in which every figure that was left open is the generator's own."""
    defaults = getattr(device.generator, program.mode, None)
    if not isinstance(defaults, DeviceData):
        return program
    own = {name: figure.value for name, figure in defaults if isinstance(figure, Sourced)}
    own["max_power"] = device.generator.max_power.value
    return program.model_copy(update={name: value for name, value in own.items() if getattr(program, name) is None})


def _shared(channel: Channel) -> dict[str, Any]:
    program = channel.program
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
