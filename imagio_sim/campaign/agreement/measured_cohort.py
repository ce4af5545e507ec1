# SPDX-License-Identifier: LGPL-3.0-or-later
"""Many runs against many measured zones: the table that names them, and what they say together."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imagio_sim.campaign.agreement.measured_cases import (
    MARGIN_MM,
    CaseAgreement,
    CaseRequest,
    ReadCase,
    Treatment,
    compare_case,
    read_case,
)
from imagio_sim.campaign.workflow.manifest import FILE, RUNS
from imagio_sim.errors import InputError, InputErrors, all_made
from imagio_sim.outcome.agreement import (
    Agreement,
    LimitsOfAgreement,
    MarginAgreement,
    Spread,
    limits_of_agreement,
    margin_agreement,
    spread,
)
from imagio_sim.plan.model import nearest

COLUMNS = ("case", "run", "measured_zone", "structure", "seen_after", "seen_before")
"""What a cohort's table may have; ``run`` and ``measured_zone`` it must have."""
_NEEDED = ("run", "measured_zone")


@dataclass(frozen=True)
class Figure:
    """One figure of a case: key, title, unit, digits, and how it is read."""

    key: str
    title: str
    unit: str
    digits: int
    read: Callable[[Agreement], float | None]

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


FIGURES = (
    Figure("dice", "Dice", "", 2, lambda one: one.dice),
    Figure("mean_distance", "mean surface distance", "mm", 1, lambda one: one.mean_distance_mm),
    Figure("tail_distance", "95 % surface distance", "mm", 1, lambda one: one.tail_distance_mm),
    Figure("maximum_distance", "largest surface distance", "mm", 1, lambda one: one.maximum_distance_mm),
    Figure("signed_distance", "mean signed distance", "mm", 1, lambda one: one.signed_distance_mm),
    Figure("volume_error", "volume error", "ml", 1, lambda one: one.volume_error_ml),
    Figure("long_axis_error", "long axis error", "mm", 1, lambda one: one.axis_errors_mm[0]),
    Figure("short_axis_error", "short axis error", "mm", 1, lambda one: one.axis_errors_mm[1]),
    Figure("transverse_axis_error", "transverse axis error", "mm", 1, lambda one: one.axis_errors_mm[2]),
    Figure("centroid_offset", "distance of centroids", "mm", 1, lambda one: one.centroid_offset_mm),
)


@dataclass(frozen=True)
class Paired:
    """A quantity of which both values are known: key, title, unit, and how simulated and measured value are read."""

    key: str
    title: str
    unit: str
    read: Callable[[Agreement], tuple[float, float]]


PAIRED = (
    Paired("volume", "zone volume", "ml", lambda one: (one.simulated_volume_ml, one.measured_volume_ml)),
    Paired("long_axis", "long axis", "mm", lambda one: (one.simulated_axes_mm[0], one.measured_axes_mm[0])),
    Paired("short_axis", "short axis", "mm", lambda one: (one.simulated_axes_mm[1], one.measured_axes_mm[1])),
)


@dataclass(frozen=True, eq=False)
class CohortAgreement:
    """What the cases say together, for the treatment of shrinkage that decides.

    Attributes
    ----------
    figures
        Spread of every figure, by key and treatment.
    limits
        Bias and limits of agreement of every paired quantity, by key and treatment.
    margins
        Margins below 5 mm over all points of all targets, every case counting alike; None without targets.
    minimal_margins
        Minimal margins below 5 mm, case by case.
    """

    treatment: Treatment
    cases: tuple[CaseAgreement, ...]
    figures: Mapping[str, Mapping[str, Spread | None]]
    limits: Mapping[str, Mapping[str, LimitsOfAgreement | None]]
    margins: MarginAgreement | None
    minimal_margins: MarginAgreement | None

    @property
    def notices(self) -> tuple[str, ...]:
        """What everyone must be told: of all zones, each sentence once."""
        return tuple(dict.fromkeys(case.read.measured.notice for case in self.cases if case.read.measured.notice))

    def data(self) -> dict[str, Any]:
        """Everything but the surfaces, for JSON."""
        return {
            "notices": self.notices,
            "differences": "simulated minus measured",
            "shrinkage": self.treatment,
            "cases": [case.data() for case in self.cases],
            "figures": {key: {name: _plain(one) for name, one in rows.items()} for key, rows in self.figures.items()},
            "limits_of_agreement": {
                key: {name: _plain(one) for name, one in rows.items()} for key, rows in self.limits.items()
            },
            "margin_below_5_mm": {"points": _plain(self.margins), "cases": _plain(self.minimal_margins)},
        }


def _plain(value: Any) -> Any:
    return None if value is None else asdict(value)


def read_cases(requests: Sequence[CaseRequest]) -> list[ReadCase]:
    """Read all cases; all that cannot be compared are refused together."""
    return all_made(partial(read_case, request) for request in requests)


def compare_cases(read: Sequence[ReadCase], treatment: Treatment) -> CohortAgreement:
    """Compare all cases, and sum up."""
    return summarised([compare_case(one, treatment) for one in read], treatment)


def summarised(cases: Sequence[CaseAgreement], treatment: Treatment) -> CohortAgreement:
    """What the cases say together."""
    treatments = cases[0].by_treatment
    found = {name: [case.by_treatment[name] for case in cases] for name in treatments}
    return CohortAgreement(
        treatment,
        tuple(cases),
        {
            figure.key: {name: spread([figure.read(one) for one in found[name]]) for name in treatments}
            for figure in FIGURES
        },
        {pair.key: {name: _limits([pair.read(one) for one in found[name]]) for name in treatments} for pair in PAIRED},
        _pooled_margins(cases),
        _minimal_margins(cases),
    )


def _limits(pairs: Sequence[tuple[float, float]]) -> LimitsOfAgreement | None:
    return limits_of_agreement([simulated for simulated, _ in pairs], [measured for _, measured in pairs])


def _pooled_margins(cases: Sequence[CaseAgreement]) -> MarginAgreement | None:
    samples = [case.margin_samples for case in cases if case.margin_samples is not None]
    if not samples:
        return None
    alike = [np.stack([one[0], one[1], one[2] / one[2].sum()]) for one in samples]
    return margin_agreement(*np.concatenate(alike, axis=1), threshold_mm=MARGIN_MM)


def _minimal_margins(cases: Sequence[CaseAgreement]) -> MarginAgreement | None:
    pairs = np.array([case.minimal_margins_mm for case in cases if case.minimal_margins_mm is not None])
    if not len(pairs):
        return None
    return margin_agreement(pairs[:, 0], pairs[:, 1], np.ones(len(pairs)), threshold_mm=MARGIN_MM)


def read_requests(path: Path) -> list[CaseRequest]:
    """The cases of a table (CSV; file names relative to it) or of the folder of a campaign.

    Raises
    ------
    InputError, InputErrors
        Unknown and missing columns, empty cells and missing files, all together.
    """
    return _of_campaign(path) if path.is_dir() else _of_table(path)


def _of_campaign(folder: Path) -> list[CaseRequest]:
    """Complete runs of a campaign that have a measured zone."""
    from imagio_sim.campaign.workflow.standing import standing_of

    runs = [one.run for one in standing_of(folder).runs if one.state == "complete"]
    found = [
        CaseRequest(run.name, folder / RUNS / run.name, Path(run.measured_zone))
        for run in runs
        if run.measured_zone is not None
    ]
    if not found:
        raise InputError(
            str(folder),
            found=f"{len(runs)} complete runs without a measured zone",
            allowed="complete runs with measured_zone in the campaign's file",
            remedy="add measured_zone to its cases, or give a table (CSV) of runs and zones",
        )
    return found


def _of_table(path: Path) -> list[CaseRequest]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), skipinitialspace=True))
    except (OSError, UnicodeDecodeError) as error:
        raise _no_table(path, "an unreadable file") from error
    faults = list(_table_faults(rows, path))
    if faults:
        raise InputErrors(faults)
    return [_request(row, path.parent, number) for number, row in enumerate(rows, start=1)]


def _table_faults(rows: Sequence[Mapping[str | None, Any]], path: Path) -> Iterator[InputError]:
    if not rows:
        yield _no_table(path, "no rows")
        return
    given = [column for column in rows[0] if column is not None]
    for column in given:
        if column not in COLUMNS:
            yield InputError(
                f"{path}: column {column!r}",
                found="an unknown column",
                allowed=f"one of {', '.join(COLUMNS)}",
                remedy=nearest(column, COLUMNS, "leave it out"),
            )
    for column in _NEEDED:
        if column not in given:
            yield _no_table(path, f"no column {column!r}")
    for line, row in enumerate(rows, start=2):
        yield from _row_faults(row, path, line)


def _row_faults(row: Mapping[str | None, Any], path: Path, line: int) -> Iterator[InputError]:
    where = f"{path}: line {line}"
    if None in row or None in row.values():  # how the csv module says more or fewer cells
        yield _no_table(path, f"line {line} with another number of cells")
        return
    filled = {name for name, value in row.items() if value.strip()}
    for column in (name for name in _NEEDED if name in row and name not in filled):
        yield _no_table(path, f"no {column} in line {line}")
    if ("seen_after" in filled) != ("seen_before" in filled):
        yield InputError(
            where, found="one of two files", allowed="seen_after and seen_before, or neither", remedy="add the other"
        )
    for column in ("run", "measured_zone", "seen_after", "seen_before"):
        if column in filled and not (path.parent / row[column].strip()).exists():
            yield InputError(
                f"{where}: {column}",
                found=f"{row[column].strip()}, which does not exist",
                allowed="a file or folder, relative to the table",
                remedy="check the path",
            )


def _no_table(path: Path, found: str) -> InputError:
    return InputError(
        str(path),
        found=found,
        allowed=f"a table (CSV) with the columns {', '.join(COLUMNS)}, or the folder of a campaign",
        remedy="one row per case, with the folder of its run and the file of its zone",
    )


def _request(row: Mapping[str, str], base: Path, number: int) -> CaseRequest:
    filled = {name: value.strip() for name, value in row.items() if value.strip()}

    def path(column: str) -> Path | None:
        return base / filled[column] if column in filled else None

    return CaseRequest(
        filled.get("case", f"case {number}"),
        base / filled["run"],
        base / filled["measured_zone"],
        filled.get("structure"),
        path("seen_after"),
        path("seen_before"),
    )


def is_cohort(path: Path) -> bool:
    """Whether a path names a table of cases or the folder of a campaign, not that of a run."""
    return path.suffix.lower() == ".csv" or (path / FILE).is_file()


def write_agreement(folder: Path, found: CohortAgreement) -> None:
    """Write ``agreement.json`` and ``agreement.csv``, one row per case and treatment."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_without_infinity(found.data()), indent=1, ensure_ascii=False, allow_nan=False)
    partial = folder / ".agreement.json"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / "agreement.json")
    with (folder / ".agreement.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case", "shrinkage", *(one.heading for one in FIGURES), *_paired_headings(), "notice"])
        for case in found.cases:
            for name, one in case.by_treatment.items():
                values = [figure.read(one) for figure in FIGURES]
                values += [value for pair in PAIRED for value in pair.read(one)]
                texts = ["" if value is None else f"{value:.4f}" for value in values]
                writer.writerow([case.name, name, *texts, case.read.measured.notice])
    (folder / ".agreement.csv").replace(folder / "agreement.csv")


def _paired_headings() -> list[str]:
    return [f"{one.title}, {which} ({one.unit})" for one in PAIRED for which in ("simulated", "measured")]


def _without_infinity(value: Any) -> Any:
    """The same with None for what is infinite: JSON knows no margin of a target without a zone."""
    if isinstance(value, Mapping):
        return {name: _without_infinity(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinity(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
