# SPDX-License-Identifier: LGPL-3.0-or-later
"""Campaign files: cases x plans x parameters as YAML, or a cohort as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan.fault_reports import errors_of
from imagio_sim.plan.model import Fault, Name, PlanModel, Text, fault, nearest
from imagio_sim.plan.reading import parse_yaml
from imagio_sim.units import DURATION, QuantityKind

MEMORY_MB = QuantityKind("memory", "MB", 100.0, 4e6, "4 GB")
COLUMNS = ("patient", "scenario", "plan", "measured_zone")
"""What a cohort's table may have; ``scenario`` it must have."""


class CaseEntry(PlanModel):
    """One patient.

    Attributes
    ----------
    scenario
        Its scenario file, relative to the campaign file.
    name
        Default: the patient, or the scenario's name.
    patient
        Whose it is, for the table of results.
    plans
        Those to run; default: all.
    vary
        Paths of its scenario and their values, in addition to the campaign's.
    measured_zone
        Label map of what was found after the treatment; it goes into the table of results.
    """

    scenario: Text
    name: Name | None = None
    patient: Text | None = None
    plans: tuple[Name, ...] = ()
    vary: Mapping[str, str | tuple[Any, ...]] = Field(default_factory=dict)
    measured_zone: Text | None = None


class SampleEntry(PlanModel):
    """A Latin hypercube instead of the whole grid."""

    count: int = Field(ge=1, le=100000, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)


class Limits(PlanModel):
    """What one job may take on a cluster."""

    time: Annotated[float, DURATION.within(60.0, 30 * 86400.0, "2 h")] | None = None
    memory: Annotated[float, MEMORY_MB] | None = None


class CampaignFile(PlanModel):
    """A campaign: which runs, and how they are run.

    Attributes
    ----------
    name
        Of the campaign; a folder belongs to one name.
    cases, cohort
        Cases one by one, or a CSV file of them.
    vary, sample
        Paths and values for every case.
    resolution
        Of the mesh; default: each scenario's.
    ranks
        MPI ranks of one run.
    runs_per_job
        Short runs that share a job.
    attempts
        How often a run is tried whose process was killed.
    pictures
        Whether every run draws its pictures and report.
    limits
        What one job may take on a cluster.
    """

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    cases: tuple[CaseEntry, ...] = ()
    cohort: Text | None = None
    vary: Mapping[str, str | tuple[Any, ...]] = Field(default_factory=dict)
    sample: SampleEntry | None = None
    resolution: Literal["coarse", "normal", "fine"] | None = None
    ranks: int = Field(default=1, ge=1, le=1024, strict=True)
    runs_per_job: int = Field(default=1, ge=1, le=10000, strict=True)
    attempts: int = Field(default=3, ge=1, le=100, strict=True)
    pictures: bool = Field(default=False, strict=True)
    limits: Limits = Limits()

    def faults(self) -> Iterable[Fault]:
        """There are cases, in one place only."""
        if bool(self.cases) == (self.cohort is not None):
            found = "neither cases nor a cohort" if not self.cases else "both cases and a cohort"
            yield fault(found=found, allowed="one of them", remedy="list cases, or name a CSV file as cohort")


def read_campaign_file(path: Path) -> CampaignFile:
    """Read a campaign, its cohort's rows included as cases; a CSV file is a campaign of its own.

    Raises
    ------
    InputError, InputErrors
        Everything that is wrong with the file and with the cohort's table, together.
    """
    if path.suffix.lower() == ".csv":
        return CampaignFile(schema=1, name=path.stem, cases=tuple(read_cohort(path)))
    data = parse_yaml(_text_of(path), str(path))
    try:
        campaign = CampaignFile.model_validate(data)
    except ValidationError as error:
        raise InputErrors(errors_of(error, data, str(path), CampaignFile)) from error
    if campaign.cohort is None:
        return campaign
    table = path.parent / campaign.cohort
    return campaign.model_copy(update={"cases": tuple(_below(table, path.parent, read_cohort(table)))})


def read_cohort(path: Path) -> list[CaseEntry]:
    """The rows of a cohort's table; file names are relative to it.

    Raises
    ------
    InputErrors
        Unknown and missing columns and empty cells, all together, and with them the files that there are not.
    """
    rows = list(csv.DictReader(_text_of(path).splitlines(), skipinitialspace=True))
    columns = list(rows[0]) if rows else []
    faults = [*_column_faults(columns, path), *([] if rows else [_nothing(path, "no rows")])]
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():  # how the csv module says more or fewer cells
            faults.append(_nothing(path, f"line {line} with another number of cells"))
        elif "scenario" in row and not row["scenario"].strip():
            faults.append(_nothing(path, f"no scenario in line {line}"))
    if faults:
        raise InputErrors([*faults, *_missing_files(path, [name for row in rows for name in _named_files(row)])])
    return [_case_of(row) for row in rows]


def _missing_files(table: Path, names: Iterable[str]) -> list[InputError]:
    """Files that a table names and that there are not."""
    return [
        InputError(str(table), found=f"no file {name!r}", allowed="existing files", remedy="check the path")
        for name in dict.fromkeys(names)
        if not (table.parent / name).exists()
    ]


def _named_files(row: Mapping[str | None, Any]) -> list[str]:
    return [row[column].strip() for column in ("scenario", "measured_zone") if (row.get(column) or "").strip()]


def _case_of(row: Mapping[str, str]) -> CaseEntry:
    filled = {key: value.strip() for key, value in row.items() if value.strip()}
    return CaseEntry(
        scenario=filled["scenario"],
        patient=filled.get("patient"),
        plans=tuple(filled.get("plan", "").replace(";", " ").split()),
        measured_zone=filled.get("measured_zone"),
    )


def _below(table: Path, base: Path, cases: Sequence[CaseEntry]) -> list[CaseEntry]:
    """Cases with file names relative to the campaign file instead of the table."""

    def moved(name: str | None) -> str | None:
        return None if name is None else str((table.parent / name).resolve())

    return [
        one.model_copy(update={"scenario": moved(one.scenario), "measured_zone": moved(one.measured_zone)})
        for one in cases
    ]


def _column_faults(columns: Sequence[str | None], path: Path) -> list[InputError]:
    given = [column for column in columns if column is not None]
    faults = [
        InputError(
            f"{path}: column {column!r}",
            found="an unknown column",
            allowed=f"one of {', '.join(COLUMNS)}",
            remedy=nearest(column, COLUMNS, "leave it out"),
        )
        for column in given
        if column not in COLUMNS
    ]
    if columns and "scenario" not in given:
        faults.append(_nothing(path, "no column 'scenario'"))
    return faults


def _nothing(path: Path, found: str) -> InputError:
    return InputError(
        str(path),
        found=found,
        allowed=f"a table with the columns {', '.join(COLUMNS)}",
        remedy="one row per patient, with the file of its scenario",
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found = (error.strerror or "an unreadable file").lower() if isinstance(error, OSError) else "no UTF-8 text"
        raise InputError(
            str(path), found=found, allowed="a campaign file (YAML) or a cohort (CSV)", remedy="check the path"
        ) from error
