# SPDX-License-Identifier: LGPL-3.0-or-later
"""Surfaces and applicators as files that ParaView opens (VTU, LPS mm)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator


def write_surface(path: Path, points_mm: NDArray[np.float64], triangles: NDArray[np.int64]) -> None:
    """Write triangles (m, 3) over points (n, 3) as an unstructured grid."""
    _write(path, points_mm, {"triangle": triangles})


def write_applicators(path: Path, applicators: Sequence[PlacedApplicator]) -> None:
    """Write the centre lines of all rods; cell data are the rod's radius and the applicator's number."""
    paths = [(number, rod) for number, one in enumerate(applicators) for rod in one.rods]
    points = np.concatenate([np.array(rod.path_mm, dtype=float) for _, rod in paths])
    ends = np.cumsum([len(rod.path_mm) for _, rod in paths])
    lines = [
        np.column_stack([np.arange(end - len(rod.path_mm), end - 1), np.arange(end - len(rod.path_mm) + 1, end)])
        for (_, rod), end in zip(paths, ends, strict=True)
    ]
    counts = [len(segment) for segment in lines]
    data = {
        "radius_mm": np.repeat([rod.radius_mm for _, rod in paths], counts),
        "applicator": np.repeat([number for number, _ in paths], counts),
    }
    _write(path, points, {"line": np.concatenate(lines)}, data)


def _write(
    path: Path,
    points_mm: NDArray[np.float64],
    cells: dict[str, NDArray[np.int64]],
    cell_data: dict[str, NDArray[np.float64]] | None = None,
) -> None:
    import meshio

    data = {name: [values] for name, values in (cell_data or {}).items()}
    partial = path.with_name(f".partial_{path.name}")
    try:
        meshio.Mesh(points_mm, list(cells.items()), cell_data=data).write(partial, file_format="vtu")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
