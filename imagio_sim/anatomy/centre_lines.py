# SPDX-License-Identifier: LGPL-3.0-or-later
"""Centre lines of vessels from files: poly lines (VTP, VTK) and tables (CSV)."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError

Floats = NDArray[np.float64]

POLY_LINE_SUFFIXES = (".vtp", ".vtk")
COORDINATES = ("x", "y", "z")
LINE_COLUMN = "line"
"""Column of a table that tells its lines apart; without it all rows are one line."""


@dataclass(frozen=True, eq=False)
class FileLine:
    """One line of a file, in the file's frame and units: name, points (n, 3) and the wanted arrays (n,)."""

    name: str
    points: Floats
    arrays: Mapping[str, Floats]


def read_centre_lines(path: Path, arrays: Sequence[str], *, where: str) -> tuple[FileLine, ...]:
    """All lines of a file with these point arrays, in the order of the file.

    A table has a header with the columns ``x``, ``y``, ``z``, one column for each array and, where it holds several
    lines, ``line``; consecutive rows are consecutive points.

    Raises
    ------
    InputError
        When the file is none of that, or lacks an array; ``where`` names it.
    """
    if path.suffix.lower() in POLY_LINE_SUFFIXES:
        return _poly_lines(path, arrays, where)
    if path.suffix.lower() == ".csv":
        return _table_lines(path, arrays, where)
    raise _refused(where, f"{path.suffix or path.name!r}", "name a poly line file or a table")


def _refused(where: str, found: str, remedy: str) -> InputError:
    return InputError(where, found=found, allowed="centre lines as .vtp, .vtk or .csv", remedy=remedy)


def _poly_lines(path: Path, arrays: Sequence[str], where: str) -> tuple[FileLine, ...]:
    import pyvista as pv

    from imagio_sim.anatomy.surfaces import failures_as_errors

    try:
        with failures_as_errors():
            mesh = pv.read(path)
    except (OSError, ValueError, RuntimeError, UserWarning) as error:
        raise _refused(where, f"a file that VTK cannot read ({error})", "write it again as VTP") from error
    if not isinstance(mesh, pv.PolyData) or not mesh.n_lines:
        raise _refused(where, "a file without lines", "write the centre lines, not the surface")
    _require_arrays(arrays, mesh.point_data.keys(), where)
    values = {name: np.asarray(mesh.point_data[name], float) for name in arrays}
    lines: list[FileLine] = []
    cells = np.asarray(mesh.lines)
    start = 0
    while start < len(cells):
        index = cells[start + 1 : start + 1 + cells[start]]
        own = {name: array[index] for name, array in values.items()}
        lines.append(FileLine(str(len(lines) + 1), np.asarray(mesh.points[index], float), own))
        start += 1 + int(cells[start])
    return tuple(lines)


def _table_lines(path: Path, arrays: Sequence[str], where: str) -> tuple[FileLine, ...]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            header, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refused(where, f"a table that cannot be read ({error})", "write it again as CSV") from error
    _require_arrays((*COORDINATES, *arrays), header, where)
    groups: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in enumerate(rows, start=2):
        groups.setdefault((row.get(LINE_COLUMN) or "1").strip(), []).append((number, row))
    return tuple(_table_line(name, group, arrays, where) for name, group in groups.items())


def _table_line(name: str, rows: Sequence[tuple[int, dict[str, str]]], arrays: Sequence[str], where: str) -> FileLine:
    columns = {
        column: np.array([_number(row[column], f"{where}: row {number}, column {column}") for number, row in rows])
        for column in (*COORDINATES, *arrays)
    }
    points = np.stack([columns[axis] for axis in COORDINATES], axis=-1)
    return FileLine(name, points, {column: columns[column] for column in arrays})


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(where, found=repr(text), allowed="a finite number", remedy="correct the table")
    return value


def _require_arrays(wanted: Sequence[str], there: Sequence[str], where: str) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise InputError(
            where,
            found=f"no {', '.join(repr(name) for name in missing)} among {', '.join(there) or 'no arrays'}",
            allowed="a file that holds what the scenario names",
            remedy="name the arrays as the file has them, or give one value for all",
        )
