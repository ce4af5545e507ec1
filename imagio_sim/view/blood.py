# SPDX-License-Identifier: LGPL-3.0-or-later
"""The blood along centre lines, as lines that ParaView and 3D Slicer show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def write_blood(path: Path, courses: Sequence[Mapping[str, Any]]) -> None:
    """Write lines (VTP, LPS mm) with the point arrays ``temperature_degC`` and ``peak_temperature_degC``.

    ``courses`` have a ``vessel``, its points ``lps_mm`` (n, 3) and these arrays (n,).
    """
    import pyvista as pv

    counts = [len(course["lps_mm"]) for course in courses]
    firsts = np.cumsum([0, *counts[:-1]])
    lines = [np.concatenate([[count], first + np.arange(count)]) for first, count in zip(firsts, counts, strict=True)]
    mesh = pv.PolyData(np.concatenate([np.array(course["lps_mm"]) for course in courses]), lines=np.concatenate(lines))
    for name in ("temperature_degC", "peak_temperature_degC"):
        mesh.point_data[name] = np.concatenate([course[name] for course in courses])
    mesh.cell_data["vessel"] = [course["vessel"] for course in courses]
    mesh.save(path)
