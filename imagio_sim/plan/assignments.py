# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which applicator of a stage runs which program, on which device."""

from __future__ import annotations

from dataclasses import dataclass

from imagio_sim.devices.device import Device
from imagio_sim.plan.programs import Program
from imagio_sim.plan.scenario import Scenario
from imagio_sim.plan.stages import Applicator, Stage


@dataclass(frozen=True)
class Assignment:
    """What an applicator does.

    Attributes
    ----------
    name
        Of the applicator.
    device
        Of the library.
    program
        With everything the scenario left open filled in.
    start
        When it is switched on [s] after the stage begins.
    applicator, stage
        As the scenario has them.
    """

    name: str
    device: Device
    program: Program
    start: float
    applicator: Applicator
    stage: Stage

    @property
    def off_time(self) -> float:
        """When it is off for good [s] after the stage begins."""
        return self.start + self.program.treatment_time


def assignments(scenario: Scenario, plan_name: str, stage: int, modality: str | None = None) -> tuple[Assignment, ...]:
    """Every applicator of a stage (counted from 0) that has a program, in order; of one modality or of all."""
    plan = scenario.plan(plan_name)
    here = plan.stages[stage]
    found = []
    for name, applicator in zip(plan.applicator_names[stage], here.applicators, strict=True):
        program, device = here.program_of(applicator), applicator.of_library
        if program is not None and modality in (None, device.modality):
            found.append(Assignment(name, device, program.filled(device), applicator.start, applicator, here))
    return tuple(found)
