# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of focused ultrasound: points, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.ultrasound import UltrasoundDevice
from imagio_sim.plan.model import Fault, PlanModel, Point, fault
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import POWER, Delay, Duration, LengthMm

AcousticPower = Annotated[float, POWER.within(0.1, 500.0, "100 W")]


class Sonication(PlanModel):
    """One point: ``power`` [W] of sound for ``duration`` [s], then a ``pause`` [s] without.

    ``focus`` is where the transducer is focused, in the scenario's frame [mm]; its geometric focus when left out.
    """

    focus: Point | None = None
    power: AcousticPower
    duration: Duration
    pause: Delay = 0.0


class Sonications(ProgramModel):
    """Sonications in order.

    Attributes
    ----------
    sonications
        At least one; the pause of the last one is part of the treatment.
    coupling_path
        How far [mm] from the apex of the bowl along its axis the water reaches that couples the sound to the body.
        Left out, it reaches to the skin, which the image then has to show.
    """

    modality: Literal["ultrasound"] = "ultrasound"
    mode: Literal["sonications"]
    sonications: tuple[Sonication, ...] = Field(min_length=1)
    coupling_path: LengthMm | None = None

    @property
    def treatment_time(self) -> float:
        """Time [s] from the begin of the first sonication to the end of the pause of the last."""
        return sum(one.duration + one.pause for one in self.sonications)

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """More power than the device gives; a focus of its own for one that cannot be steered."""
        assert isinstance(device, UltrasoundDevice)
        most = device.max_acoustic_power.value
        for number, one in enumerate(self.sonications):
            if one.power > most:
                yield fault(
                    "sonications", number, "power",
                    found=f"{one.power:g} W", allowed=f"at most {most:g} W",
                    remedy=f"this is the most acoustic power of {device.name}",
                )  # fmt: skip
            if one.focus is not None and device.steering_mm == 0.0:
                yield fault(
                    "sonications", number, "focus",
                    found=f"a point for {device.name}, which is not steered",
                    allowed="nothing: a bowl is focused where its tip is",
                    remedy="leave focus out, and place the bowl anew in a stage of its own for every point",
                )  # fmt: skip
        radius = device.transducer.radius_of_curvature.value
        if self.coupling_path is not None and self.coupling_path >= radius:
            yield fault(
                "coupling_path",
                found=f"{self.coupling_path:g} mm",
                allowed=f"less than {radius:g} mm",
                remedy=f"that is the geometric focus of {device.name}, which lies in the tissue",
            )


PROGRAMS = (Sonications,)

AnyProgram = Annotated[Sonications, Tag("ultrasound.sonications")]
