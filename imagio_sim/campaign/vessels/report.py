# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the vessels of a plan carried away, and how warm their blood became on its way."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imagio_sim.outcome.result import VesselResult
from imagio_sim.solve.stage import VESSEL
from imagio_sim.solve.vessel_lines import VesselFlow

CSV_NAME, VTP_NAME = "vessels.csv", "vessels.vtp"
Facts = Mapping[str, Any]


def vessel_results(facts: Sequence[Facts]) -> dict[str, VesselResult]:
    """Every vessel by name, from the facts of all stages: labels first, then centre lines."""
    labels: dict[str, float] = {}
    for stage in facts:
        for path, energy in stage["energy"]["lost_by_path_J"].items():
            if path.startswith(VESSEL):
                name = path.removeprefix(VESSEL)
                labels[name] = labels.get(name, 0.0) + energy
    found: dict[str, VesselResult] = {
        name: {
            "given_by": "label",
            "carried_J": energy,
            "outlet_temperature_degC": None,
            "peak_outlet_temperature_degC": None,
        }
        for name, energy in labels.items()
    }
    return found | _lines(facts)


def _blood(facts: Sequence[Facts]) -> Iterator[Facts]:
    """What the centre lines of each stage say of their blood."""
    return (stage["couplings"][VesselFlow.name] for stage in facts if VesselFlow.name in stage["couplings"])


def _lines(facts: Sequence[Facts]) -> dict[str, VesselResult]:
    found: dict[str, VesselResult] = {}
    for blood in _blood(facts):
        for course in blood["courses"]:
            name, peak = course["vessel"], course["peak_temperature_degC"][-1]
            carried = blood["carried_J"][name]
            if name in found:
                carried += found[name]["carried_J"]
                peak = max(peak, found[name]["peak_outlet_temperature_degC"])
            found[name] = {
                "given_by": "centre line",
                "carried_J": carried,
                "outlet_temperature_degC": course["temperature_degC"][-1],
                "peak_outlet_temperature_degC": peak,
            }
    return found


def vessel_warnings(facts: Sequence[Facts]) -> list[str]:
    """What a planner should know of the vessels."""
    return list(dict.fromkeys(warning for blood in _blood(facts) for warning in blood["warnings"]))


def write_courses(folder: Path, facts: Sequence[Facts]) -> None:
    """Write the blood's temperature along every centre line in the last stage, as a table and as lines in space."""
    blood = list(_blood(facts))
    if not blood:
        return
    courses = blood[-1]["courses"]
    _write_table(folder / CSV_NAME, courses)
    from imagio_sim.view.blood import write_blood

    write_blood(folder / VTP_NAME, courses)


def _write_table(path: Path, courses: Sequence[Facts]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["vessel", "arc_mm", "x_lps_mm", "y_lps_mm", "z_lps_mm", "temperature_degC", "peak_temperature_degC"]
        )
        for course in courses:
            columns = (course["arc_mm"], course["lps_mm"], course["temperature_degC"], course["peak_temperature_degC"])
            for arc, place, now, peak in zip(*columns, strict=True):
                figures = (arc, *place, now, peak)
                writer.writerow([course["vessel"], *(f"{figure:.6g}" for figure in figures)])
