# SPDX-License-Identifier: LGPL-3.0-or-later
"""One page about finished runs, from what their folders hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from imagio_sim.campaign.finished_runs import FinishedRun
from imagio_sim.campaign.uncertainty.page import sections_of
from imagio_sim.campaign.viewer_files import SURFACES, as_file_name
from imagio_sim.campaign.what_if.comparison import Comparison
from imagio_sim.errors import InputError
from imagio_sim.outcome.surface import Surface
from imagio_sim.view.comparison_report import ComparedRun, ComparisonReport, write_comparison_report
from imagio_sim.view.interactive import ShownSurface, encoded_scene
from imagio_sim.view.page import TextTable, write_page
from imagio_sim.view.report import Picture
from imagio_sim.view.scene import ORGAN_COLOUR, STRUCTURE_COLOUR, TARGET_COLOUR, VESSEL_COLOUR

if TYPE_CHECKING:
    from markupsafe import Markup

REPORT = "report.html"
PLACE_OF_UNCERTAINTY = "<!-- how sure are we -->"
"""Where a run's own report leaves room for what a sample of it says."""
PICTURES = {
    "zone_planes.png": "Zone and target in three planes",
    "zone_3d.png": "Zone, target and needles in space",
    "margins.png": "Margins over the target's surface",
    "history.png": "Devices and tissue over time",
}
"""Pictures of a run that are shown beside those of others, and what they are of."""

# Zones of different runs, told apart with every common colour vision (Okabe and Ito).
_ZONE_COLOURS = ("#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#0072B2", "#E69F00")
_OWN_COLOURS = {"target": (TARGET_COLOUR, 0.8), "organ": (ORGAN_COLOUR, 0.12)}


def write_joint_report(
    path: Path, runs: Sequence[FinishedRun], comparison: Comparison, *, uncertainty: Path | None = None
) -> None:
    """Write one page: of a single run its own report, of several one in which they stand side by side.

    Parameters
    ----------
    comparison
        Of the same runs; the page has its order.
    uncertainty
        Folder of ``imagio uncertainty`` in which their plans were drawn; the page then says how sure they are.
    """
    sure = None if uncertainty is None else sections_of(uncertainty, {run.result["plan"] for run in runs})
    if len(runs) == 1:
        _write_own_report(runs[0], path, sure)
        return
    by_label = {run.label: run for run in runs}
    ordered = [by_label[one.label] for one in comparison.runs]
    write_comparison_report(
        path,
        ComparisonReport(
            title=f"{len(runs)} plans compared",
            runs=[_compared(run) for run in ordered],
            rule=comparison.rule,
            ranks=[one.rank for one in comparison.runs],
            differences=_difference_table(comparison),
            notes=comparison.notes,
            scene=_scene(ordered),
            uncertainty=sure,
        ),
    )


def _difference_table(comparison: Comparison) -> TextTable:
    rows = [
        [
            *((one.first, one.second) if part.region == one.whole.region else ("", "")),
            part.region.replace("_", " "),
            *(f"{volume:.1f}" for volume in (part.only_first_ml, part.only_second_ml, part.both_ml)),
        ]
        for one in comparison.differences
        for part in (one.whole, *one.regions)
    ]
    return TextTable(["plan A", "plan B", "where", "only A (ml)", "only B (ml)", "both (ml)"], rows)


def _write_own_report(run: FinishedRun, path: Path, sure: Markup | None) -> None:
    own = run.folder / REPORT
    text = own.read_text(encoding="utf-8") if own.is_file() else ""
    if PLACE_OF_UNCERTAINTY not in text:
        raise InputError(
            str(run.folder),
            found="a run without a report, made without pictures" if not text else "a report of an earlier version",
            allowed="a run with its report",
            remedy="run the scenario again with imagio run --restart",
        )
    if own.resolve() != path.resolve() or sure is not None:
        write_page(path, text.replace(PLACE_OF_UNCERTAINTY, sure or PLACE_OF_UNCERTAINTY))


def _compared(run: FinishedRun) -> ComparedRun:
    plan = yaml.safe_load((run.folder / "plan.yaml").read_text(encoding="utf-8"))
    pictures = [
        Picture(run.folder / name, caption) for name, caption in PICTURES.items() if (run.folder / name).is_file()
    ]
    return ComparedRun(run.label, plan["question"], run.result, pictures)


def _scene(runs: Sequence[FinishedRun]) -> dict[str, object] | None:
    """Zones of all runs of one patient, with the surroundings of the first; None for several patients."""
    if len({run.patient for run in runs}) > 1 or not (runs[0].folder / SURFACES).is_dir():
        return None
    shown = [
        *_surroundings(runs[0]),
        *(
            ShownSurface(f"zone of {run.label}", _read(run.folder / SURFACES / "zone.vtu"), colour, 0.35)
            for run, colour in zip(runs, _ZONE_COLOURS, strict=False)
            if (run.folder / SURFACES / "zone.vtu").is_file()
        ),
    ]
    if not shown:
        return None
    points = np.concatenate([one.surface.points_mm for one in shown if one.name.startswith(("zone", "target"))])
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    return encoded_scene(shown, middle, float(np.linalg.norm(points - middle, axis=1).max()))


def _surroundings(run: FinishedRun) -> Iterator[ShownSurface]:
    for file in sorted((run.folder / SURFACES).glob("*.vtu")):
        if file.stem not in ("zone", "applicators"):
            is_critical = file.stem in map(as_file_name, run.result.get("structures", {}))
            other = (STRUCTURE_COLOUR if is_critical else VESSEL_COLOUR, 0.9)
            colour, opacity = _OWN_COLOURS.get(file.stem, other)
            yield ShownSurface(file.stem.replace("_", " "), _read(file), colour, opacity)


def _read(file: Path) -> Surface:
    import meshio

    mesh = meshio.read(file)
    return Surface(np.asarray(mesh.points, dtype=float), mesh.cells_dict["triangle"].astype(np.int64))
