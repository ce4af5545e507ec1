# SPDX-License-Identifier: LGPL-3.0-or-later
"""Applicators as 3D Slicer line markups, which a scenario can name again as ``markup:``."""

from __future__ import annotations

import json
from pathlib import Path

from imagio_sim.devices.applicator import PlacedApplicator

SCHEMA = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def write_line(path: Path, applicator: PlacedApplicator) -> None:
    """Write entry and tip of an applicator (LPS mm)."""
    points = (("entry", applicator.entry_mm), ("tip", applicator.tip_mm))
    markup = {
        "type": "Line",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": True,
        "controlPoints": [
            {"id": str(number), "label": label, "position": list(position), "positionStatus": "defined"}
            for number, (label, position) in enumerate(points, start=1)
        ],
    }
    text = json.dumps({"@schema": SCHEMA, "markups": [markup]}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
