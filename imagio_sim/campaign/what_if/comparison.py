# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs side by side: figures, rank by a stated rule, and maps of what one kills and another spares."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.nifti import nifti_grid, open_nifti, voxels
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.finished_runs import FinishedRun
from imagio_sim.errors import InputError
from imagio_sim.export.nifti import write_label_nifti
from imagio_sim.outcome.comparison import QUANTITIES
from imagio_sim.outcome.difference import (
    BOTH,
    ONLY_FIRST,
    ONLY_SECOND,
    Difference,
    Killed,
    difference,
    volumes_by_region,
)
from imagio_sim.outcome.ranking import Rule
from imagio_sim.outcome.uncertainty import Interval, PlanDifference

MOST_MAPS = 12
"""Runs beyond which only volumes are compared, and no maps are written."""


@dataclass(frozen=True)
class Compared:
    """One run in a comparison.

    Attributes
    ----------
    varied
        Values that tell it from the others (of a sweep), by path.
    figures
        Every quantity by key, in the unit of :data:`imagio_sim.outcome.comparison.QUANTITIES`.
    constraints
        Status by name.
    intervals
        From 5 to 95 % of the draws, by quantity, where its plan was drawn.
    """

    rank: int
    label: str
    folder: str
    plan: str
    patient: int
    varied: Mapping[str, Any]
    figures: Mapping[str, float | None]
    constraints: Mapping[str, str]
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class RegionVolumes:
    """What of two zones lies in the target, in a critical structure or elsewhere [ml], on the 1 mm grid."""

    region: str
    only_first_ml: float
    only_second_ml: float
    both_ml: float


@dataclass(frozen=True)
class DifferenceVolumes:
    """What two zones have in common and what not [ml], on the 1 mm grid; ``map`` is the file on the segmentation's.

    ``regions`` says where it lies; empty for runs without a target and critical structures.
    """

    first: str
    second: str
    only_first_ml: float
    only_second_ml: float
    both_ml: float
    dice: float | None
    map: str | None
    regions: tuple[RegionVolumes, ...] = ()

    @property
    def whole(self) -> RegionVolumes:
        """All of it, wherever it lies."""
        return RegionVolumes("all", self.only_first_ml, self.only_second_ml, self.both_ml)


@dataclass(frozen=True)
class Comparison:
    """Runs from best to worst.

    Attributes
    ----------
    rule
        The ranking rule in words.
    notes
        What a reader has to know: other patients, other targets, maps that could not be made.
    pairs
        Plans of a scenario that were drawn alike, held against each other draw by draw.
    """

    rule: str
    runs: tuple[Compared, ...]
    differences: tuple[DifferenceVolumes, ...] = ()
    notes: tuple[str, ...] = ()
    pairs: tuple[PlanDifference, ...] = ()
    units: Mapping[str, str] = field(default_factory=lambda: {one.key: one.unit for one in QUANTITIES})

    def data(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return asdict(self)


def compare(
    runs: Sequence[FinishedRun],
    rule: Rule,
    *,
    varied: Mapping[str, Mapping[str, Any]] | None = None,
    maps: Path | None = None,
    against: str | None = None,
    volumes: bool = True,
    intervals: Mapping[Path, Mapping[str, Interval]] | None = None,
    pairs: Sequence[PlanDifference] = (),
) -> Comparison:
    """Compare runs, the best first.

    Parameters
    ----------
    varied
        Values that tell runs apart, by label.
    maps
        Folder for the difference maps; None writes none.
    against
        Label of the run that all others are held against; default: the best one.
    volumes
        Whether zones are held against each other at all, for which their label maps are read.
    intervals, pairs
        How sure the figures and their differences are, where plans were drawn; by the folder of the run.
    """
    results = [run.result for run in runs]
    order, ranks = rule.order(results), rule.ranks(results)
    patients = list(dict.fromkeys(run.patient for run in runs))
    reference = runs[order[0]] if against is None else _named(runs, against)
    others = [runs[index] for index in order if runs[index] is not reference]
    differences, notes = _differences(reference, others if volumes else [], maps)
    return Comparison(
        rule=rule.text,
        runs=tuple(
            replace(
                _compared(runs[index], ranks[index], patients, (varied or {}).get(runs[index].label, {})),
                intervals=(intervals or {}).get(runs[index].folder.resolve(), {}),
            )
            for index in order
        ),
        differences=tuple(differences),
        notes=(*_notes(runs, patients), *notes),
        pairs=tuple(pairs),
    )


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write ``comparison.json``, ``comparison.csv`` and ``differences.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "comparison.json", json.dumps(comparison.data(), indent=2, ensure_ascii=False) + "\n")
    varied = list(dict.fromkeys(path for run in comparison.runs for path in run.varied))
    constraints = list(dict.fromkeys(name for run in comparison.runs for name in run.constraints))
    figures = [f"{one.key} [{one.unit}]" if one.unit else one.key for one in QUANTITIES]
    drawn = [one.key for one in QUANTITIES if any(one.key in run.intervals for run in comparison.runs)]
    _write_table(
        folder / "comparison.csv",
        ["rank", "run", "plan", "patient", *varied, *figures, *_ends(drawn), *constraints, "folder"],
        [
            [
                *(run.rank, run.label, run.plan, run.patient),
                *(run.varied.get(path, "") for path in varied),
                *("" if (value := run.figures[one.key]) is None else value for one in QUANTITIES),
                *(end for key in drawn for end in _interval_ends(run.intervals.get(key))),
                *(run.constraints.get(name, "") for name in constraints),
                run.folder,
            ]
            for run in comparison.runs
        ],
    )
    _write_table(
        folder / "differences.csv",
        ["first", "second", "region", "only_first [ml]", "only_second [ml]", "both [ml]"],
        [
            [one.first, one.second, part.region, part.only_first_ml, part.only_second_ml, part.both_ml]
            for one in comparison.differences
            for part in (one.whole, *one.regions)
        ],
    )


def _ends(drawn: Sequence[str]) -> list[str]:
    return [f"{key} {end}" for key in drawn for end in ("5 %", "95 %")]


def _interval_ends(interval: Interval | None) -> tuple[float | str, float | str]:
    return ("", "") if interval is None else (interval.low, interval.high)


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([columns, *rows])
    _replace(path, stream.getvalue())


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8", newline="")
    os.replace(partial, path)


def _compared(run: FinishedRun, rank: int, patients: Sequence[str], varied: Mapping[str, Any]) -> Compared:
    return Compared(
        rank=rank,
        label=run.label,
        folder=str(run.folder),
        plan=run.result["plan"],
        patient=1 + patients.index(run.patient),
        varied=dict(varied),
        figures={one.key: one.read(run.result) for one in QUANTITIES},
        constraints={one["name"]: one["status"] for one in run.result.get("constraints", [])},
    )


def _named(runs: Sequence[FinishedRun], label: str) -> FinishedRun:
    found = [run for run in runs if run.label == label or run.result["plan"] == label]
    if len(found) != 1:
        raise InputError(
            "--against",
            found=f"{label!r}, which names {len(found)} of the runs",
            allowed=f"one of {', '.join(run.label for run in runs)}",
            remedy="write the name as in the table",
        )
    return found[0]


def _notes(runs: Sequence[FinishedRun], patients: Sequence[str]) -> list[str]:
    notes = []
    if len(patients) > 1:
        notes.append(f"these runs are of {len(patients)} different patients: figures are comparable only as such")
    for number, patient in enumerate(patients, start=1):
        of = f" of patient {number}" if len(patients) > 1 else ""
        if len({run.target for run in runs if run.patient == patient}) > 1:
            notes.append(f"the runs{of} have different targets: coverage and margin are each run's own")
    versions = {run.result["versions"].get("imagio-sim", "") for run in runs}
    if len(versions) > 1:
        notes.append(f"the runs were made by different versions: {', '.join(sorted(versions))}")
    return notes


def _differences(
    reference: FinishedRun, others: Sequence[FinishedRun], maps: Path | None
) -> tuple[list[DifferenceVolumes], list[str]]:
    """Hold every other run of the same patient against the reference."""
    same = [run for run in others if run.patient == reference.patient]
    notes = []
    if len(same) > MOST_MAPS and maps is not None:
        notes.append(f"{len(same)} runs: volumes are compared, maps are written for at most {MOST_MAPS}")
        maps = None
    held = [_held_against(reference, run, maps) for run in same]
    return [volumes for volumes, _ in held], [*notes, *(note for _, note in held if note is not None)]


def _held_against(first: FinishedRun, second: FinishedRun, maps: Path | None) -> tuple[DifferenceVolumes, str | None]:
    fine = _difference(first.fine_zone_file, second.fine_zone_file)
    assert fine is not None  # both lie on whole millimetres
    name = None if maps is None else f"difference_{_slug(first.label)}_{_slug(second.label)}.nii.gz"
    note = None
    if maps is not None and name is not None:
        on_grid = _difference(first.zone_file, second.zone_file)
        if on_grid is None:
            note = f"{first.label} and {second.label} are on different grids: their map is on the 1 mm grid"
        written = on_grid or fine
        maps.mkdir(parents=True, exist_ok=True)
        source = first.zone_file if on_grid is not None else None
        write_label_nifti(maps / name, written.labels, written.grid, source)
    return _volumes(first, second, fine, name), note


def _volumes(first: FinishedRun, second: FinishedRun, found: Difference, name: str | None) -> DifferenceVolumes:
    return DifferenceVolumes(
        first=first.label,
        second=second.label,
        only_first_ml=found.volume_ml(ONLY_FIRST),
        only_second_ml=found.volume_ml(ONLY_SECOND),
        both_ml=found.volume_ml(BOTH),
        dice=found.dice,
        map=name,
        regions=_regions(first, second, found),
    )


def _regions(first: FinishedRun, second: FinishedRun, found: Difference) -> tuple[RegionVolumes, ...]:
    one, other = _killed(first), _killed(second)
    if one is None or other is None:
        return ()
    volumes = volumes_by_region(found, one, other)
    return tuple(RegionVolumes(region, *(float(value) for value in own)) for region, own in volumes.items())


def _killed(run: FinishedRun) -> Killed | None:
    if run.killed is None:
        return None
    file, regions = run.killed
    nifti = open_nifti(file)
    return Killed(np.asarray(voxels(nifti, file)).astype(np.uint8), regions, nifti_grid(nifti, file))


def _difference(first: Path, second: Path) -> Difference | None:
    return difference(*_zone(first), *_zone(second))


def _zone(path: Path) -> tuple[NDArray[np.bool_], Grid]:
    nifti = open_nifti(path)
    return np.asarray(voxels(nifti, path)) > 0, nifti_grid(nifti, path)


def _slug(label: str) -> str:
    return label.replace("/", "-")
