# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cryoprobes of a stage: which walls, and what flows behind them when."""

from __future__ import annotations

from collections.abc import Iterator

from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.devices.modalities.cryo import CryoDevice, GasFlow
from imagio_sim.plan import Assignment
from imagio_sim.plan.programs.cryo import FreezeThaw
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.cryo import CryoPhase, CryoProbe, CryoSpec, Gas


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """All probes together."""
    walls = [(applicator.name, surface) for applicator, surface, section in setting.sections() if section.active]
    return (
        CryoSpec(
            tuple(
                CryoProbe(
                    one.name,
                    tuple(surface for name, surface in walls if name == one.name),
                    tuple(_phases(one)),
                )
                for one in setting.assignments("cryo")
            )
        ),
    )


def _phases(assignment: Assignment) -> Iterator[CryoPhase]:
    device, program = assignment.device, assignment.program
    assert isinstance(device, CryoDevice)
    assert isinstance(program, FreezeThaw)
    flows = {"freeze": device.freezing, "active_thaw": device.thawing, "passive_thaw": None}
    begin = assignment.start
    for phase in program.phases:
        yield CryoPhase(phase.action, begin, begin + phase.duration, _gas(flows[phase.action]))
        begin += phase.duration


def _gas(flow: GasFlow | None) -> Gas | None:
    if flow is None:
        return None
    return Gas(flow.temperature.value, flow.time_constant.value, flow.heat_transfer_coefficient.value)
