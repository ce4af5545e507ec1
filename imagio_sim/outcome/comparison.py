# SPDX-License-Identifier: LGPL-3.0-or-later
"""Several results side by side, as rows of text for terminal and report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imagio_sim.outcome.result import Result
from imagio_sim.tissue.death import HEAT

MISSING = "–"


@dataclass(frozen=True)
class Row:
    """One quantity: its name, its unit and its value in each result."""

    quantity: str
    unit: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Quantity:
    """One figure that results are compared by: its key, its name for people, unit, digits, and how it is read."""

    key: str
    title: str
    unit: str
    digits: int
    read: Callable[[Result], float | None]

    @property
    def heading(self) -> str:
        """Name and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def text(self, result: Result) -> str:
        """The figure of a result as text."""
        return _text(self.read(result), self.digits)


def comparison_rows(results: Sequence[Result]) -> list[Row]:
    """Rows of the table that compares plans; quantities no result has are left out."""
    rows = [Row(one.title, one.unit, tuple(one.text(result) for result in results)) for one in QUANTITIES]
    rows += _constraint_rows(results)
    return [row for row in rows if any(value != MISSING for value in row.values)]


def _constraint_rows(results: Sequence[Result]) -> list[Row]:
    names = dict.fromkeys(c["name"] for result in results for c in result.get("constraints", []))
    return [Row(name, "", tuple(_status(result, name) for result in results)) for name in names]


def _status(result: Result, name: str) -> str:
    found = [c["status"] for c in result.get("constraints", []) if c["name"] == name]
    return found[0] if found else MISSING


def _text(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _coverage(result: Result) -> float | None:
    target = result.get("target")
    return None if target is None else 100.0 * target["coverage"]


def _margin(result: Result) -> float | None:
    target = result.get("target")
    return None if target is None else target["minimal_ablative_margin_mm"]


def _margin_5(result: Result) -> float | None:
    target = result.get("target")
    share = None if target is None else target["margin_surface_fraction"]["ge_5"]
    return None if share is None else 100.0 * share


def _volume(result: Result) -> float | None:
    return result["ablation_zone"]["volume_ml"] if "ablation_zone" in result else None


def _long(result: Result) -> float | None:
    return result["ablation_zone"]["long_axis_mm"] if "ablation_zone" in result else None


def _short(result: Result) -> float | None:
    return result["ablation_zone"]["short_axis_mm"] if "ablation_zone" in result else None


def _minutes(result: Result) -> float | None:
    return result["treatment_time_s"] / 60.0 if "treatment_time_s" in result else None


def _energy(result: Result) -> float | None:
    return result["energy"]["source_J"] / 1000.0 if "energy" in result else None


def _solve_time(result: Result) -> float | None:
    return result["timing"]["solve_s"] if "timing" in result else None


def _collateral(result: Result) -> float | None:
    """Dead tissue outside the target; nothing where there is no target."""
    volumes = result.get("collateral_volume_ml")
    return sum(volumes.values()) if volumes and result.get("target") is not None else None


def _by_heat(result: Result) -> float | None:
    """What heat is enough to kill alone, where other things are in play than heat."""
    kill = result.get("kill")
    if kill is None or HEAT not in kill["models"] or (len(kill["models"]) == 1 and "perfusion_by_stage" not in result):
        return None
    parts = [part for part in (kill["target"], kill["outside"]) if part is not None]
    return sum(part["alone_ml"][HEAT] for part in parts)


def _flow_left(result: Result) -> float | None:
    """What is left of the target's blood flow in the last stage."""
    stages = result.get("perfusion_by_stage")
    flow, normal = (stages[-1]["target_per_s"], stages[-1]["target_normal_per_s"]) if stages else (None, None)
    return None if flow is None or not normal else 100.0 * flow / normal


def _dose(result: Result) -> float | None:
    target = result["dose"]["structures"].get("target") if "dose" in result else None
    return None if target is None else target["kernel"]["mean_Gy"]


def _control(result: Result) -> float | None:
    found = result["dose"].get("tumour_control") if "dose" in result else None
    return None if found is None else 100.0 * found["probability"]


def _exposed(result: Result) -> float | None:
    shares = [drug["share_above_threshold"] for drug in result.get("drug", {}).values()]
    return max((100.0 * share for share in shares if share is not None), default=None)


def _reserve(result: Result) -> float | None:
    return 100.0 * result["liver_reserve"]["perfused_share"] if "liver_reserve" in result else None


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("target_coverage", "target coverage", "%", 1, _coverage),
    Quantity("minimal_ablative_margin", "minimal ablative margin", "mm", 1, _margin),
    Quantity("margin_fraction_ge_5", "target surface with margin ≥ 5 mm", "%", 1, _margin_5),
    Quantity("collateral_volume", "dead tissue outside the target", "ml", 1, _collateral),
    Quantity("ablation_zone_volume", "ablation zone", "ml", 1, _volume),
    Quantity("long_axis", "long axis", "mm", 1, _long),
    Quantity("short_axis", "short axis", "mm", 1, _short),
    Quantity("killed_by_heat", "killed by heat alone", "ml", 1, _by_heat),
    Quantity("target_flow", "target's blood flow in the last stage", "%", 0, _flow_left),
    Quantity("target_mean_dose", "target's mean radiation dose", "Gy", 0, _dose),
    Quantity("tumour_control", "tumour control by radiation", "%", 0, _control),
    Quantity("target_exposed", "target exposed enough to die of drug", "%", 1, _exposed),
    Quantity("liver_reserve", "organ alive and perfused, without target", "%", 1, _reserve),
    Quantity("treatment_time", "treatment time", "min", 1, _minutes),
    Quantity("energy", "energy into tissue", "kJ", 1, _energy),
    Quantity("solve_time", "solve time", "s", 1, _solve_time),
)
"""What results are compared by, in the order of the table."""
