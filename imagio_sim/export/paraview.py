# SPDX-License-Identifier: LGPL-3.0-or-later
"""A ParaView script that opens a run and shows zone, target, vessels and applicators at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

TEMPLATE = "paraview_view.py.txt"
_PLACE = "SHOWN: dict = {}"


@dataclass(frozen=True)
class ShownSurface:
    """A surface file relative to the run's folder, its name for people, colour (0 to 1) and opacity."""

    file: str
    name: str
    colour: tuple[float, float, float]
    opacity: float


def write_paraview_view(
    path: Path, *, title: str, series: Sequence[str], surfaces: Sequence[ShownSurface], applicators: str | None
) -> None:
    """Write the script; in ParaView: File, Load State, or ``pvbatch paraview_view.py PICTURE.png``."""
    shown = {
        "title": title,
        "series": list(series),
        "surfaces": [vars(surface) for surface in surfaces],
        "applicators": applicators,
    }
    template = files("imagio_sim.export").joinpath(TEMPLATE).read_text(encoding="utf-8")
    text = template.replace(_PLACE, f"SHOWN: dict = json.loads({json.dumps(json.dumps(shown))})")
    path.write_text(text, encoding="utf-8")
