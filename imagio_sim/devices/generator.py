# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a radio-frequency generator does over time: one controller per mode.

A controller is asked for a :class:`Drive` before a time step and shown a :class:`Reading` after it.  It accepts the
step or asks for a shorter one, and its state changes only when it accepts, so a rejected step leaves no trace.
All times are seconds on the stage's clock; ``start`` is when this applicator is switched on.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, Protocol

DriveKind = Literal["power", "voltage", "current", "off"]

MINIMUM_STEP = 0.1
"""Shortest step [s] a controller asks for; a generator's own control loop is not resolved below it."""

TIME_TOLERANCE = 1e-9
"""Two times [s] closer than this are the same event."""


@dataclass(frozen=True)
class Limits:
    """What the generator can deliver at most: power [W], voltage [V] and current [A], root mean square."""

    power_W: float
    voltage_V: float
    current_A: float


@dataclass(frozen=True)
class Drive:
    """What the generator holds during the coming step.

    ``value`` is in W, V or A as ``kind`` says, 0 when off.  Whoever knows the impedance clips it to ``limits``.
    """

    kind: DriveKind
    value: float
    limits: Limits


@dataclass(frozen=True)
class Reading:
    """What the generator measures at the end of a step.

    ``impedance_ohm`` is infinite where no current flows, ``sensor_temperatures`` [degC] are in the device's order.
    """

    power_W: float
    voltage_V: float
    current_A: float
    impedance_ohm: float
    sensor_temperatures: tuple[float, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether a tentative step stands; if not, how long [s] the next attempt may be."""

    accepted: bool
    shorter_step: float | None = None


ACCEPTED = Verdict(accepted=True)


class Controller(Protocol):
    """What time stepping needs of a generator."""

    @property
    def power_off_time(self) -> float:
        """When the programme switches the power off for good."""

    @property
    def end_time(self) -> float:
        """When the cooling phase after power-off ends."""

    def setting(self, time: float) -> Drive:
        """What is held during the step that begins at ``time``."""

    def next_event(self, time: float) -> float:
        """The next time that a step beginning at ``time`` must not pass; infinite when nothing comes."""

    def observe(self, time: float, reading: Reading) -> Verdict:
        """Judge the step that ended at ``time``; the state advances only when it is accepted."""

    def state(self) -> dict[str, float]:
        """Everything a checkpoint needs."""

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from a checkpoint."""


@dataclass(kw_only=True)
class Program(ABC):
    """What all modes share: on at ``start`` for ``duration``, then off for ``cooling_phase`` [s]."""

    limits: Limits
    start: float = 0.0
    duration: float
    cooling_phase: float = 0.0

    @property
    def power_off_time(self) -> float:
        """When the programme switches the power off for good."""
        return self.start + self.duration

    @property
    def end_time(self) -> float:
        """When the cooling phase after power-off ends."""
        return self.power_off_time + self.cooling_phase

    @property
    def off(self) -> Drive:
        """No output."""
        return Drive("off", 0.0, self.limits)

    def is_on(self, time: float) -> bool:
        """Whether a step beginning at ``time`` is under power."""
        return self.start - TIME_TOLERANCE <= time < self.power_off_time - TIME_TOLERANCE

    def setting(self, time: float) -> Drive:
        """What is held during the step that begins at ``time``."""
        return self.drive(time) if self.is_on(time) else self.off

    def next_event(self, time: float) -> float:
        """The next time that a step beginning at ``time`` must not pass; infinite when nothing comes."""
        fixed = (
            self.start,
            self.power_off_time,
            self.end_time,
            self.next_change(time) if self.is_on(time) else math.inf,
        )
        return min((event for event in fixed if event > time + TIME_TOLERANCE), default=math.inf)

    def next_change(self, time: float) -> float:
        """The next time within the programme at which the drive may change."""
        return math.inf

    @abstractmethod
    def drive(self, time: float) -> Drive:
        """What is held while under power."""

    def observe(self, time: float, reading: Reading) -> Verdict:
        """Judge the step that ended at ``time``; a generator that holds one value accepts all."""
        return ACCEPTED

    def state(self) -> dict[str, float]:
        """Everything a checkpoint needs: nothing, where the drive is a function of time."""
        return {}

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from a checkpoint."""
        if state:
            raise ValueError(f"{type(self).__name__} has no state, got {sorted(state)}")


@dataclass(kw_only=True)
class ConstantDrive(Program):
    """Constant power [W], voltage [V] or current [A]."""

    kind: Literal["power", "voltage", "current"]
    value: float

    def drive(self, time: float) -> Drive:
        """The one value."""
        return Drive(self.kind, self.value, self.limits)


@dataclass
class _TemperatureState:
    """``power`` [W] held, ``time`` [s] and mean ``temperature`` [degC] of the last accepted step."""

    power: float
    time: float
    temperature: float


@dataclass(kw_only=True)
class TemperatureControl(Program):
    """Power follows the mean of the sensors to a target.

    The power is changed once per control tick by ``gain`` times the distance to the target and kept between zero and
    ``max_power``.  The rule is that of the Go-Smart RITA model; its figures are in the device files.

    Parameters
    ----------
    target_temperature, tolerance
        [degC] and [K]; a step that takes the sensors from below the target to more than the tolerance above is cut.
    max_power, initial_power
        [W].
    gain
        [W/K] per tick.
    tick
        [s].
    """

    target_temperature: float
    max_power: float
    initial_power: float
    gain: float
    tick: float
    tolerance: float = 3.0
    _now: _TemperatureState = field(init=False)

    def __post_init__(self) -> None:
        self._now = _TemperatureState(self.initial_power, self.start, -math.inf)

    def drive(self, time: float) -> Drive:
        """The power the control loop has reached."""
        return Drive("power", self._now.power, self.limits)

    def next_change(self, time: float) -> float:
        """The next tick."""
        return self._tick_after(time)

    def _tick_after(self, time: float) -> float:
        return self.start + (math.floor((time - self.start) / self.tick + TIME_TOLERANCE) + 1) * self.tick

    def observe(self, time: float, reading: Reading) -> Verdict:
        """Change the power at a tick; cut a step that jumps over the target."""
        if not reading.sensor_temperatures:
            raise ValueError("temperature control needs the temperature of at least one sensor")
        if time <= self.start + TIME_TOLERANCE or time > self.power_off_time + TIME_TOLERANCE:
            return ACCEPTED
        temperature = sum(reading.sensor_temperatures) / len(reading.sensor_temperatures)
        step = time - self._now.time
        if self._jumped_over(temperature) and step > MINIMUM_STEP + TIME_TOLERANCE:
            return Verdict(False, max(step / 2, MINIMUM_STEP))
        self._now = _TemperatureState(self._power_after(time, temperature), time, temperature)
        return ACCEPTED

    def _jumped_over(self, temperature: float) -> bool:
        return self._now.temperature < self.target_temperature < temperature - self.tolerance

    def _power_after(self, time: float, temperature: float) -> float:
        ticks = math.floor((time - self.start) / self.tick + TIME_TOLERANCE) - math.floor(
            (self._now.time - self.start) / self.tick + TIME_TOLERANCE
        )
        return min(
            max(self._now.power + ticks * self.gain * (self.target_temperature - temperature), 0.0), self.max_power
        )

    def state(self) -> dict[str, float]:
        """Power, and time and temperature of the last accepted step."""
        return {"power": self._now.power, "time": self._now.time, "temperature": self._now.temperature}

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from a checkpoint."""
        self._now = _TemperatureState(**state)


@dataclass(frozen=True)
class _PulseState:
    """Where impedance control stands.

    ``pulses`` counts the roll-offs; ``pausing`` is 1 between roll-off and resumption; ``phase_start`` [s] is when the
    present phase began; ``held_power`` [W] is the plateau after a resumption (negative while still on the first ramp);
    ``baseline`` and ``impedance`` [ohm] and ``time`` [s] belong to the last accepted step.
    """

    pulses: int
    pausing: int
    phase_start: float
    held_power: float
    baseline: float
    impedance: float
    time: float


@dataclass(kw_only=True)
class ImpedanceControl(Program):
    """Ramp the power up, pause when the impedance rolls off, resume.

    The power rises from ``initial_power`` by ``ramp_rate`` to ``max_power``, in ticks of ``ramp_tick``.  The baseline
    is the smallest impedance seen in the first ``baseline_window``.  Once the impedance exceeds it by
    ``roll_off_rise`` the generator pauses at ``pause_power`` for ``pause_duration`` and then holds ``resume_fraction``
    of the power at which it rolled off.  Source of the rule: Ji et al., Acad Radiol 2011;18(9).

    Parameters
    ----------
    initial_power, max_power, pause_power
        [W].
    ramp_rate
        [W/s].
    roll_off_rise, overshoot_tolerance
        [ohm]; a step that ends more than the tolerance above the threshold is cut, so that the roll-off is timed well.
    baseline_window, pause_duration, ramp_tick
        [s].
    resume_fraction
        Share of the power before the roll-off, (0, 1].
    stop_after_roll_offs
        Number of roll-offs after which the power stays off (None: until ``duration``).
    """

    COUNTS: ClassVar[tuple[str, ...]] = ("pulses", "pausing")

    initial_power: float
    max_power: float
    ramp_rate: float
    roll_off_rise: float
    baseline_window: float
    pause_duration: float
    pause_power: float
    resume_fraction: float
    stop_after_roll_offs: int | None = None
    ramp_tick: float = 5.0
    overshoot_tolerance: float = 2.0
    _now: _PulseState = field(init=False)

    def __post_init__(self) -> None:
        self._now = _PulseState(0, 0, self.start, -1.0, math.inf, math.inf, self.start)

    @property
    def pulses(self) -> int:
        """How often the impedance has rolled off."""
        return self._now.pulses

    @property
    def threshold_ohm(self) -> float:
        """Impedance at which the generator pauses."""
        return self._now.baseline + self.roll_off_rise

    @property
    def _stopped(self) -> bool:
        return self.stop_after_roll_offs is not None and self._now.pulses >= self.stop_after_roll_offs

    @property
    def _resumption(self) -> float:
        return self._now.phase_start + self.pause_duration

    def _is_pausing(self, time: float) -> bool:
        return self._now.pausing == 1 and time < self._resumption - TIME_TOLERANCE

    def drive(self, time: float) -> Drive:
        """Ramp, plateau or pause."""
        if self._stopped:
            return self.off
        return Drive("power", self.pause_power if self._is_pausing(time) else self._active_power(time), self.limits)

    def _active_power(self, time: float) -> float:
        if self._now.held_power >= 0.0:
            return self._now.held_power
        # The middle of the tick, so that the energy of the steps is that of the ramp.
        middle = (math.floor((time - self.start) / self.ramp_tick + TIME_TOLERANCE) + 0.5) * self.ramp_tick
        return min(self.initial_power + self.ramp_rate * middle, self.max_power)

    def next_change(self, time: float) -> float:
        """The next knot of the ramp, or the end of the pause."""
        if self._stopped:
            return math.inf
        if self._is_pausing(time):
            return self._resumption
        if self._now.held_power >= 0.0 or self._active_power(time) >= self.max_power:
            return math.inf
        return self.start + (math.floor((time - self.start) / self.ramp_tick + TIME_TOLERANCE) + 1) * self.ramp_tick

    def observe(self, time: float, reading: Reading) -> Verdict:
        """Look for the roll-off; cut a step that passes it by more than the tolerance."""
        if time <= self.start + TIME_TOLERANCE or time > self.power_off_time + TIME_TOLERANCE or self._stopped:
            return ACCEPTED
        if self._is_pausing(self._now.time):
            return self._accept(time, reading.impedance_ohm)
        if reading.impedance_ohm <= self.threshold_ohm:
            return self._accept(time, reading.impedance_ohm)
        step = time - self._now.time
        if (
            reading.impedance_ohm > self.threshold_ohm + self.overshoot_tolerance
            and step > MINIMUM_STEP + TIME_TOLERANCE
        ):
            return Verdict(False, self._step_to_threshold(step, reading.impedance_ohm))
        return self._roll_off(time, reading.impedance_ohm)

    def _step_to_threshold(self, step: float, impedance: float) -> float:
        share = (
            (self.threshold_ohm - self._now.impedance) / (impedance - self._now.impedance)
            if impedance > self._now.impedance
            else 0.0
        )
        return max(min(share, 0.5) * step, MINIMUM_STEP)

    def _roll_off(self, time: float, impedance: float) -> Verdict:
        held = self.resume_fraction * self._active_power(self._now.time)
        self._now = _PulseState(self._now.pulses + 1, 1, time, held, self._now.baseline, impedance, time)
        return ACCEPTED

    def _accept(self, time: float, impedance: float) -> Verdict:
        now = self._now
        in_window = time <= self.start + self.baseline_window + TIME_TOLERANCE or not math.isfinite(now.baseline)
        baseline = min(now.baseline, impedance) if in_window else now.baseline
        resumed = now.pausing == 1 and time >= self._resumption - TIME_TOLERANCE
        phase_start = time if resumed else now.phase_start
        self._now = _PulseState(
            now.pulses, 0 if resumed else now.pausing, phase_start, now.held_power, baseline, impedance, time
        )
        return ACCEPTED

    def state(self) -> dict[str, float]:
        """Counts, phase, held power, baseline and the last accepted step."""
        return dict(vars(self._now))

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from a checkpoint."""
        self._now = _PulseState(**{key: int(value) if key in self.COUNTS else value for key, value in state.items()})  # type: ignore[arg-type]


_CONTROLLERS: Mapping[str, type[Program]] = {
    kind.__name__: kind for kind in (ConstantDrive, TemperatureControl, ImpedanceControl)
}


def described(controller: Controller) -> dict[str, Any]:
    """A controller's settings (not its state) as plain data, for a file that another process reads."""
    assert isinstance(controller, Program)
    settings = {one.name: getattr(controller, one.name) for one in fields(controller) if one.init}
    return {"type": type(controller).__name__, **settings, "limits": asdict(controller.limits)}


def from_description(description: Mapping[str, Any]) -> Controller:
    """A fresh controller with the settings that :func:`described` gave."""
    settings = dict(description)
    kind = _CONTROLLERS[settings.pop("type")]
    return kind(**(settings | {"limits": Limits(**settings["limits"])}))
