# SPDX-License-Identifier: LGPL-3.0-or-later
"""Histories of a run (power, voltage, impedance, temperatures, energy) as tables for spreadsheets and scripts."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_history_csv(path: Path, columns: Mapping[str, Sequence[float]]) -> None:
    """Write columns of equal length, units in their names (``time_s``, ``power_W``); nan becomes an empty cell."""
    _require_equal_lengths(columns)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow("" if math.isnan(value) else f"{value:.9g}" for value in row)
    os.replace(partial, path)


def _require_equal_lengths(columns: Mapping[str, Sequence[float]]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different length: {lengths}")
