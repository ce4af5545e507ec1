# SPDX-License-Identifier: LGPL-3.0-or-later
"""What calibration starts from: scenarios as they were carried out, each with the lengths of its measured zone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imagio_sim.anatomy.measured_zone import MeasuredZone, read_measured_zone
from imagio_sim.campaign.uncertainty.inputs import Floats
from imagio_sim.campaign.workflow.campaign_file import CaseEntry, read_cohort
from imagio_sim.errors import InputError, all_made
from imagio_sim.outcome.assessment import mean_axis
from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.zone import extents_mm
from imagio_sim.plan import Scenario, load_scenario, placed_applicators

LENGTHS = ("equivalent_diameter_mm", "long_axis_mm", "short_axis_mm")


@dataclass(frozen=True, eq=False)
class CalibrationCase:
    """One treated patient: name, scenario and plan, and the measured lengths (3,) of :data:`LENGTHS`.

    ``notice`` is what must be told of the measured zone, ``processing_ratio`` its length after by length before
    fixing and cutting.
    """

    name: str
    scenario: Scenario
    plan: str
    lengths_mm: Floats
    notice: str = ""
    processing_ratio: float = 1.0


def read_cases(table: Path) -> list[CalibrationCase]:
    """The cases of a cohort's table (scenario, measured_zone; optional patient, plan); all faults are said together."""
    return all_made(partial(_case, table, number, entry) for number, entry in enumerate(read_cohort(table), start=1))


def _case(table: Path, number: int, entry: CaseEntry) -> CalibrationCase:
    where = f"{table}: line {number + 1}"
    parts: list[Any] = all_made([partial(_treatment, table, where, entry), partial(_zone, table, where, entry)])
    (scenario, plan), measured = parts
    axis = mean_axis(placed_applicators(scenario, plan))
    return CalibrationCase(
        entry.patient or f"case {number}",
        scenario,
        plan,
        lengths_of(Surface(*measured.surface), axis),
        measured.notice,
        1.0 if measured.length_ratio is None else measured.length_ratio,
    )


def _treatment(table: Path, where: str, entry: CaseEntry) -> tuple[Scenario, str]:
    """The scenario, and the plan that was done."""
    scenario = load_scenario(table.parent / entry.scenario)
    names = list(entry.plans) or list(scenario.plans)
    if len(names) != 1:
        raise InputError(
            where, found=f"{len(names)} plans ({', '.join(names)})", allowed="the one that was done", remedy="name it"
        )
    scenario.plan(names[0])
    return scenario, names[0]


def _zone(table: Path, where: str, entry: CaseEntry) -> MeasuredZone:
    if entry.measured_zone is None:
        raise InputError(where, found="no measured_zone", allowed="the file of a zone", remedy="leave the row out")
    return read_measured_zone(table.parent / entry.measured_zone)


def lengths_of(zone: Surface, axis: Floats) -> Floats:
    """The lengths (3,) of :data:`LENGTHS` of a closed surface."""
    return np.array([equivalent_diameter(zone.volume_mm3), *extents_mm(zone.points_mm, axis)[:2]])


def equivalent_diameter(volume_mm3: float) -> float:
    """Diameter [mm] of the ball of this volume."""
    return float(np.cbrt(6.0 * volume_mm3 / np.pi))
