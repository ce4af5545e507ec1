# SPDX-License-Identifier: LGPL-3.0-or-later
"""Several runs in one page that stands alone: figures, pictures and zones side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagio_sim.outcome.comparison import Row, comparison_rows
from imagio_sim.outcome.result import Result
from imagio_sim.view.page import TextTable, embedded, is_wide, rendered, write_page
from imagio_sim.view.report import Picture

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class ComparedRun:
    """One run of a page: its name on it, its result, and its pictures, in the order of all others'."""

    label: str
    question: str
    result: Result
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class ComparisonReport:
    """What the page is made of.

    Attributes
    ----------
    title
        Of the page.
    runs
        The best first.
    rule
        By what they are ranked, in words.
    ranks
        Of each run.
    differences
        What one kills and another spares, pair by pair and by where it lies.
    notes
        What a reader has to know before comparing.
    scene
        Zones of all runs with what is around them, see :mod:`imagio_sim.view.interactive`; None leaves it out.
    uncertainty
        How sure the plans are, see :func:`imagio_sim.view.uncertainty_report.uncertainty_sections`.
    """

    title: str
    runs: Sequence[ComparedRun]
    rule: str
    ranks: Sequence[int]
    differences: TextTable
    notes: Sequence[str]
    scene: Mapping[str, Any] | None = None
    uncertainty: Markup | None = None

    @property
    def questions(self) -> list[str]:
        """What the scenarios ask, each once."""
        return list(dict.fromkeys(run.question for run in self.runs))


def write_comparison_report(path: Path, report: ComparisonReport) -> None:
    """Write the page; it is there only once it is complete."""
    results = [run.result for run in report.runs]
    pictures = [picture for run in report.runs for picture in run.pictures]
    page = rendered(
        "comparison.html.j2",
        report=report,
        rows=[Row("rank", "", tuple(map(str, report.ranks))), *comparison_rows(results)],
        models=_models(results),
        books=_books(results),
        captions=list(dict.fromkeys(picture.caption for picture in pictures)),
        wide={picture.caption for picture in pictures if is_wide(picture.path)},
        picture_of={
            (run.label, picture.caption): embedded(picture.path) for run in report.runs for picture in run.pictures
        },
    )
    write_page(path, page)


def _models(results: Sequence[Result]) -> list[Row]:
    """Zone volume by each model of cell death that any of the runs has evaluated."""
    zones = [result.get("ablation_zone", {}).get("by_model", {}) for result in results]
    names = dict.fromkeys(name for zone in zones for name in zone)
    return [
        Row(name, "ml", tuple(f"{zone[name]['volume_ml']:.1f}" if name in zone else "–" for zone in zones))
        for name in names
    ]


def _books(results: Sequence[Result]) -> list[Row]:
    """What says how far each run is to be trusted as a computation."""
    rows = [
        ("energy balance error", "%", [f"{100.0 * result['energy']['balance_error']:.4f}" for result in results]),
        ("nodes", "", [str(result["mesh"]["nodes"]) for result in results]),
        ("constants nobody has checked", "", [str(len(result["constants_from_memory"])) for result in results]),
        ("version", "", [result["versions"]["imagio-sim"] for result in results]),
    ]
    return [Row(name, unit, tuple(values)) for name, unit, values in rows]
