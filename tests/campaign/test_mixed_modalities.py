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
PULSES: dict[str, Any] = {
    "mode": "pulse_sequence",
    "pairs": [["n1", "n2"]],
    "voltage_per_distance": "1500 V/cm",
    "pulses": 50,
    "pulse_width": "90 us",
    "repetition_rate": "10 Hz",
}
NEEDLES: list[dict[str, Any]] = [
    {"name": name, "device": "electroporation_19g", "entry": [100, y, 0], "tip": [0, y, 0]}
    for name, y in (("n1", -5.0), ("n2", 5.0))
]
BURN: dict[str, Any] = {"applicators": [ELECTRODE], "program": {**HEAT, "power": "50 W", "duration": "15 s"}}
PULSED: dict[str, Any] = {"applicators": NEEDLES, "program": PULSES}
PULSE_PLANS: dict[str, Any] = {
    "rf_then_pulses": {"stages": [BURN, PULSED]},
    "pulses_then_rf": {"stages": [PULSED, BURN]},
}
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
SMALL = LIVER | {"region": {"shape": "sphere", "margin": "12 mm"}, "plans": PULSE_PLANS}


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


@pytest.mark.parametrize("plan", list(PULSE_PLANS))
def test_pulses_kill_whatever_came_before_or_comes_after(plan: str, tmp_path: Path) -> None:
    result = run(plan, tmp_path, SMALL)
    zone = result["ablation_zone"]
    assert zone["deciding_model"] == "combined"
    hot, pulsed = (zone["by_model"][name]["volume_ml"] for name in ("arrhenius_hepg2", "lethal_field"))
    assert pulsed > 1.0
    assert (hot > 0.1) == ("rf" in plan)
    assert max(hot, pulsed) - 0.05 <= zone["volume_ml"] <= hot + pulsed + 0.05


def run(plan: str, folder: Path, data: dict[str, Any] = LIVER) -> Result:
    """One plan at coarse."""
    scenario = scenario_of(data, base=folder, where="mixed.yaml")
    return run_plan(scenario, plan, RunOptions(out=folder, resolution="coarse"), Observed().listener)
