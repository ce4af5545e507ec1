# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether a plan keeps its constraints: limits of the plan against quantities of the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

from imagio_sim.outcome.result import NORMAL_LIVER, ConstraintResult, Result, StructureResult


class Limit(Protocol):
    """What a constraint of the plan offers (``imagio_sim.plan.constraints.Limits``)."""

    name: Any
    quantity: Any
    structure: Any
    at_least: Any
    at_most: Any
    warn: Any

    def status(self, value: float) -> Literal["pass", "warn", "fail"]:
        """How a value stands against the limits."""


Extractor = Callable[[Result, str], float | None]
"""Value of a quantity in a result, for a structure where it belongs to one; None where not recorded."""


def _margin(result: Result, _: str) -> float | None:
    target = result.get("target")
    if target is None:
        return None
    margin = target["minimal_ablative_margin_mm"]
    return -math.inf if margin is None else margin


def _coverage(result: Result, _: str) -> float | None:
    target = result.get("target")
    return None if target is None else target["coverage"]


def _margin_fraction(band: Literal["lt_0", "0_5", "ge_5", "ge_10"]) -> Extractor:
    def extract(result: Result, _: str) -> float | None:
        target = result.get("target")
        return None if target is None else target["margin_surface_fraction"][band]

    return extract


def _of_structure(pick: Callable[[StructureResult], float | None]) -> Extractor:
    return lambda result, structure: pick(result["structures"][structure])


def _distance(structure: StructureResult) -> float:
    return math.inf if structure["distance_mm"] is None else structure["distance_mm"]


def _share_above_threshold(result: Result, _: str) -> float | None:
    """Of the drug that has killed most of the target alone; none where no drug was given."""
    return max((drug["share_above_threshold"] or 0.0 for drug in result.get("drug", {}).values()), default=0.0)


def _mean_dose(structure: str) -> Extractor:
    """By the dose kernel; nothing where no radiation was given."""

    def extract(result: Result, _: str) -> float | None:
        if "dose" not in result:
            return 0.0
        found = result["dose"]["structures"].get(structure)
        return None if found is None else found["kernel"]["mean_Gy"]

    return extract


def _plasma_peak(result: Result, _: str) -> float | None:
    """Highest of any drug; a drug whose peak is not known leaves it unknown."""
    peaks = [drug["plasma_peak_umol_per_l"] for drug in result.get("drug", {}).values()]
    known = [peak for peak in peaks if peak is not None]
    return None if len(known) < len(peaks) else max(known, default=0.0)


def _of_reserve(key: Literal["perfused_ml", "perfused_share"]) -> Extractor:
    def extract(result: Result, _: str) -> float | None:
        return result["liver_reserve"][key] if "liver_reserve" in result else None

    return extract


QUANTITIES: Mapping[str, Extractor] = {
    "target_coverage": _coverage,
    "margin_fraction_lt_0": _margin_fraction("lt_0"),
    "margin_fraction_0_5": _margin_fraction("0_5"),
    "margin_fraction_ge_5": _margin_fraction("ge_5"),
    "margin_fraction_ge_10": _margin_fraction("ge_10"),
    "minimal_ablative_margin": _margin,
    "ablation_zone_volume": lambda result, _: result["ablation_zone"]["volume_ml"],
    "long_axis": lambda result, _: result["ablation_zone"]["long_axis_mm"],
    "short_axis": lambda result, _: result["ablation_zone"]["short_axis_mm"],
    "treatment_time": lambda result, _: result["treatment_time_s"],
    "collateral_volume": _of_structure(lambda structure: structure["collateral_volume_ml"]),
    "collateral_fraction": _of_structure(lambda structure: structure["collateral_fraction"]),
    "distance": _of_structure(_distance),
    "peak_temperature": _of_structure(lambda structure: structure["peak_temperature_degC"]),
    "minimum_temperature": _of_structure(lambda structure: structure["minimum_temperature_degC"]),
    "target_share_above_drug_threshold": _share_above_threshold,
    "target_mean_dose": _mean_dose("target"),
    "normal_liver_mean_dose": _mean_dose(NORMAL_LIVER),
    "lung_mean_dose": lambda result, _: result["dose"]["lungs"]["mean_Gy"] if "dose" in result else 0.0,
    "plasma_peak": _plasma_peak,
    "liver_reserve_volume": _of_reserve("perfused_ml"),
    "liver_reserve_fraction": _of_reserve("perfused_share"),
    "peak_thermal_dose": _of_structure(lambda structure: structure["peak_thermal_dose_CEM43_min"]),
}
"""How each quantity that a plan may limit is read from a result."""


def evaluate_constraints(constraints: Iterable[Limit], result: Result) -> list[ConstraintResult]:
    """Hold every constraint against the result; what was not recorded fails."""
    return [_evaluate(constraint, result) for constraint in constraints]


def _evaluate(constraint: Limit, result: Result) -> ConstraintResult:
    value = QUANTITIES[constraint.quantity](result, constraint.structure or "")
    lower = constraint.at_least is not None
    return {
        "name": constraint.name,
        "quantity": constraint.quantity,
        "structure": constraint.structure,
        "bound": "at_least" if lower else "at_most",
        "limit": constraint.at_least if lower else constraint.at_most,
        "warn": constraint.warn,
        "value": value if value is not None and math.isfinite(value) else None,
        "status": "fail" if value is None else constraint.status(value),
    }
