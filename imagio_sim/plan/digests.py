# SPDX-License-Identifier: LGPL-3.0-or-later
"""Content hashes of plans: what decides a result, and what decides a mesh."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from pydantic import BaseModel

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
    pharmacy = scenario.pharmacy
    entries = [plain_data(infusion.library_entries(pharmacy)) for stage in plan.stages for infusion in stage.infusions]
    decides = {"scenario": data, "plan": plan.model_dump(mode="json"), "devices": devices, "placed": placed}
    # What is left of an organ is told of every plan, also of those that bring nothing into it.
    organs = sorted(
        {
            label
            for each in scenario.plans.values()
            for stage in each.stages
            for one in stage.infusions
            if one.into_artery is not None
            for label in one.into_artery.organ
        }
    )
    brought = {"pharmacy": entries} if entries else {}
    return _sha256(decides | brought | ({"organs": organs} if organs else {}))


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
            "territories": [
                one.into_artery.model_dump(mode="json", include={"territory", "organ"})
                for each in stages
                for one in each.infusions
                if one.into_artery is not None
            ],
        }
    )


def plain_data(value: Any) -> Any:
    """Dataclasses, mappings and sequences as what JSON and YAML can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    return [plain_data(item) for item in value] if isinstance(value, list | tuple | frozenset) else value


def _shape(placed: dict[str, Any]) -> dict[str, Any]:
    """A placed applicator without what only the heat equation sees."""
    for rod in placed["rods"]:
        for section in rod["sections"]:
            del section["heat_transfer_coefficient"], section["coolant_temperature"]
    return placed


def _sha256(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
