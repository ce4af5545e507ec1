# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan with microwave antennas to what the solver takes, and what is refused on the way."""

from __future__ import annotations

import copy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.modalities.microwave import sources
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Sampled
from imagio_sim.meshing.phantoms import box
from imagio_sim.plan import placed_applicators, scenario_of
from imagio_sim.solve.sources.microwave import MicrowaveSpec
from imagio_sim.tissue import load_constants
from imagio_sim.tissue.dielectric import LinearCourse, SigmoidCourse
from imagio_sim.tissue.library import Tissue, load_tissue
from tests.plan.conftest import SCENARIO

SIDE_MM = 60.0
CONSTANTS = {name: value.value for name, value in load_constants().items()}
PROGRAM = {"mode": "constant_power", "power": "30 W", "duration": "6 min"}


def applicator(device: str, across: float = 30.0, tip: float = 20.0, **program: object) -> dict[str, Any]:
    """Down the middle of the cube from above; RAS."""
    own = {"program": {**PROGRAM, **program}} if program else {}
    return {"device": device, "entry": [-across, -30.0, 140.0], "tip": [-across, -30.0, tip], **own}


def setting(
    tmp_path: Path, *applicators: dict[str, Any], tissues: tuple[str, ...] = ("liver", "muscle"), **solver: object
) -> StageSetting:
    """Antennas in a cube, two thirds of it the first tissue and the rest the second."""
    data = copy.deepcopy(SCENARIO)
    shared = {} if any("program" in one for one in applicators) else {"program": PROGRAM}
    data["plans"]["A"] = {"applicators": list(applicators), **shared}
    data["solver"] = solver
    scenario = scenario_of(data, base=tmp_path, where="small.yaml")
    domain = box(6, SIDE_MM)
    cells = len(domain.cells)
    fractions = np.zeros((cells, len(tissues)))
    fractions[:, 0], fractions[:, 1] = 2.0 / 3.0, 1.0 / 3.0
    none = np.zeros(cells)
    sampled = Sampled(tissues, fractions, none, none, none, none)
    geometry = StageGeometry(placed_applicators(scenario, "A", 0), domain, sampled, 0.0, ())
    return StageSetting(scenario, "A", 0, geometry, CONSTANTS)


def spec_of(given: StageSetting) -> MicrowaveSpec:
    (spec,) = sources(given)
    assert isinstance(spec, MicrowaveSpec)
    return spec


def test_an_antenna_is_where_it_was_placed_and_does_what_its_program_says(tmp_path: Path) -> None:
    spec = spec_of(setting(tmp_path, applicator("mw_single_slot")))
    (antenna,) = spec.antennas
    assert spec.frequency == 2450e6
    assert antenna.placement.tip_mm == pytest.approx((30.0, 30.0, 20.0))
    assert antenna.placement.axis == pytest.approx((0.0, 0.0, 1.0))
    assert [(step.time, step.power) for step in antenna.steps] == [(0.0, 30.0), (360.0, 0.0)]
    assert antenna.phase is None
    assert antenna.mesh.in_tissue.any()


def test_a_bare_arm_lies_before_the_shaft(tmp_path: Path) -> None:
    given = setting(tmp_path, applicator("mw_monopole"))
    (antenna,) = spec_of(given).antennas
    (placed,) = given.geometry.applicators
    assert antenna.placement.tip_mm == pytest.approx((30.0, 30.0, 20.0))
    assert placed.rods[0].path_mm[0] == pytest.approx((30.0, 30.0, 33.0))


def test_antennas_of_two_frequencies_are_two_sources(tmp_path: Path) -> None:
    both = setting(tmp_path, applicator("mw_single_slot", 22.0), applicator("mw_dual_slot_915", 38.0))
    found = sources(both)
    assert [spec.frequency for spec in found if isinstance(spec, MicrowaveSpec)] == [2450e6, 915e6]
    assert len({spec.name for spec in found if isinstance(spec, MicrowaveSpec)}) == 2


def test_tissues_follow_the_nominal_model_of_the_frequency_or_the_one_asked_for(tmp_path: Path) -> None:
    courses = [
        type(spec_of(setting(tmp_path, applicator(device), **solver)).tissues[0].conductivity_course)
        for device, solver in (
            ("mw_single_slot", {}),
            ("mw_single_slot", {"dielectric_model": "linear"}),
            ("mw_dual_slot_915", {}),
        )
    ]
    assert courses == [SigmoidCourse, LinearCourse, LinearCourse]


def test_a_tissue_without_data_at_the_antennas_frequency_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, whole = setting(tmp_path, applicator("mw_single_slot")), load_tissue("muscle")
    bare = {name: value for name, value in whole.values.items() if "2450" not in name}
    lacking = {"liver": load_tissue("liver"), "muscle": Tissue("muscle", MappingProxyType(bare))}
    monkeypatch.setattr(type(given.scenario), "tissue", lambda _, name: lacking[name])
    with pytest.raises(
        InputError, match=r"plans.A: applicator_1: .*2450 MHz.*'muscle'.*relative_permittivity_2450_mhz"
    ):
        sources(given)


def test_a_tissue_that_is_nowhere_in_the_region_needs_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = setting(tmp_path, applicator("mw_single_slot"), tissues=("liver", "liver", "muscle"))
    bare = Tissue("muscle", MappingProxyType({}))
    monkeypatch.setattr(type(given.scenario), "tissue", lambda _, name: bare if name == "muscle" else load_tissue(name))
    assert [tissue.tissue for tissue in spec_of(given).tissues] == ["liver", "liver"]
    assert spec_of(given).fractions.shape[1] == 2


def test_a_slot_outside_the_tissue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"tissue all around the stretch from 6 mm to 7 mm.*a slot with tissue on only"
    ):
        sources(setting(tmp_path, applicator("mw_single_slot", tip=58.0)))


def test_antennas_with_a_phase_oscillate_together(tmp_path: Path) -> None:
    two = setting(
        tmp_path,
        applicator("mw_single_slot", 22.0, phase="0 deg"),
        applicator("mw_single_slot", 38.0, phase="90 deg"),
    )
    assert [antenna.phase for antenna in spec_of(two).antennas] == pytest.approx([0.0, np.pi / 2.0])
