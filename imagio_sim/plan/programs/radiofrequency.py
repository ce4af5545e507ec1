# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of radio-frequency generators.

What a program leaves open (None) is the generator's own default, which the device file states with its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.radiofrequency import RadiofrequencyDevice
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import (
    CURRENT,
    POWER,
    TEMPERATURE,
    VOLTAGE,
    Duration,
    Power,
    PowerRamp,
    Resistance,
    TemperatureGain,
)

OutputPower = Annotated[float, POWER.within(0.1, 500.0)]
OutputVoltage = Annotated[float, VOLTAGE.within(0.1, 500.0, "40 V")]
OutputCurrent = Annotated[float, CURRENT.within(0.001, 10.0)]
TargetTemperature = Annotated[float, TEMPERATURE.within(40.0, 120.0, "105 degC")]


class RadiofrequencyProgram(ProgramModel):
    """What all modes share: time under power, then ``cooling_phase`` without."""

    LIMITED: ClassVar[Mapping[str, str]] = {}
    """Field to the limit of the generator it must not exceed."""

    modality: Literal["radiofrequency"] = "radiofrequency"
    duration: Duration

    @property
    def treatment_time(self) -> float:
        """Time [s] under power."""
        return self.duration

    def filled(self, device: Device) -> Self:
        """The same with every figure that was left open as the generator has it."""
        assert isinstance(device, RadiofrequencyDevice)
        defaults = getattr(device.generator, self.mode, None)
        if not isinstance(defaults, DeviceData):
            return self
        own = {name: figure.value for name, figure in defaults if isinstance(figure, Sourced)}
        own["max_power"] = device.generator.max_power.value
        return self.model_copy(update={name: value for name, value in own.items() if getattr(self, name) is None})

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Where it exceeds what the generator delivers at most."""
        assert isinstance(device, RadiofrequencyDevice)
        for field, limit in self.LIMITED.items():
            value, most = getattr(self, field), getattr(device.generator, limit).value
            if value is not None and value > most:
                unit = {"max_power": "W", "max_voltage": "V", "max_current": "A"}[limit]
                remedy = f"this is the limit of the generator of {device.name}"
                yield fault(field, found=f"{value:g} {unit}", allowed=f"at most {most:g} {unit}", remedy=remedy)


class ConstantPower(RadiofrequencyProgram):
    """Constant power [W]."""

    LIMITED: ClassVar[Mapping[str, str]] = {"power": "max_power"}

    mode: Literal["constant_power"]
    power: OutputPower


class ConstantVoltage(RadiofrequencyProgram):
    """Constant voltage [V], root mean square."""

    LIMITED: ClassVar[Mapping[str, str]] = {"voltage": "max_voltage"}

    mode: Literal["constant_voltage"]
    voltage: OutputVoltage


class ConstantCurrent(RadiofrequencyProgram):
    """Constant current [A], root mean square."""

    LIMITED: ClassVar[Mapping[str, str]] = {"current": "max_current"}

    mode: Literal["constant_current"]
    current: OutputCurrent


class TemperatureControlled(RadiofrequencyProgram):
    """Power follows the device's temperature sensors to a target [degC]."""

    LIMITED: ClassVar[Mapping[str, str]] = {"max_power": "max_power", "initial_power": "max_power"}

    mode: Literal["temperature_control"]
    target_temperature: TargetTemperature
    max_power: OutputPower | None = None
    initial_power: Power | None = None
    gain: TemperatureGain | None = None
    tick: Duration | None = None

    def faults(self) -> Iterable[Fault]:
        """Power starts below its maximum."""
        yield from _initial_above_maximum(self.initial_power, self.max_power)


class ImpedanceControlled(RadiofrequencyProgram):
    """Power rises until the impedance rolls off, pauses, and resumes."""

    LIMITED: ClassVar[Mapping[str, str]] = {
        "max_power": "max_power",
        "initial_power": "max_power",
        "pause_power": "max_power",
    }

    mode: Literal["impedance_control"]
    initial_power: OutputPower | None = None
    max_power: OutputPower | None = None
    ramp_rate: PowerRamp | None = None
    roll_off_rise: Resistance | None = None
    baseline_window: Duration | None = None
    pause_duration: Duration | None = None
    pause_power: Power | None = None
    resume_fraction: float | None = Field(default=None, gt=0.0, le=1.0, strict=True)
    stop_after_roll_offs: int | None = Field(default=None, ge=1, strict=True)

    def faults(self) -> Iterable[Fault]:
        """Power starts below its maximum."""
        yield from _initial_above_maximum(self.initial_power, self.max_power)


def _initial_above_maximum(initial: float | None, maximum: float | None) -> Iterable[Fault]:
    if initial is not None and maximum is not None and initial > maximum:
        yield fault(
            "initial_power",
            found=f"{initial:g} W",
            allowed=f"at most max_power, {maximum:g} W",
            remedy="start lower or allow more power",
        )


PROGRAMS = (ConstantPower, ConstantVoltage, ConstantCurrent, TemperatureControlled, ImpedanceControlled)

AnyProgram = (
    Annotated[ConstantPower, Tag("radiofrequency.constant_power")]
    | Annotated[ConstantVoltage, Tag("radiofrequency.constant_voltage")]
    | Annotated[ConstantCurrent, Tag("radiofrequency.constant_current")]
    | Annotated[TemperatureControlled, Tag("radiofrequency.temperature_control")]
    | Annotated[ImpedanceControlled, Tag("radiofrequency.impedance_control")]
)
