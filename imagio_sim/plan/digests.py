# SPDX-License-Identifier: LGPL-3.0-or-later
"""Content hashes of plans: what decides a result, and what decides a mesh."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from imagio_sim.plan.placement import placed_applicators
from imagio_sim.plan.scenario import Scenario

# What only the heat equation sees of a patient.
_HEAT_ONLY = {"given_body_temperature", "species", "conditions", "perfusion"}


def plan_digest(scenario: Scenario, plan_name: str) -> str:
    """SHA-256 of everything in the scenario that a plan's result depends on.

    Names for people, the other plans and the order of keys do not count; devices count with their data,
    markup lines with their points.
    """
    plan = scenario.plan(plan_name)
    data = scenario.model_dump(mode="json", by_alias=True, exclude={"name", "question", "expected_run_time", "plans"})
    devices = {one.device: one.of_library.digest for stage in plan.stages for one in stage.applicators}
    placed = [asdict(applicator) for applicator in placed_applicators(scenario, plan_name)]
    return _sha256({"scenario": data, "plan": plan.model_dump(mode="json"), "devices": devices, "placed": placed})


def geometry_digest(scenario: Scenario, plan_name: str, stage: int | None = None) -> str:
    """SHA-256 of what a mesh depends on: patient files and labels, target, region, resolution and placed applicators.

    Programs, tissue values, body temperature and perfusion do not count, so a changed power re-uses the mesh.
    """
    plan = scenario.plan(plan_name)
    stages = plan.stages if stage is None else plan.stages[stage : stage + 1]
    return _sha256(
        {
            "patient": scenario.patient.model_dump(mode="json", exclude=_HEAT_ONLY),
            "substitutes": scenario.patient.substitutes,
            "target": None if scenario.target is None else scenario.target.model_dump(mode="json"),
            "frame": scenario.frame,
            "region": scenario.region.model_dump(mode="json"),
            "resolution": scenario.solver.resolution,
            "geometry": scenario.solver.geometry,
            "largest_zones_mm": sorted(
                {one.of_library.largest_zone.value for each in stages for one in each.applicators}
            ),
            "placed": [_shape(asdict(applicator)) for applicator in placed_applicators(scenario, plan_name, stage)],
        }
    )


def _shape(placed: dict[str, Any]) -> dict[str, Any]:
    """A placed applicator without what only the heat equation sees."""
    for rod in placed["rods"]:
        for section in rod["sections"]:
            del section["heat_transfer_coefficient"], section["coolant_temperature"]
    return placed


def _sha256(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
