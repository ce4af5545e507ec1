# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every program is, whatever the modality."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.devices.device import Device
from imagio_sim.plan.model import Fault, PlanModel, fault
from imagio_sim.units import Delay

if TYPE_CHECKING:
    from imagio_sim.plan.stages import Applicator


class ProgramModel(PlanModel):
    """What an applicator is told to do, and ``cooling_phase`` [s] for which the stage is followed afterwards."""

    modality: str
    mode: str
    cooling_phase: Delay = 0.0

    @property
    @abstractmethod
    def treatment_time(self) -> float:
        """Time [s] from switching on until the device is off for good."""

    def filled(self, device: Device) -> Self:
        """The same with every figure that was left open as the device has it."""
        return self

    def faults_with(self, device: Device) -> Iterable[Fault]:
        """What of it the device cannot do."""
        if self.modality != device.modality:
            remedy = f"that is the modality of {device.name}"
            yield fault("modality", found=self.modality, allowed=device.modality, remedy=remedy)
        elif self.mode not in device.modes:
            yield fault(
                "mode",
                found=repr(self.mode),
                allowed=f"one of {', '.join(device.modes)}",
                remedy=f"these are the modes of {device.name}",
            )
        else:
            yield from self.limit_faults(device)

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Where it exceeds the limits of a device that has its mode."""
        return ()

    def faults_among(self, applicators: Sequence[Applicator]) -> Iterable[Fault]:
        """What is wrong with it as the program of these applicators of a stage."""
        return ()

    def faults_in_place(self, placed: Mapping[str, PlacedApplicator], device: Device) -> Iterable[Fault]:
        """What of it the device cannot do where the applicators of the stage are, by their names."""
        return ()
