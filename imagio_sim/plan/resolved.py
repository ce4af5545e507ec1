# SPDX-License-Identifier: LGPL-3.0-or-later
"""The resolved plan: every value that a run uses, with its unit and, where it came from data, its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagio_sim.devices.device import Device
from imagio_sim.devices.library import sources
from imagio_sim.plan.assignments import assignments
from imagio_sim.plan.control import channels
from imagio_sim.plan.digests import geometry_digest, plain_data, plan_digest
from imagio_sim.plan.placement import placed_applicators
from imagio_sim.plan.scenario import Scenario
from imagio_sim.plan.stages import StageTimes
from imagio_sim.tissue.value import load_sources
from imagio_sim.units import DURATION


def resolved_plan(scenario: Scenario, plan_name: str) -> dict[str, Any]:
    """Give the plan as plain data for ``plan.yaml``: coordinates in LPS mm, quantities as text with their unit."""
    plan = scenario.plan(plan_name)
    used = {one.device: one.of_library for stage in plan.stages for one in stage.applicators}
    stages = [_stage(scenario, plan_name, number, times) for number, times in enumerate(plan.timeline)]
    return {
        **scenario.model_dump(mode="json", by_alias=True, exclude={"plans"}, exclude_none=True),
        "plan": plan_name,
        "modalities": list(plan.modalities),
        "stages": stages,
        "devices": {name: device.model_dump(mode="json", exclude_none=True) for name, device in used.items()},
        "sources": {
            **{key: dict(sources()[key]) for key in _source_keys(used) if key in sources()},
            **{key: plain_data(load_sources()[key]) for key in sorted(_keys_within(stages)) if key in load_sources()},
        },
        "digests": {"plan": plan_digest(scenario, plan_name), "geometry": geometry_digest(scenario, plan_name)},
    }


def _stage(scenario: Scenario, plan_name: str, number: int, times: StageTimes) -> dict[str, Any]:
    placed, plan = placed_applicators(scenario, plan_name, number), scenario.plan(plan_name)
    given = zip(plan.infusion_names[number], plan.stages[number].infusions, strict=True)
    infusions = [
        {
            **infusion.model_dump(mode="json", exclude_none=True),
            "name": name,
            "pharmacy": plain_data(infusion.library_entries(scenario.pharmacy)),
        }
        for name, infusion in given
    ]
    return {
        "name": times.name,
        "begin": DURATION.text(times.begin),
        "end": DURATION.text(times.end),
        "wait": DURATION.text(times.wait),
        "applicators": [
            {"name": one.name, "device": one.device, "entry_lps_mm": list(one.entry_mm), "tip_lps_mm": list(one.tip_mm)}
            for one in placed
        ],
        **({"infusions": infusions} if infusions else {}),
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


def _keys_within(data: Any) -> set[str]:
    """Keys of the sources that values anywhere within plain data name."""
    if isinstance(data, Mapping):
        own = {str(data["source"])} if "source" in data and "evidence" in data else set()
        return own.union(*(_keys_within(item) for item in data.values()))
    return set().union(*(_keys_within(item) for item in data)) if isinstance(data, list) else set()


def _source_keys(used: dict[str, Device]) -> list[str]:
    return sorted({key for device in used.values() for key in device.source_keys})
