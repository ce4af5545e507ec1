# SPDX-License-Identifier: LGPL-3.0-or-later
"""The HTML report of a run: one file that opens anywhere, without network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagio_sim.outcome.comparison import MISSING
from imagio_sim.outcome.result import ConstraintResult, Result
from imagio_sim.tissue.death import SLOW
from imagio_sim.view.infusion_tables import infusion_sections
from imagio_sim.view.page import embedded, is_wide, rendered, write_page
from imagio_sim.view.source_facts import heat_table, number, plain_words, quantity, source_tables

_UNITS = {
    "minimal_ablative_margin": "mm",
    "long_axis": "mm",
    "short_axis": "mm",
    "distance": "mm",
    "ablation_zone_volume": "ml",
    "collateral_volume": "ml",
    "peak_temperature": "°C",
    "minimum_temperature": "°C",
    "peak_thermal_dose": "CEM43 min",
    "liver_reserve_volume": "ml",
    "target_mean_dose": "Gy",
    "normal_liver_mean_dose": "Gy",
    "lung_mean_dose": "Gy",
    "plasma_peak": "µmol/l",
    "treatment_time": "s",
}


@dataclass(frozen=True)
class Picture:
    """A PNG file and the sentence under it."""

    path: Path
    caption: str


MEMORY = "memory"
"""Evidence of a number that nobody has checked."""


@dataclass(frozen=True)
class Constant:
    """One number the run has used: of which tissue, device or model, and where it comes from.

    ``evidence`` says how it was seen, ``origin`` what has put it in place of the library's (else ``library``).
    """

    owner: str
    quantity: str
    value: str
    spread: str
    source: str
    evidence: str
    origin: str

    @property
    def unchecked(self) -> bool:
        """Whether it is from memory."""
        return self.evidence == MEMORY


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    Attributes
    ----------
    title, question
        Case and plan, and the clinical question the scenario asks.
    summary
        Lines of the case and plan: name and text.
    result
        The finished run.
    pictures
        Shown in this order.
    constants
        Every constant used, with its source.
    scene
        Surfaces to be turned by hand, see :func:`~imagio_sim.view.interactive.interactive_scene`; None leaves them out.
    """

    title: str
    question: str
    summary: Mapping[str, str]
    result: Result
    pictures: Sequence[Picture]
    constants: Sequence[Constant]
    scene: Mapping[str, Any] | None = None

    @property
    def unchecked(self) -> list[Constant]:
        """The constants from memory."""
        return [constant for constant in self.constants if constant.unchecked]


def write_report(path: Path, report: Report) -> None:
    """Write the page; it is there only once it is complete."""
    write_page(path, render_report(report))


def render_report(report: Report) -> str:
    """Make the page as text; everything that comes from outside is escaped."""
    return rendered(
        "report.html.j2",
        report=report,
        result=report.result,
        pictures=[(embedded(one.path), one.caption, is_wide(one.path)) for one in report.pictures],
        limit_text=_limit_text,
        value_text=_value_text,
        sections=infusion_sections(report.result),
        fact_tables=source_tables(report.result),
        is_thermal=_is_thermal(report.result),
        heat=heat_table(report.result) if _is_thermal(report.result) else None,
        solver_numbers=_solver_numbers(report.result),
    )


def _is_thermal(result: Result) -> bool:
    """Whether anything has warmed or cooled tissue: what kills over days does neither."""
    return "kill" not in result or not SLOW.issuperset(result["kill"]["models"])


def _solver_numbers(result: Result) -> dict[str, str]:
    """What the solver says in single numbers; what it says by stage and source has tables of its own."""
    return {
        plain_words(name): quantity(name, value)
        for name, value in result.get("solver", {}).items()
        if isinstance(value, int | float) and name != "wall_s"  # the section of times has it
    }


def _with_unit(quantity: str, value: float | None) -> str:
    if value is None:
        return MISSING
    if quantity in _UNITS:
        return f"{number(value, 2)} {_UNITS[quantity]}"
    return f"{number(100.0 * value, 1)} %"


def _limit_text(constraint: ConstraintResult) -> str:
    sign = "≥" if constraint["bound"] == "at_least" else "≤"
    return f"{sign} {_with_unit(constraint['quantity'], constraint['limit'])}"


def _value_text(constraint: ConstraintResult) -> str:
    return _with_unit(constraint["quantity"], constraint["value"])
