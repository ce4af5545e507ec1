# SPDX-License-Identifier: LGPL-3.0-or-later
"""Folders of finished runs whose zones are balls: what a comparison reads of a run, made in no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from imagio_sim.export.surfaces import write_surface
from imagio_sim.outcome.result import SCHEMA
from tests.outcome.meshes import sphere

MIDDLE = (100.0, -50.0, 300.0)


def made_run(
    folder: Path, *, radius_mm: float = 12.0, target_mm: float | None = 6.0, length_ratio: float | None = None
) -> Path:
    """A complete run with a zone about :data:`MIDDLE`, and a target in its middle."""
    (folder / "surfaces").mkdir(parents=True)
    for name, radius in (("zone", radius_mm), ("target", target_mm)):
        if radius is not None:
            surface = sphere(radius, MIDDLE, divisions=30)
            write_surface(folder / "surfaces" / f"{name}.vtu", surface.points_mm, surface.triangles)
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "status": "complete",
        "plan": "A",
        "inputs": {},
        "versions": {},
    }
    if length_ratio is not None:
        result["contracted_zone_estimate"] = {"length_ratio": length_ratio}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    needle = {"entry_lps_mm": list(np.add(MIDDLE, [0.0, 0.0, 100.0])), "tip_lps_mm": list(MIDDLE)}
    plan = {"patient": {}, "target": {}, "stages": [{"applicators": [needle]}]}
    (folder / "plan.yaml").write_text(yaml.safe_dump(_plain(plan)), encoding="utf-8")
    return folder


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value)
