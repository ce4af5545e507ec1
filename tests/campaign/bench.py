# SPDX-License-Identifier: LGPL-3.0-or-later
"""The shortest runs there are: a needle in layers of tissue, seconds of heating, the half plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from imagio_sim.plan import Scenario, scenario_of

PLAN = "short"
POWER = f"plans.{PLAN}.applicators[0].power"


def bench_case(**changes: Any) -> dict[str, Any]:
    """The scenario as data; ``changes`` replace whole sections."""
    return {
        "schema": 1,
        "name": "bench",
        "question": "How far does half a minute of heating reach?",
        "expected_run_time": "2 s",
        "frame": "LPS",
        "patient": {"layers": {"by_height": [{"tissue": "liver"}]}, "body_temperature": "37 degC"},
        "plans": {
            PLAN: {
                "applicators": [{"device": "cooled_17g_3cm", "entry": [0, 0, 100], "tip": [0, 0, 0]}],
                "program": {"mode": "constant_power", "power": "40 W", "duration": "30 s"},
            }
        },
        "constraints": [{"name": "a zone of 0.1 ml", "quantity": "ablation_zone_volume", "at_least": "0.1 ml"}],
        "solver": {"resolution": "coarse", "geometry": "axisymmetric"},
        **changes,
    }


def bench(**changes: Any) -> Scenario:
    return scenario_of(bench_case(**changes), base=Path(), where="bench.yaml")


def written_bench(folder: Path, name: str = "bench", **changes: Any) -> Path:
    """The scenario as a file."""
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(bench_case(name=name, **changes), sort_keys=False), encoding="utf-8")
    return file
