# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of electroporation generators: trains of pulses over pairs of needles.

One program drives all needles of a stage. What a pair does not say is that of the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Tag, model_validator

from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.electroporation import ElectroporationDevice
from imagio_sim.plan.model import Fault, Name, PlanModel, fault, nearest
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import RATE, VOLTAGE, Delay, Duration, FieldStrength, Fraction, PulseWidth, Rate

if TYPE_CHECKING:
    from imagio_sim.plan.stages import Applicator

PulseVoltage = Annotated[float, VOLTAGE.within(1.0, 5000.0, "2250 V")]
PulseCount = Annotated[int, Field(ge=1, le=2000, strict=True)]
HeartRate = Annotated[float, RATE.within(0.4, 5.0, "70 1/min")]

_TOO_LITTLE = 1e-9


class ElectrodePair(PlanModel):
    """Two needles that are pulsed against each other; ``[a, b]`` for one that does as the program says.

    Attributes
    ----------
    electrodes
        Names of the two applicators, the first at the higher potential.
    voltage
        Of the pulses [V], or
    voltage_per_distance
        the voltage over the distance between the middles of the two bare lengths [V/m].
    pulses
        Their number.
    pulse_width
        How long each lasts [s].
    """

    electrodes: tuple[Name, Name]
    voltage: PulseVoltage | None = None
    voltage_per_distance: FieldStrength | None = None
    pulses: PulseCount | None = None
    pulse_width: PulseWidth | None = None

    @model_validator(mode="before")
    @classmethod
    def _two_names_without_keys(cls, given: Any) -> Any:
        return {"electrodes": given} if isinstance(given, list | tuple) else given

    @property
    def name(self) -> str:
        """How results name it."""
        return "-".join(self.electrodes)

    def faults(self) -> Iterable[Fault]:
        """Two different needles, and one way of saying the voltage."""
        first, second = self.electrodes
        if first == second:
            yield fault(
                "electrodes",
                found=f"{first!r} twice",
                allowed="two different applicators",
                remedy="a field needs two needles",
            )
        yield from _two_voltages(self.voltage, self.voltage_per_distance)


@dataclass(frozen=True)
class Train:
    """Pulses of one pair without a break: its number in the program, begin and end [s] after switching on, pulses."""

    pair: int
    start: float
    end: float
    pulses: int


class PulseSequence(ProgramModel):
    """Trains of pulses, pair after pair in the order given.

    Attributes
    ----------
    pairs
        Which needles against which.
    voltage, voltage_per_distance, pulses, pulse_width
        For every pair that does not say its own.
    repetition_rate
        Pulses per second, or
    heart_rate
        that of the patient, with one pulse per beat (pulses triggered by the electrocardiogram).
    rounds
        In how many rounds over all pairs the pulses are given.
    pause
        Time [s] between a train and the next.
    duration
        Time [s] for all of it; default: as long as it takes.
    conductivity_memory
        What later trains find of the rise of conductivity that earlier ones made, 0 to 1; default: the library's.
    """

    modality: Literal["electroporation"] = "electroporation"
    mode: Literal["pulse_sequence"]
    pairs: tuple[ElectrodePair, ...] = Field(min_length=1)
    voltage: PulseVoltage | None = None
    voltage_per_distance: FieldStrength | None = None
    pulses: PulseCount | None = None
    pulse_width: PulseWidth | None = None
    repetition_rate: Rate | None = None
    heart_rate: HeartRate | None = None
    rounds: PulseCount = 1
    pause: Delay = 0.0
    duration: Duration | None = None
    conductivity_memory: Fraction | None = None

    @property
    def rate(self) -> float:
        """Pulses per second."""
        rate = self.repetition_rate if self.heart_rate is None else self.heart_rate
        assert rate is not None
        return rate

    @property
    def treatment_time(self) -> float:
        """Time [s] until the last pulse, or the time it is given."""
        return self.trains[-1].end if self.duration is None else self.duration

    def pulses_of(self, pair: ElectrodePair) -> int:
        """Number of pulses of a pair."""
        pulses = self.pulses if pair.pulses is None else pair.pulses
        assert pulses is not None
        return pulses

    def pulse_width_of(self, pair: ElectrodePair) -> float:
        """Width [s] of the pulses of a pair."""
        width = self.pulse_width if pair.pulse_width is None else pair.pulse_width
        assert width is not None
        return width

    def voltage_of(self, pair: ElectrodePair, distance_mm: float) -> float:
        """Voltage [V] of the pulses of a pair whose needles are so far [mm] apart."""
        if pair.voltage is None and pair.voltage_per_distance is None:
            voltage, per_distance = self.voltage, self.voltage_per_distance
        else:
            voltage, per_distance = pair.voltage, pair.voltage_per_distance
        if voltage is not None:
            return voltage
        assert per_distance is not None
        return per_distance * distance_mm * 1e-3

    @property
    def trains(self) -> tuple[Train, ...]:
        """All trains in time."""
        trains, clock = [], 0.0
        for _ in range(self.rounds):
            for number, pair in enumerate(self.pairs):
                pulses = self.pulses_of(pair) // self.rounds
                trains.append(Train(number, clock, clock + pulses / self.rate, pulses))
                clock = trains[-1].end + self.pause
        return tuple(trains)

    def faults(self) -> Iterable[Fault]:
        """Every pair knows what to do, once, and there is time for it."""
        yield from _two_voltages(self.voltage, self.voltage_per_distance)
        if (self.repetition_rate is None) == (self.heart_rate is None):
            yield fault(
                "repetition_rate",
                found="no rate" if self.heart_rate is None else "both a repetition rate and a heart rate",
                allowed="repetition_rate, or heart_rate for pulses triggered by the heart",
                remedy="write one of them, for example repetition_rate: 1.5 Hz",
            )
            return
        incomplete = [found for number, pair in enumerate(self.pairs) for found in self._pair_faults(number, pair)]
        yield from incomplete
        if not incomplete:
            yield from self._time_faults()

    def _pair_faults(self, number: int, pair: ElectrodePair) -> Iterator[Fault]:
        needed = {"pulses": "90", "pulse_width": "90 us"}
        for field, example in needed.items():
            if getattr(pair, field) is None and getattr(self, field) is None:
                yield _lacking(number, field, example)
        if all(one is None for one in (*_voltages(pair), *_voltages(self))):
            yield _lacking(number, "voltage", "2250 V")
        same = [set(other.electrodes) for other in self.pairs[:number]]
        if set(pair.electrodes) in same:
            yield fault(
                "pairs",
                number,
                found=f"{pair.name} for the second time",
                allowed="each pair once",
                remedy="give it more pulses, or use rounds",
            )

    def _time_faults(self) -> Iterator[Fault]:
        for number, pair in enumerate(self.pairs):
            if self.pulses_of(pair) % self.rounds:
                yield fault(
                    "rounds",
                    found=f"{self.pulses_of(pair)} pulses of pairs[{number}] in {self.rounds} rounds",
                    allowed="a number of rounds that divides the pulses of every pair",
                    remedy="change pulses or rounds",
                )
        needed = self.trains[-1].end
        if self.duration is not None and needed > self.duration * (1.0 + _TOO_LITTLE):
            yield fault(
                "duration",
                found=f"{self.duration:g} s for pulses that take {needed:.1f} s",
                allowed=f"at least {needed:.1f} s",
                remedy="leave duration out, give fewer pulses or more of them per second",
            )

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Voltages, widths and needles beyond the generator's."""
        assert isinstance(device, ElectroporationDevice)
        generator, limit = device.generator, f"this is the limit of the generator of {device.name}"
        most = generator.max_voltage.value
        for path, voltage in self._given("voltage"):
            if voltage > most:
                yield fault(*path, found=f"{voltage:g} V", allowed=f"at most {most:g} V", remedy=limit)
        shortest, longest = generator.shortest_pulse.value, generator.longest_pulse.value
        for path, width in self._given("pulse_width"):
            if not shortest * (1.0 - _TOO_LITTLE) <= width <= longest * (1.0 + _TOO_LITTLE):
                allowed = f"{shortest * 1e6:g} us to {longest * 1e6:g} us"
                yield fault(*path, found=f"{width * 1e6:g} us", allowed=allowed, remedy=limit)
        needles = {name for pair in self.pairs for name in pair.electrodes}
        if len(needles) > generator.max_needles.value:
            allowed = f"at most {generator.max_needles.value} needles"
            yield fault("pairs", found=f"{len(needles)} needles", allowed=allowed, remedy=limit)

    def _given(self, field: str) -> Iterator[tuple[tuple[str | int, ...], float]]:
        """Where a figure is written, and what it is."""
        places: list[tuple[tuple[str | int, ...], Any]] = [((field,), self)]
        places += [(("pairs", number, field), pair) for number, pair in enumerate(self.pairs)]
        for path, holder in places:
            if getattr(holder, field) is not None:
                yield path, getattr(holder, field)

    def faults_among(self, applicators: Sequence[Applicator]) -> Iterable[Fault]:
        """Every needle of a pair is there, every needle that is there is in a pair, and all start together."""
        names = [one.name for one in applicators]
        yield from self._pairing_faults(names)
        starts = sorted({one.start for one in applicators})
        if len(starts) > 1:
            yield fault(
                found=f"needles that start at {' and '.join(f'{start:g} s' for start in starts)}",
                allowed="one start for all needles of a program",
                remedy="leave start out; the order of the pairs says when each is pulsed",
            )

    def _pairing_faults(self, names: Sequence[str | None]) -> Iterator[Fault]:
        known = [name for name in names if name is not None]
        used = {name for pair in self.pairs for name in pair.electrodes}
        for number, pair in enumerate(self.pairs):
            for side, name in enumerate(pair.electrodes):
                if name not in known:
                    yield fault(
                        "pairs", number, "electrodes", side,
                        found=repr(name),
                        allowed="the name of an applicator that has this program",
                        remedy=nearest(name, known, "give the applicator this name, and the program to the stage"),
                    )  # fmt: skip
        idle = [name or "an applicator without a name" for name in names if name not in used]
        if idle:
            yield fault(
                "pairs",
                found=f"no pair with {', '.join(idle)}",
                allowed="every applicator in at least one pair",
                remedy="name it in a pair, or leave the applicator out",
            )

    def faults_in_place(self, placed: Mapping[str, PlacedApplicator], device: Device) -> Iterable[Fault]:
        """Voltages per distance that come out above the generator's."""
        assert isinstance(device, ElectroporationDevice)
        most = device.generator.max_voltage.value
        for number, pair in enumerate(self.pairs):
            distance = needle_distance_mm(*(placed[name] for name in pair.electrodes))
            voltage = self.voltage_of(pair, distance)
            if voltage > most:
                yield fault(
                    "pairs",
                    number,
                    found=f"{voltage:.0f} V between {pair.name}, {distance:.1f} mm apart",
                    allowed=f"at most {most:g} V",
                    remedy=f"lower voltage_per_distance or place the needles closer; {device.name} gives no more",
                )


def needle_distance_mm(one: PlacedApplicator, other: PlacedApplicator) -> float:
    """Distance [mm] between the middles of the electrodes of two placed needles."""
    return float(np.linalg.norm(electrode_middle_mm(one) - electrode_middle_mm(other)))


def electrode_middle_mm(placed: PlacedApplicator) -> NDArray[np.float64]:
    """Middle (3,) [mm] of the electrode of a placed needle."""
    (rod,) = placed.rods
    (bare,) = [section for section in rod.sections if section.conductor is not None]
    tip, hub = np.array(rod.path_mm[0]), np.array(rod.path_mm[-1])
    along = (hub - tip) / np.linalg.norm(hub - tip)
    return np.asarray(tip + 0.5 * (bare.start_mm + bare.end_mm) * along)


def _voltages(holder: ElectrodePair | PulseSequence) -> tuple[float | None, float | None]:
    return holder.voltage, holder.voltage_per_distance


def _two_voltages(voltage: float | None, per_distance: float | None) -> Iterator[Fault]:
    if voltage is not None and per_distance is not None:
        yield fault(
            "voltage_per_distance",
            found="both a voltage and a voltage per distance",
            allowed="one of them",
            remedy="leave one out",
        )


def _lacking(number: int, field: str, example: str) -> Fault:
    return fault(
        "pairs",
        number,
        field,
        found="nothing",
        allowed=f"{field} of the pair or of the program",
        remedy=f"add {field}, for example {example}",
    )


PROGRAMS = (PulseSequence,)

AnyProgram = Annotated[PulseSequence, Tag("electroporation.pulse_sequence")]
