# SPDX-License-Identifier: LGPL-3.0-or-later
"""The resolved plan: every value that a run uses, with its unit and, where it came from data, its source."""

from __future__ import annotations

from typing import Any

from imagio_sim.devices.device import Device
from imagio_sim.devices.library import sources
from imagio_sim.plan.assignments import assignments
from imagio_sim.plan.control import channels
from imagio_sim.plan.digests import geometry_digest, plan_digest
from imagio_sim.plan.placement import placed_applicators
from imagio_sim.plan.scenario import Scenario
from imagio_sim.plan.stages import StageTimes
from imagio_sim.units import DURATION


def resolved_plan(scenario: Scenario, plan_name: str) -> dict[str, Any]:
    """Give the plan as plain data for ``plan.yaml``: coordinates in LPS mm, quantities as text with their unit."""
    plan = scenario.plan(plan_name)
    used = {one.device: one.of_library for stage in plan.stages for one in stage.applicators}
    return {
        **scenario.model_dump(mode="json", by_alias=True, exclude={"plans"}, exclude_none=True),
        "plan": plan_name,
        "modalities": list(plan.modalities),
        "stages": [_stage(scenario, plan_name, number, times) for number, times in enumerate(plan.timeline)],
        "devices": {name: device.model_dump(mode="json", exclude_none=True) for name, device in used.items()},
        "sources": {key: dict(sources()[key]) for key in _source_keys(used)},
        "digests": {"plan": plan_digest(scenario, plan_name), "geometry": geometry_digest(scenario, plan_name)},
    }


def _stage(scenario: Scenario, plan_name: str, number: int, times: StageTimes) -> dict[str, Any]:
    placed = placed_applicators(scenario, plan_name, number)
    return {
        "name": times.name,
        "begin": DURATION.text(times.begin),
        "end": DURATION.text(times.end),
        "wait": DURATION.text(times.wait),
        "applicators": [
            {"name": one.name, "device": one.device, "entry_lps_mm": list(one.entry_mm), "tip_lps_mm": list(one.tip_mm)}
            for one in placed
        ],
        "programs": [
            {
                "applicator": one.name,
                "start": DURATION.text(one.start),
                "program": one.program.model_dump(mode="json", exclude_none=True),
            }
            for one in assignments(scenario, plan_name, number)
        ],
        "channels": [
            {"name": one.name, "active": list(one.active), "returning": list(one.returning) or ["ground"]}
            for one in channels(scenario, plan_name, number)
        ],
    }


def _source_keys(used: dict[str, Device]) -> list[str]:
    return sorted({key for device in used.values() for key in device.source_keys})
