# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a result says of drugs: where each is, what the target got, and what the blood has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.sequence import STATE
from imagio_sim.outcome.assessment import Assessment
from imagio_sim.outcome.drug_statistics import VolumeHistogram
from imagio_sim.outcome.result import ConcentrationResult, DrugResult, KillResult
from imagio_sim.solve.stage import CARRIED
from imagio_sim.tissue.death import DRUG

Floats = NDArray[np.float64]
Facts = Mapping[str, Any]

CONCENTRATION_STEPS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Thresholds of the histogram of concentration [umol/l]."""
EXPOSURE_STEPS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Thresholds of the histogram of exposure [umol h/l]."""

_PARTS = ("free", "bound", "cells")
_EXPOSURE = "_exposure_mol_s_per_m3"
_CARRIED = f"{STATE}{CARRIED}"
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
    """

    sources: Mapping[str, Facts]
    concentration: Floats
    exposure: Floats | None


def drugs_on_mesh(facts: Mapping[str, Facts], fields: Mapping[str, Floats]) -> dict[str, DrugOnMesh]:
    """Every drug by its name, from what the last stage's sources say and the final fields."""
    brought: dict[str, dict[str, Facts]] = {}
    for name, one in facts.items():
        if "drug" in one and "balance_error" in one:
            brought.setdefault(one["drug"], {})[name] = one
    return {drug: _on_mesh(drug, sources, fields) for drug, sources in brought.items()}


def _on_mesh(drug: str, sources: Mapping[str, Facts], fields: Mapping[str, Floats]) -> DrugOnMesh:
    held = [part for name in sources for part in _dissolved(name, drug, fields)]
    shown = {f"drug_{drug}{_EXPOSURE}", *(f"drug_{drug}_{_infusion(name)}{_EXPOSURE}" for name in sources)}
    exposed = [values for name, values in fields.items() if name in shown]
    return DrugOnMesh(
        sources,
        concentration=_UMOL_PER_L * np.sum(held, axis=0),
        exposure=_UMOL_PER_L / _HOUR * np.sum(exposed, axis=0) if exposed else None,
    )


def _dissolved(source: str, drug: str, fields: Mapping[str, Floats]) -> Iterator[Floats]:
    """Amounts per volume of tissue (n,) [mol/m3]: what a source hands on, or what it shows per volume of tissue."""
    for part in _PARTS:
        handed, shown = f"{_CARRIED}{source}/{part}", f"drug_{drug}_{_infusion(source)}_{part}_mol_per_m3"
        yield fields[shown] if shown in fields else fields[handed]


def _infusion(source: str) -> str:
    """What a source is of: ``liposomes.drip`` is of the infusion ``drip``."""
    return source.partition(".")[2]


def drug_results(drugs: Mapping[str, DrugOnMesh], assessment: Assessment, kill: KillResult) -> dict[str, DrugResult]:
    """The part of the result; the share above the threshold is what all drugs together have killed alone."""
    return {name: _result(drug, assessment, _share_killed(kill)) for name, drug in drugs.items()}


def drug_warnings(drugs: Mapping[str, DrugOnMesh]) -> list[str]:
    """What a planner has to know of drugs that several sources have brought."""
    return [
        f"{name} comes from {len(drug.sources)} sources, each followed on its own: its peak in plasma is the highest "
        f"of theirs and may be up to {sum(peaks):.3g} umol/l where they coincide; cells take up each as if alone"
        for name, drug in drugs.items()
        if len(peaks := [peak for one in drug.sources.values() if (peak := _peak(one))]) > 1
    ]


def _share_killed(kill: KillResult) -> float | None:
    target = kill["target"]
    if target is None or DRUG not in target["alone_ml"] or not kill["target_volume_ml"] > 0.0:
        return None
    return min(target["alone_ml"][DRUG] / kill["target_volume_ml"], 1.0)


def _result(drug: DrugOnMesh, assessment: Assessment, share_killed: float | None) -> DrugResult:
    sources = list(drug.sources.values())
    peaks = [(peak, one.get("plasma_peak_s")) for one in sources if (peak := _peak(one)) is not None]
    highest = max(peaks, default=(None, None), key=lambda peak: peak[0] or 0.0)
    areas = [area for one in sources if (area := _area(one)) is not None]
    corrected = [float(one["corrected_share"]) for one in sources if "corrected_share" in one]
    depths = [one["penetration_depth_mm"] for one in sources if "penetration_depth_mm" in one]
    return {
        "balance_mg": _summed([_milligrams(one) for one in sources]),
        "balance_error": max(abs(float(one["balance_error"])) for one in sources),
        "corrected_share": max(corrected, default=None),
        "plasma_peak_umol_per_l": highest[0],
        "plasma_peak_s": highest[1],
        "plasma_auc_umol_h_per_l": sum(areas) if areas else None,
        "target": _in_target(drug.concentration, assessment, CONCENTRATION_STEPS),
        "target_exposure_umol_h_per_l": _in_target(drug.exposure, assessment, EXPOSURE_STEPS),
        "share_above_threshold": share_killed,
        "penetration_mm": {"particles": depths[0]} if depths else {},
    }


def _milligrams(facts: Facts) -> dict[str, float]:
    """Where a drug is [mg]."""
    if "balance_mg" in facts:
        return dict(facts["balance_mg"])
    return {name: facts["mg_per_mol"] * amount for name, amount in facts["balance_mol"].items()}


def _peak(facts: Facts) -> float | None:
    """Highest concentration in plasma [umol/l] of what is not enclosed in a carrier."""
    known = {"plasma_free_peak_umol_per_l": 1.0, "plasma_peak_mol_per_m3": _UMOL_PER_L}
    return next((factor * facts[name] for name, factor in known.items() if name in facts), None)


def _area(facts: Facts) -> float | None:
    """Its integral over time [umol h/l]."""
    known = {"plasma_free_auc_umol_h_per_l": 1.0, "plasma_auc_mol_s_per_m3": _UMOL_PER_L / _HOUR}
    return next((factor * facts[name] for name, factor in known.items() if name in facts), None)


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


def _in_target(nodal: Floats | None, assessment: Assessment, thresholds: Sequence[float]) -> ConcentrationResult | None:
    if nodal is None or assessment.coverage is None:
        return None
    return VolumeHistogram.of(assessment.probe, nodal, assessment.coverage.samples).section(thresholds)
