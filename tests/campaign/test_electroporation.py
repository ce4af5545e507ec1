# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan with electroporation needles to what the solver takes, and to a result."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.case import deciding_models
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.modalities.electroporation import sources
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.meshing.domain import Sampled
from imagio_sim.meshing.phantoms import box
from imagio_sim.plan import Scenario, placed_applicators, scenario_of
from imagio_sim.solve.sources.electroporation import ElectroporationSpec
from imagio_sim.tissue import load_constants
from tests.campaign.conftest import Observed
from tests.plan.conftest import SCENARIO

CONSTANTS = {name: value.value for name, value in load_constants().items()}
PROGRAM: dict[str, Any] = {
    "mode": "pulse_sequence",
    "pairs": [["n1", "n2"]],
    "voltage_per_distance": "1500 V/cm",
    "pulses": 90,
    "pulse_width": "90 us",
    "repetition_rate": "3 Hz",
    "cooling_phase": "5 s",
}


def needle(name: str, y: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "device": "electroporation_19g", "entry": [100, y, 0], "tip": [-10, y, 0], **more}


def scenario(folder: Path, *needles: dict[str, Any], death_model: str | None = None, **program: Any) -> Scenario:
    """Needles along x in homogeneous liver."""
    data = copy.deepcopy(SCENARIO) | {
        "frame": "LPS",
        "patient": {"labels": [], "unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"},
        "tissue_values": {},
        "target": {"sphere": {"centre": [0, 0, 0], "diameter": "1 cm", "tissue": "tumour_liver"}},
        "critical_structures": [],
        "constraints": [],
        "plans": {
            "A": {
                "applicators": list(needles or (needle("n1", -7.5), needle("n2", 7.5))),
                "program": PROGRAM | program,
            }
        },
        "region": {"margin": "25 mm"},
        "solver": {"resolution": "coarse"} | ({"death_model": death_model} if death_model else {}),
    }
    return scenario_of(data, base=folder, where="small.yaml")


def spec_of(given: Scenario, tissues: tuple[str, ...] = ("liver", "bile")) -> ElectroporationSpec:
    """What the builder makes of it on a cube, half of which is each tissue."""
    domain = box(2, 40.0)
    cells = len(domain.cells)
    none = np.zeros(cells)
    sampled = Sampled(tissues, np.full((cells, len(tissues)), 1.0 / len(tissues)), none, none, none, none)
    geometry = StageGeometry(placed_applicators(given, "A", 0), domain, sampled, 0.0, ())
    (spec,) = sources(StageSetting(given, "A", 0, geometry, CONSTANTS))
    assert isinstance(spec, ElectroporationSpec)
    return spec


def test_pairs_trains_and_limits_come_from_plan_and_device(tmp_path: Path) -> None:
    spec = spec_of(scenario(tmp_path))
    (pair,) = spec.pairs
    assert (pair.name, pair.driven, pair.returned, pair.pulses) == ("n1-n2", "n1", "n2", 90)
    assert pair.voltage == pytest.approx(2250.0)
    assert pair.centre_mm == pytest.approx((0.0, 0.0, 0.0))
    assert [(train.start, train.end) for train in spec.trains] == [(0.0, 30.0)]
    assert spec.largest_current == 50.0
    assert [electrode.surfaces for electrode in spec.electrodes] == [("n1.shaft.bare",), ("n2.shaft.bare",)]


def test_memory_is_that_of_the_library_or_of_the_program(tmp_path: Path) -> None:
    assert spec_of(scenario(tmp_path)).conductivity_memory == CONSTANTS["electroporation_memory"]
    assert spec_of(scenario(tmp_path, conductivity_memory="25 %")).conductivity_memory == 0.25


def test_a_mixed_cell_conducts_as_its_tissues_and_opens_as_the_one_that_opens(tmp_path: Path) -> None:
    fields = spec_of(scenario(tmp_path)).cell_fields
    assert fields["intact_conductivity"] == pytest.approx(0.5 * (0.08 + 1.4))
    assert fields["electroporated_conductivity"] == pytest.approx(0.5 * (0.32 + 1.4))
    assert fields["electroporation_onset_field"] == pytest.approx(35e3, rel=1e-6)
    assert fields["electroporation_saturation_field"] == pytest.approx(70e3, rel=1e-6)


def test_pulses_and_heat_decide_together_and_the_scenario_may_choose_the_model_of_the_pulses(tmp_path: Path) -> None:
    assert set(deciding_models(scenario(tmp_path), "A")) == {"lethal_field", "arrhenius_hepg2"}
    chosen = deciding_models(scenario(tmp_path, death_model="peleg_fermi"), "A")
    assert set(chosen) == {"peleg_fermi", "arrhenius_hepg2"}


@pytest.mark.slow
def test_two_needles_in_liver_leave_a_zone_of_pulses_and_a_smaller_one_of_heat(tmp_path: Path) -> None:
    result = run_plan(scenario(tmp_path), "A", RunOptions(tmp_path / "out", "coarse"), Observed().listener)
    zone = result["ablation_zone"]
    by_model = {name: found["volume_ml"] for name, found in zone["by_model"].items()}
    assert 6.0 < by_model["lethal_field"] < 12.0
    assert by_model["arrhenius_hepg2"] < 0.3 * by_model["lethal_field"]
    assert zone["volume_ml"] >= by_model["lethal_field"]
    assert result["energy"]["balance_error"] < 0.01
    (pair,) = result["solver"]["sources"][0]["electroporation"]["pairs"]
    assert pair["pulses_given"] == 90.0
    given = result["energy"]["source_J"] + result["energy"]["far_field_J"]
    assert given == pytest.approx(pair["energy_J"], rel=1e-4)
    assert result["warnings"] == []
