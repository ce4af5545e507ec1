# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a result says of drugs: where each is, what the target got, and what the blood has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.sequence import STATE
from imagio_sim.outcome.assessment import Assessment
from imagio_sim.outcome.course import TimeCourse, summed
from imagio_sim.outcome.drug_statistics import VolumeHistogram
from imagio_sim.outcome.result import ConcentrationResult, DrugResult, DrugSourceResult
from imagio_sim.solve.state_names import CARRIED
from imagio_sim.tissue.death.combination import survival_level

Floats = NDArray[np.float64]
Facts = Mapping[str, Any]

CONCENTRATION_STEPS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Thresholds of the histogram of concentration [umol/l]."""
EXPOSURE_STEPS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Thresholds of the histogram of exposure [umol h/l]."""

_PARTS = ("free", "bound", "cells")
_EXPOSURE, _SURVIVAL = "_exposure_mol_s_per_m3", "_survival"
_CARRIED = f"{STATE}{CARRIED}"
_SAME_PLACE = {"given": "loaded"}
"""What sources call otherwise."""
_LEAST_LEFT = 0.01
"""Share of the peak that a course must end with, for its end to say how far the target's cells are off its surface."""
_UMOL_PER_L = 1e3
_HOUR = 3600.0


@dataclass(frozen=True, eq=False)
class DrugOnMesh:
    """A drug at the end of a plan.

    Attributes
    ----------
    sources
        What the sources that brought it say, by their names.
    concentration
        Free, bound and in cells, per volume of tissue (n,) [umol/l].
    exposure
        Time integral (n,) [umol h/l] of the concentration that its death model follows; None where it has none.
    level
        Level function (n,) of its deciding death model, positive where it has killed; None where it has none.
    plasma, in_target
        Courses on the plan's clock [umol/l] by source: free drug in plasma, mean of the target outside of depots.
    """

    sources: Mapping[str, Facts]
    concentration: Floats
    exposure: Floats | None
    level: Floats | None
    plasma: Mapping[str, TimeCourse]
    in_target: Mapping[str, TimeCourse]


def drugs_on_mesh(
    stages: Sequence[tuple[float, Mapping[str, Facts]]], fields: Mapping[str, Floats]
) -> dict[str, DrugOnMesh]:
    """Every drug by its name, from when each stage began [s] and what its sources say, and the final fields."""
    brought: dict[str, dict[str, Facts]] = {}
    for name, one in stages[-1][1].items():
        if "drug" in one and "balance_error" in one:
            brought.setdefault(one["drug"], {})[name] = one
    return {drug: _on_mesh(drug, sources, stages, fields) for drug, sources in brought.items()}


def _on_mesh(
    drug: str,
    sources: Mapping[str, Facts],
    stages: Sequence[tuple[float, Mapping[str, Facts]]],
    fields: Mapping[str, Floats],
) -> DrugOnMesh:
    held = [part for name in sources for part in _dissolved(name, drug, fields)]
    exposed = _shown(drug, sources, fields, _EXPOSURE)
    survivals, lethal = _shown(drug, sources, fields, _SURVIVAL), [one.get("dead_survival") for one in sources.values()]
    return DrugOnMesh(
        sources,
        concentration=_UMOL_PER_L * np.sum(held, axis=0),
        exposure=_UMOL_PER_L / _HOUR * np.sum(exposed, axis=0) if exposed else None,
        level=survival_level(np.prod(survivals, axis=0), lethal[0]) if survivals and lethal[0] is not None else None,
        plasma=_courses(sources, stages, "plasma_course_mol_per_m3"),
        in_target=_courses(sources, stages, "target_course_mol_per_m3"),
    )


def _shown(drug: str, sources: Mapping[str, Facts], fields: Mapping[str, Floats], ending: str) -> list[Floats]:
    """Fields (n,) of a drug that its sources show under names with this ending."""
    names = {f"drug_{drug}{ending}", *(f"drug_{drug}_{_infusion(name)}{ending}" for name in sources)}
    return [values for name, values in fields.items() if name in names]


def _courses(
    sources: Mapping[str, Facts], stages: Sequence[tuple[float, Mapping[str, Facts]]], key: str
) -> dict[str, TimeCourse]:
    """Courses [umol/l] of the sources over all stages that they were in."""
    parts = {
        name: [(begin, facts[name][key]) for begin, facts in stages if key in facts.get(name, {})] for name in sources
    }
    joined = {name: TimeCourse.joined(found) for name, found in parts.items() if found}
    return {name: replace(course, values=_UMOL_PER_L * course.values) for name, course in joined.items()}


def _dissolved(source: str, drug: str, fields: Mapping[str, Floats]) -> Iterator[Floats]:
    """Amounts per volume of tissue (n,) [mol/m3]: what a source hands on, or what it shows per volume of tissue."""
    for part in _PARTS:
        handed, shown = f"{_CARRIED}{source}/{part}", f"drug_{drug}_{_infusion(source)}_{part}_mol_per_m3"
        yield fields[shown] if shown in fields else fields[handed]


def _infusion(source: str) -> str:
    """What a source is of: ``liposomes.drip`` is of the infusion ``drip``."""
    return source.partition(".")[2]


def drug_results(drugs: Mapping[str, DrugOnMesh], assessment: Assessment) -> dict[str, DrugResult]:
    """The part of the result."""
    return {name: _result(drug, assessment) for name, drug in drugs.items()}


def drug_warnings(drugs: Mapping[str, DrugOnMesh]) -> list[str]:
    """What a planner has to know of drugs that several sources have brought."""
    return [
        f"{name} comes from {len(drug.sources)} sources: they share the plasma, but cells take up what each brings as "
        "if it were alone, and the surviving shares of both are multiplied"
        for name, drug in drugs.items()
        if len(drug.sources) > 1
    ]


def _result(drug: DrugOnMesh, assessment: Assessment) -> DrugResult:
    sources = list(drug.sources.values())
    books = {name: _book(facts, drug.plasma.get(name)) for name, facts in drug.sources.items()}
    areas = [area for one in books.values() if (area := one["plasma_auc_umol_h_per_l"]) is not None]
    corrected = [float(one["corrected_share"]) for one in sources if "corrected_share" in one]
    depths = [depth for one in sources if (depth := one.get("penetration_depth_mm")) is not None]
    in_target, plasma_peak = _in_target(drug.concentration, assessment, CONCENTRATION_STEPS), _peak(drug.plasma)
    target_peak = (None, None) if in_target is None else _peak(drug.in_target, end=in_target["mean"])
    return {
        "balance_mg": _summed([one["balance_mg"] for one in books.values()]),
        "balance_error": max(one["balance_error"] for one in books.values()),
        "corrected_share": max(corrected, default=None),
        "plasma_peak_umol_per_l": plasma_peak[0],
        "plasma_peak_s": plasma_peak[1],
        "plasma_auc_umol_h_per_l": sum(areas) if areas else None,
        "target": in_target,
        "target_peak_umol_per_l": target_peak[0],
        "target_peak_s": target_peak[1],
        "target_exposure_umol_h_per_l": _in_target(drug.exposure, assessment, EXPOSURE_STEPS),
        "share_above_threshold": _share_killed(drug, assessment),
        "penetration_mm": {"particles": depths[0]} if depths else {},
        "sources": books,
    }


def _book(facts: Facts, plasma: TimeCourse | None) -> DrugSourceResult:
    """What one source has brought."""
    peak = _peak({} if plasma is None else {"": plasma})
    return {
        "balance_mg": _milligrams(facts),
        "balance_error": abs(float(facts["balance_error"])),
        "plasma_peak_umol_per_l": peak[0],
        "plasma_peak_s": peak[1],
        "plasma_auc_umol_h_per_l": _area(facts),
    }


def _peak(courses: Mapping[str, TimeCourse], end: float | None = None) -> tuple[float, float] | tuple[None, None]:
    """Highest value of the sum of courses, and when [s]; of none there is nothing.

    Where it is known better what the sum ends at, by the surface of the target instead of by whole cells, all of it is
    scaled to that ``end``; not where next to nothing is left, because the ratio of two such ends says nothing of a peak
    long before.
    """
    if not courses:
        return None, None
    course = summed(list(courses.values()))
    last = float(course.values[-1])
    highest, time = course.peak
    return (highest if end is None or last <= _LEAST_LEFT * highest else highest * end / last), time


def _share_killed(drug: DrugOnMesh, assessment: Assessment) -> float | None:
    """Share of the target that the drug kills alone."""
    if drug.level is None or assessment.coverage is None:
        return None
    samples = assessment.coverage.samples
    dead = assessment.probe.dead(drug.level, samples.points_mm)
    return float(samples.weights[dead].sum() / samples.weights.sum())


def _milligrams(facts: Facts) -> dict[str, float]:
    """Where a drug is [mg]."""
    if "balance_mg" in facts:
        return {_SAME_PLACE.get(name, name): mass for name, mass in facts["balance_mg"].items()}
    return {name: facts["mg_per_mol"] * amount for name, amount in facts["balance_mol"].items()}


def _area(facts: Facts) -> float | None:
    """Integral over time [umol h/l] of the concentration in plasma of what is not enclosed in a carrier."""
    known = {"plasma_free_auc_umol_h_per_l": 1.0, "plasma_auc_mol_s_per_m3": _UMOL_PER_L / _HOUR}
    return next((factor * facts[name] for name, factor in known.items() if name in facts), None)


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


def _in_target(nodal: Floats | None, assessment: Assessment, thresholds: Sequence[float]) -> ConcentrationResult | None:
    if nodal is None or assessment.coverage is None:
        return None
    return VolumeHistogram.of(assessment.probe, nodal, assessment.coverage.samples).section(thresholds)
