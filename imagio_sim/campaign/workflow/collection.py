# SPDX-License-Identifier: LGPL-3.0-or-later
"""Results of a campaign as one table, made from its run folders at will.

The table is a Parquet file beside the runs, which DuckDB, pandas and polars read as it is. It is written whole under
another name and then put in place, so nobody ever waits for it or sees half of it.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imagio_sim.campaign.workflow.manifest import RUNS, PlannedRun
from imagio_sim.campaign.workflow.standing import RunStanding, Standing, standing_of
from imagio_sim.outcome.result import FILE_NAME, Result, read_result
from imagio_sim.units import NUMBER_AND_UNIT

PARQUET, CSV = "results.parquet", "results.csv"
_LEFT_OUT = (
    "schema",
    "status",
    "plan",
    "modalities",
    "versions",
    "inputs",
    "warnings",
    "solver",
    "constraints",
    "digest",
)
Row = dict[str, Any]


def collect(folder: Path) -> tuple[Standing, list[Row]]:
    """Read every run of a campaign, and write ``results.parquet`` and ``results.csv``."""
    standing = standing_of(folder)
    rows = _in_columns([_row(folder, one) for one in standing.runs])
    _write_parquet(folder / PARQUET, rows)
    _write_csv(folder / CSV, rows)
    return standing, rows


def _row(folder: Path, one: RunStanding) -> Row:
    run, path = one.run, folder / RUNS / one.run.name
    row: Row = {
        "run": run.name,
        "case": run.case,
        "patient": run.patient,
        "scenario": run.scenario,
        "plan": run.plan,
        "state": one.state,
        "reason": one.record.reason,
        "attempts": len(one.record.attempts),
        "folder": f"{RUNS}/{run.name}",
        "measured_zone": run.measured_zone,
        **dict(_varied(run)),
    }
    result = _result(path / FILE_NAME, run) if one.state == "complete" else None
    return row if result is None else {**row, **dict(_figures(result))}


def _result(file: Path, run: PlannedRun) -> Result | None:
    """The result of the run, if that is what lies there."""
    found = read_result(file)
    return found if found.get("digest") == run.digest and found["status"] == "complete" else None


def _varied(run: PlannedRun) -> Iterator[tuple[str, Any]]:
    """Varied values: a quantity as a number, with its unit in the column's name."""
    for path, value in run.changes.items():
        found = NUMBER_AND_UNIT.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            yield f"{path} [{found[2]}]" if found[2] else path, float(found[1])
        else:
            yield path, float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _figures(result: Result) -> Iterator[tuple[str, Any]]:
    """Every number, text and truth of a result, by its path."""
    yield "modalities", " ".join(result["modalities"])
    yield "warnings", len(result["warnings"])
    for one in result.get("constraints", []):
        yield f"constraint.{one['name']}", one["status"]
    for key, value in result.items():
        if key not in _LEFT_OUT:
            yield from _leaves(key, value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _leaves(f"{path}.{key}", inside)
    elif isinstance(value, bool | str):
        yield path, value
    elif isinstance(value, int | float):
        yield path, float(value)


def _in_columns(rows: Sequence[Row]) -> list[Row]:
    """All rows with all columns, in the order in which they are first met."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    mixed = {
        column for column in columns if len({type(row[column]) for row in rows if row.get(column) is not None}) > 1
    }
    return [{column: _uniform(row.get(column), as_text=column in mixed) for column in columns} for row in rows]


def _uniform(value: Any, *, as_text: bool) -> Any:
    return str(value) if as_text and value is not None else value


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    partial = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(pa.Table.from_pylist(list(rows)), partial)
    os.replace(partial, path)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    os.replace(partial, path)
