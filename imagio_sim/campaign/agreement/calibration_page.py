# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a calibration to the page that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imagio_sim.campaign.agreement.calibration import Calibration
from imagio_sim.campaign.agreement.posterior import Estimate
from imagio_sim.campaign.agreement.treated_cases import LENGTHS
from imagio_sim.view.calibration_report import (
    CalibrationPage,
    PredictedLength,
    draw_lengths,
    draw_parameter,
    write_calibration_page,
)
from imagio_sim.view.page import TextTable
from imagio_sim.view.report import Picture
from imagio_sim.view.source_facts import number

PICTURES = "pictures"
_TITLES = tuple(name.removesuffix("_mm").replace("_", " ") for name in LENGTHS)


def write_page_of(folder: Path, found: Calibration) -> None:
    """Write ``calibration.html`` with its pictures."""
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    write_calibration_page(
        folder / "calibration.html",
        CalibrationPage(
            title=f"Calibration on {len(found.cases)} cases",
            notices=found.notices,
            parameters=_parameters(found),
            cases=_cases(found),
            errors=_errors(found),
            facts=_facts(found),
            pictures=list(_pictures(folder / PICTURES, found)),
        ),
    )


def _parameters(found: Calibration) -> TextTable:
    rows = []
    for name, (mean, scatter) in found.means.items():
        low, median, high = found.before[name]
        left = np.mean([case.parameters[name].width_left for case in found.cases])
        before = f"{median:.3g} ({low:.3g} to {high:.3g})"
        rows.append([_named(found, name), before, f"{mean:.3g} ± {scatter:.2g}", f"{left:.0%}"])
    return TextTable(["parameter", "known before", "mean of the cases ± scatter", "interval left"], rows)


def _named(found: Calibration, name: str) -> str:
    unit = found.units[name]
    return f"{name.partition('=')[0]} ({unit})" if unit else name.partition("=")[0]


def _cases(found: Calibration) -> TextTable:
    rows = [[case.name, *(_estimate_text(one) for one in case.parameters.values())] for case in found.cases]
    return TextTable(["case", *(_named(found, name) for name in found.spreads)], rows)


def _estimate_text(one: Estimate) -> str:
    return f"{one.median:.3g} ({one.low:.3g} to {one.high:.3g}; {one.width_left:.0%} left)"


def _errors(found: Calibration) -> TextTable:
    rows = [[kind.replace("_", " "), *map(number, errors)] for kind, errors in found.errors_mm.items()]
    return TextTable(["", *(f"{title} (mm)" for title in _TITLES)], rows)


def _facts(found: Calibration) -> dict[str, str]:
    asked = found.asked
    offset, before = f"{found.offset_mm:+.1f} ± {found.offset_sd_mm:.1f} mm", f"± {found.offset_spread_mm:.1f} mm"
    return {
        **{f"known before of {name.partition('=')[0]}": spread for name, spread in found.spreads.items()},
        "runs": f"{asked.runs} for every scenario, at the corners of what is known beforehand and within",
        "seed": str(asked.seed),
        "interpolation between the runs": f"off by {number(found.emulator_error_mm, 2)} mm at runs left out of it",
        "shrinkage": asked.shrinkage,
        "common radial offset": f"{offset}, known before from the models of cell death: {before}",
        "measured lengths within the 90 % interval that the other cases let expect": f"{found.left_out_coverage:.0%};"
        " if this is far from 90 %, do not believe the rest",
    }


def _pictures(folder: Path, found: Calibration) -> Iterator[Picture]:
    notice = " ".join(found.notices)
    for count, name in enumerate(found.spreads, start=1):
        path = folder / f"parameter_{count}.png"
        cases = {case.name: (one.low, one.median, one.high) for case in found.cases if (one := case.parameters[name])}
        draw_parameter(path, _named(found, name), found.before[name], cases, notice)
        yield Picture(path, f"{_named(found, name)}: every case's interval over what was known beforehand.")
    path = folder / "lengths.png"
    draw_lengths(path, [_length(found, axis, title) for axis, title in enumerate(_TITLES)], notice)
    yield Picture(path, "Lengths of every zone, from the other cases alone, over what was measured.")


def _length(found: Calibration, axis: int, title: str) -> PredictedLength:
    return PredictedLength(
        title,
        [case.measured_mm[axis] for case in found.cases],
        [case.left_out_interval_mm[axis] for case in found.cases],
        [case.left_out_mm[axis] for case in found.cases],
    )
