# SPDX-License-Identifier: LGPL-3.0-or-later
"""Scenario files as frozen, checked plans.

``load_scenario`` reads a file, ``placed_applicators`` puts a plan's applicators into the patient (LPS, mm),
``assignments`` says what they do, ``resolved_plan`` writes down everything a run uses.
"""

from imagio_sim.plan.assignments import Assignment, assignments
from imagio_sim.plan.control import Channel, channels
from imagio_sim.plan.digests import geometry_digest, plan_digest
from imagio_sim.plan.files import input_files
from imagio_sim.plan.placement import placed_applicators, target_in_lps, to_lps
from imagio_sim.plan.reading import changed, json_schema, load_scenario, scenario_of, written, yaml_text
from imagio_sim.plan.resolved import resolved_plan
from imagio_sim.plan.scenario import Scenario

__all__ = [
    "Assignment",
    "Channel",
    "Scenario",
    "assignments",
    "changed",
    "channels",
    "geometry_digest",
    "input_files",
    "json_schema",
    "load_scenario",
    "placed_applicators",
    "plan_digest",
    "resolved_plan",
    "scenario_of",
    "target_in_lps",
    "to_lps",
    "written",
    "yaml_text",
]
