# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of cryoprobes: phases of freezing and thawing, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, Tag

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.cryo import CryoDevice
from imagio_sim.plan.model import Fault, PlanModel, fault
from imagio_sim.plan.programs.program import ProgramModel
from imagio_sim.units import Duration

Action = Literal["freeze", "passive_thaw", "active_thaw"]


class Phase(PlanModel):
    """What the probe does for a time [s]; in a passive thaw no gas flows."""

    action: Action
    duration: Duration


class FreezeThaw(ProgramModel):
    """Phases in turn; whatever freezes in the last one thaws by itself during ``cooling_phase``."""

    modality: Literal["cryo"] = "cryo"
    mode: Literal["freeze_thaw"]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @property
    def treatment_time(self) -> float:
        """Time [s] of all phases."""
        return sum(phase.duration for phase in self.phases)

    def faults(self) -> Iterable[Fault]:
        """It begins with a freeze, and no phase repeats the one before."""
        first = self.phases[0].action
        if first != "freeze":
            yield fault(
                "phases",
                0,
                "action",
                found=first,
                allowed="freeze",
                remedy="begin with a freeze: there is no ice to thaw yet",
            )
        for number, (before, after) in enumerate(pairwise(self.phases), start=1):
            if before.action == after.action:
                yield fault(
                    "phases",
                    number,
                    "action",
                    found=f"{after.action} again",
                    allowed="another action than the phase before",
                    remedy="make one longer phase of the two",
                )

    def limit_faults(self, device: Device) -> Iterable[Fault]:
        """Active thaws that the probe cannot do."""
        assert isinstance(device, CryoDevice)
        for number, phase in enumerate(self.phases):
            if phase.action == "active_thaw" and device.thawing is None:
                yield fault(
                    "phases",
                    number,
                    "action",
                    found=phase.action,
                    allowed="freeze or passive_thaw",
                    remedy=f"{device.name} has no thawing gas",
                )


PROGRAMS = (FreezeThaw,)

AnyProgram = Annotated[FreezeThaw, Tag("cryo.freeze_thaw")]
