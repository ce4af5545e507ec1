# SPDX-License-Identifier: LGPL-3.0-or-later
"""Any modalities on one timeline: beside each other in a stage, and after each other in a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.outcome.result import Result
from imagio_sim.plan import scenario_of
from tests.campaign.conftest import Observed

HEAT: dict[str, Any] = {"mode": "constant_power", "power": "30 W", "duration": "60 s"}
FREEZE: dict[str, Any] = {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "60 s"}]}
ELECTRODE: dict[str, Any] = {"name": "electrode", "device": "cooled_17g_2cm", "entry": [100, 0, 0], "tip": [0, 0, 0]}
CRYOPROBE: dict[str, Any] = {"name": "cryoprobe", "device": "iceseed_17g", "entry": [100, 14, 0], "tip": [0, 14, 0]}
PLANS: dict[str, Any] = {
    "beside": {"applicators": [{**ELECTRODE, "program": HEAT}, {**CRYOPROBE, "program": FREEZE, "start": "10 s"}]},
    "after": {
        "stages": [{"applicators": [ELECTRODE], "program": HEAT}, {"applicators": [CRYOPROBE], "program": FREEZE}]
    },
}
LIVER: dict[str, Any] = {
    "schema": 1,
    "name": "mixed",
    "question": "Do modalities go together?",
    "expected_run_time": "1 min",
    "frame": "LPS",
    "patient": {"labels": [], "unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"},
    "target": {"sphere": {"centre": [10, 0, 0], "diameter": "10 mm", "tissue": "hcc"}},
    "region": {"shape": "sphere", "margin": "25 mm"},
    "plans": PLANS,
}


@pytest.mark.parametrize("plan", list(PLANS))
def test_heat_and_cold_kill_in_one_plan(plan: str, tmp_path: Path) -> None:
    result = run(plan, tmp_path)
    assert result["modalities"] == ["radiofrequency", "cryo"]
    zone = result["ablation_zone"]
    assert zone["deciding_model"] == "combined"
    hot, cold = zone["by_model"]["arrhenius_hepg2"]["volume_ml"], zone["by_model"]["nadir_40"]["volume_ml"]
    assert hot > 0.0
    assert cold > 0.0
    # They lie apart, so that together they are the sum of both.
    assert zone["volume_ml"] == pytest.approx(hot + cold, rel=0.05)
    assert result["energy"]["balance_error"] < 1e-4


def run(plan: str, folder: Path) -> Result:
    """One plan at coarse."""
    scenario = scenario_of(LIVER, base=folder, where="mixed.yaml")
    return run_plan(scenario, plan, RunOptions(out=folder, resolution="coarse"), Observed().listener)
