# SPDX-License-Identifier: LGPL-3.0-or-later
"""From compared cases to the page that shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from imagio_sim.anatomy.nrrd_file import read_nrrd_image
from imagio_sim.anatomy.volume import Image
from imagio_sim.campaign.agreement.measured_cases import CaseAgreement, Treatment
from imagio_sim.campaign.agreement.measured_cohort import FIGURES, PAIRED, CohortAgreement
from imagio_sim.campaign.finished_runs import FinishedRun
from imagio_sim.campaign.viewer_files import SLICER
from imagio_sim.outcome.agreement import LimitsOfAgreement, Spread
from imagio_sim.view.agreement_report import (
    AgreementPage,
    CasePicture,
    draw_bland_altman,
    draw_overlay,
    margin_row,
    write_agreement_page,
)
from imagio_sim.view.page import TextTable
from imagio_sim.view.source_facts import number

PICTURES = "pictures"


def write_page_of(folder: Path, found: CohortAgreement) -> None:
    """Write ``agreement.html`` with its pictures."""
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    write_agreement_page(
        folder / "agreement.html",
        AgreementPage(
            title=_title(found),
            notices=found.notices,
            facts=_facts(found),
            summary=_summary(found),
            limits=_limits(found),
            cases=TextTable(
                ["case", *(one.heading for one in FIGURES)], [_case_row(found, one) for one in found.cases]
            ),
            shrinkage=_shrinkage(found),
            margins=_margins(found),
            plots=list(_plots(folder / PICTURES, found)),
            pictures=[_picture(folder / PICTURES, n, case) for n, case in enumerate(found.cases, start=1)],
        ),
    )


def _title(found: CohortAgreement) -> str:
    return (
        found.cases[0].name + ": simulated and measured"
        if len(found.cases) == 1
        else (f"{len(found.cases)} cases: simulated and measured")
    )


def _facts(found: CohortAgreement) -> dict[str, str]:
    kinds = sorted({case.read.measured.kind for case in found.cases})
    steps = [case.read.measured.resolution_mm for case in found.cases if case.read.measured.resolution_mm is not None]
    ratios = [case.read.length_ratio for case in found.cases]
    return {
        "measured zones": ", ".join(kinds)
        + (f", {min(steps):.1f} to {max(steps):.1f} mm between voxels or slices" if steps else ""),
        "shrinkage": f"{found.treatment}; length after by length before: {min(ratios):.2f} to {max(ratios):.2f}",
        "registration": _registration(found.cases),
        "surface distances": "by area, over both surfaces; of the 95 % and the largest distance the larger direction",
    }


def _registration(cases: Sequence[CaseAgreement]) -> str:
    floors = [case.read.registration.residual_mean_mm for case in cases if case.read.registration is not None]
    without = len(cases) - len(floors)
    parts = [] if not without else [f"{without} taken to be in the plan's frame, with an error that is not known"]
    if floors:
        parts.insert(
            0,
            f"{len(floors)} rigid, by a structure whose surfaces still lie {min(floors):.1f} to {max(floors):.1f} mm"
            " apart on average: no better agreement can be shown",
        )
    return "; ".join(parts)


def _summary(found: CohortAgreement) -> TextTable:
    rows = []
    for figure in FIGURES:
        one = found.figures[figure.key][found.treatment]
        if one is not None:
            rows.append([figure.heading, str(one.count), *_spread_texts(one, figure.digits)])
    return TextTable(["figure", "cases", "mean", "standard deviation", "median", "least", "most"], rows)


def _spread_texts(one: Spread, digits: int) -> list[str]:
    return [number(value, digits) for value in (one.mean, one.sd, one.median, one.least, one.most)]


def _limits(found: CohortAgreement) -> TextTable:
    rows = []
    for pair in PAIRED:
        one = found.limits[pair.key][found.treatment]
        if one is not None:
            slope = "–" if one.slope is None else f"{number(one.slope, 2)} (p = {one.slope_significance:.2g})"
            rows.append([f"{pair.title} ({pair.unit})", *_limit_texts(one), slope])
    return TextTable(["quantity", "bias", "lower limit", "upper limit", "slope over size"], rows)


def _limit_texts(one: LimitsOfAgreement) -> list[str]:
    values = ((one.bias, one.bias_interval), (one.low, one.low_interval), (one.high, one.high_interval))
    return [f"{number(value)} ({number(low)} to {number(high)})" for value, (low, high) in values]


def _case_row(found: CohortAgreement, case: CaseAgreement) -> list[str]:
    one = case.by_treatment[found.treatment]
    return [case.name, *(number(figure.read(one), figure.digits) for figure in FIGURES)]


def _shrinkage(found: CohortAgreement) -> TextTable:
    treatments: list[Treatment] = list(found.cases[0].by_treatment)
    rows = [
        [
            figure.heading,
            *(
                "–" if (one := found.figures[figure.key][name]) is None else number(one.mean, figure.digits)
                for name in treatments
            ),
        ]
        for figure in FIGURES
    ]
    return TextTable(["mean over the cases", *treatments], rows)


def _margins(found: CohortAgreement) -> TextTable:
    rows = []
    if found.margins is not None and found.minimal_margins is not None:
        rows = [
            margin_row("points of the targets' surfaces, every case alike", found.margins),
            margin_row("minimal margins, case by case", found.minimal_margins),
        ]
    return TextTable(["", "count", "really below 5 mm", "sensitivity", "specificity", "area under the curve"], rows)


def _plots(folder: Path, found: CohortAgreement) -> Iterator[CasePicture]:
    for pair in PAIRED:
        limits = found.limits[pair.key][found.treatment]
        if limits is not None:
            path = folder / f"bland_altman_{pair.key}.png"
            pairs = [pair.read(case.by_treatment[found.treatment]) for case in found.cases]
            draw_bland_altman(path, pair.title, pair.unit, pairs, limits, " ".join(found.notices))
            yield CasePicture(
                pair.title, path, f"Bland–Altman plot of the {pair.title}: bias and limits with their confidence."
            )


def _picture(folder: Path, count: int, case: CaseAgreement) -> CasePicture:
    path = folder / f"case_{count:03d}.png"
    draw_overlay(
        path,
        case.name,
        case.simulated,
        case.measured,
        target=case.read.target,
        image=_image(case.read.run),
        notice=case.read.measured.notice,
    )
    return CasePicture(case.name, path, f"run {case.read.run.label}, zone {case.read.request.measured.name}")


def _image(run: FinishedRun) -> Image | None:
    file = run.folder / SLICER / "image.nrrd"
    return read_nrrd_image(file) if file.is_file() else None
