# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan with transducers to heat on the mesh, what is refused on the way, and what a planner is told."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import StageGeometry, mesh_recipe, read_anatomy, stage_geometry
from imagio_sim.campaign.provenance import tissue_record
from imagio_sim.campaign.run import Prepared
from imagio_sim.campaign.sonication.geometry import PlacedTransducer, placed_transducer
from imagio_sim.campaign.sonication.transfer import HeatTransfer
from imagio_sim.campaign.sonication.waves import distinct_foci
from imagio_sim.errors import InputError
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.transfer import VoxelTransfer
from imagio_sim.plan import Scenario, assignments, scenario_of
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.ultrasound import UltrasoundSpec

BENCH: dict[str, Any] = {
    "schema": 1,
    "name": "bench",
    "question": "What does one point do to a block of liver?",
    "expected_run_time": "1 min",
    "frame": "LPS",
    "patient": {
        "layers": {"by_height": [{"below": "0 mm", "tissue": "liver"}, {"tissue": "air"}]},
        "body_temperature": "37 degC",
    },
    "plans": {
        "A": {
            "applicators": [{"name": "bowl", "device": "hifu_bowl_2mhz_44mm", "entry": [0, 0, 24], "tip": [0, 0, -20]}],
            "program": {
                "mode": "sonications",
                "cooling_phase": "10 s",
                "sonications": [{"power": "15 W", "duration": "5 s"}],
            },
        }
    },
    "solver": {"resolution": "coarse"},
}


def bench(*layers: dict[str, str], **applicator: Any) -> Scenario:
    data = copy.deepcopy(BENCH)
    if layers:
        data["patient"]["layers"]["by_height"] = list(layers)
    program = applicator.pop("program", {})
    data["plans"]["A"]["applicators"][0] |= applicator
    data["plans"]["A"]["program"] |= program
    return scenario_of(data, base=Path(), where="bench.yaml")


def solved_for(scenario: Scenario) -> tuple[StageGeometry, ThermalCase, UltrasoundSpec]:
    anatomy = read_anatomy(scenario)
    geometry = stage_geometry(scenario, "A", anatomy, stage=0, resolution="coarse")
    case = thermal_case(scenario, "A", geometry, stage=0)
    (spec,) = case.sources
    assert isinstance(spec, UltrasoundSpec)
    return geometry, case, spec


@cache
def in_liver() -> tuple[StageGeometry, ThermalCase, UltrasoundSpec]:
    return solved_for(bench())


def transducer(scenario: Scenario) -> PlacedTransducer:
    (only,) = assignments(scenario, "A", 0, "ultrasound")
    return placed_transducer(scenario, "A", only)


def test_the_mesh_takes_the_heat_that_the_tissue_absorbs() -> None:
    geometry, _, spec = in_liver()
    share = spec.facts["foci"][0]["share"]
    watts = float(spec.heat_per_power[0] @ geometry.domain.cell_volumes_mm3) * 1e-9
    assert watts == pytest.approx(share["on_mesh"])
    assert 0.9 * share["absorbed"]["liver"] < watts <= share["absorbed"]["liver"]
    assert abs(share["imbalance"]) < 0.02
    assert share["entering"] == pytest.approx(1.0, abs=0.02)  # 1 W, less what the water takes and what misses


def test_the_hottest_cell_lies_in_the_focus() -> None:
    geometry, _, spec = in_liver()
    hottest = geometry.domain.points_mm[geometry.domain.cells[spec.heat_per_power[0].argmax()]].mean(axis=0)
    assert np.hypot(*hottest[:2]) < 0.6
    assert abs(hottest[2] + 20.0) < 3.0
    assert spec.facts["foci"][0]["shift_mm"] < 3.0


def test_the_region_reaches_the_skin_that_the_beam_passes_and_is_fine_in_the_focus() -> None:
    geometry, case, _ = in_liver()
    skin = geometry.domain.points_mm[np.unique(geometry.domain.surfaces["skin"])]
    assert np.hypot(skin[:, 0], skin[:, 1]).max() > 15.0
    assert any(one.surface == "skin" for one in case.cooling)
    corners = geometry.domain.points_mm[geometry.domain.cells]
    focal = np.linalg.norm(corners.mean(axis=1) - [0.0, 0.0, -20.0], axis=1) < 1.0
    edges = np.linalg.norm(corners[focal][:, 0] - corners[focal][:, 1], axis=1)
    assert np.median(edges) < 0.6


def test_pulses_follow_the_program() -> None:
    (pulse,) = in_liver()[2].pulses
    assert (pulse.begin, pulse.end, pulse.power, pulse.focus) == (0.0, 5.0, 15.0, 0)


def test_a_field_within_the_limits_of_linear_acoustics_is_not_warned_about() -> None:
    spec = in_liver()[2]
    assert spec.notes == ()
    assert spec.facts["foci"][0]["focal_pressure_MPa"] < spec.facts["pressure_limit_MPa"]["liver"] < 15.0


def test_bone_without_a_nonlinearity_is_limited_by_cavitation_alone() -> None:
    layers = ({"below": "-6 mm", "tissue": "liver"}, {"below": "0 mm", "tissue": "bone_cortical"}, {"tissue": "air"})
    _, case, spec = solved_for(bench(*layers))
    limits = spec.facts["pressure_limit_MPa"]
    assert limits["bone_cortical"] == pytest.approx(case.constants["cavitation_pressure"])
    assert limits["liver"] < limits["bone_cortical"]


def test_the_water_that_couples_the_sound_is_among_the_constants_of_the_run() -> None:
    geometry, case, _ = in_liver()
    prepared = Prepared(bench(), "A", geometry.anatomy, (geometry,), (case,), None, {})  # type: ignore[arg-type]
    assert "water" in prepared.tissue_names
    record = tissue_record(prepared.scenario, "A", prepared.tissue_names)
    assert {"sound_speed", "acoustic_attenuation_500_khz"} <= set(record["tissues"]["water"])


def test_bone_in_the_path_and_too_much_pressure_are_told() -> None:
    layers = (
        {"below": "-6 mm", "tissue": "liver"},
        {"below": "-4 mm", "tissue": "bone_cortical"},
        {"below": "0 mm", "tissue": "muscle"},
        {"tissue": "air"},
    )
    spec = solved_for(bench(*layers, program={"sonications": [{"power": "200 W", "duration": "1 s"}]}))[2]
    share = spec.facts["foci"][0]["share"]
    assert share["lost"]["bone"] > 0.4
    assert any(
        "bone in the path to focus 1 takes" in note and f"{share['lost']['bone']:.0%}" in note for note in spec.notes
    )
    assert spec.watched["bone"].any()
    strong = solved_for(bench(program={"sonications": [{"power": "200 W", "duration": "1 s"}]}))[2]
    assert any("beyond linear acoustics" in note for note in strong.notes)
    assert not any("bone" in note for note in strong.notes)


def test_an_apex_that_is_not_a_radius_of_curvature_away_is_refused_with_the_right_one() -> None:
    with pytest.raises(InputError, match=r"bowl.entry: expected 44 mm.*30.0 mm.*entry: \[0.0, 0.0, 24.0\]"):
        transducer(bench(entry=[0, 0, 10]))


@pytest.mark.parametrize(
    ("applicator", "says"),
    [
        ({"entry": [0, 0, 54], "tip": [0, 0, 10]}, "no skin between"),
        ({"entry": [0, 0, -10], "tip": [0, 0, -54]}, "touches the body"),
        ({"entry": [0, 0, 4], "tip": [0, 0, -40]}, "within the bowl|touches the body"),
    ],
)
def test_a_transducer_in_a_wrong_place_is_refused(applicator: dict[str, Any], says: str) -> None:
    scenario = bench(**applicator)
    placed, anatomy = transducer(scenario), read_anatomy(scenario)
    with pytest.raises(InputError, match=says):
        placed.water_mm(anatomy)


def test_a_focus_outside_the_body_is_refused() -> None:
    array = {"device": "hifu_array_256", "entry": [0, 0, 115], "tip": [0, 0, -5]}
    point = {"focus": [0, 0, 8], "power": "50 W", "duration": "5 s"}
    scenario = bench(**array, program={"sonications": [{**point, "focus": [0, 0, -5]}, point]})
    with pytest.raises(InputError, match="acoustic focus outside the body"):
        mesh_recipe(scenario, "A", read_anatomy(scenario), stage=0, resolution="coarse")


def test_a_focus_beyond_the_steering_range_is_refused() -> None:
    array = {"device": "hifu_array_256", "entry": [0, 0, 70], "tip": [0, 0, -50]}
    far = {"focus": [25, 0, -50], "power": "50 W", "duration": "5 s"}
    scenario = bench(**array, program={"sonications": [far]})
    with pytest.raises(InputError, match=r"sonications\[0\].focus: expected at most 15 mm.*25.0 mm"):
        mesh_recipe(scenario, "A", read_anatomy(scenario), stage=0, resolution="coarse")


def test_without_a_skin_the_way_through_water_has_to_be_said() -> None:
    endless = ({"tissue": "liver"},)
    scenario = bench(*endless)
    with pytest.raises(InputError, match="touches the body"):
        transducer(scenario).water_mm(read_anatomy(scenario))
    told = bench(*endless, program={"coupling_path": "25 mm"})
    assert transducer(told).water_mm(read_anatomy(told)) == pytest.approx(24.0, abs=0.6)


def test_heat_comes_to_the_mesh_with_its_power_and_its_peak() -> None:
    domain = box(12, 24.0)
    grid = Grid.around(np.full(3, 2.0), np.full(3, 22.0), 0.25)
    centres = grid.to_lps(np.indices(grid.shape, dtype=float).reshape(3, -1).T).reshape(*grid.shape, 3)
    heat = 1e8 * np.exp(-(((centres - 12.0) / [0.8, 0.8, 2.5]) ** 2).sum(axis=-1))
    heat += 1e6 * np.exp(-(((centres - 10.0) / 4.0) ** 2).sum(axis=-1))
    transfer = HeatTransfer(domain, grid)
    found = transfer.cell_heat(heat, around=np.full(3, 12.0), reach_mm=np.array([3.0, 3.0, 5.0]))
    assert transfer.power(found) == pytest.approx(heat.sum() * grid.voxel_volume_mm3 * 1e-9, rel=1e-3)
    voxel_by_voxel = VoxelTransfer(domain, grid).cell_densities(heat)
    volumes = domain.cell_volumes_mm3
    assert np.abs(found - voxel_by_voxel) @ volumes < 0.05 * (voxel_by_voxel @ volumes)
    assert found.max() == pytest.approx(voxel_by_voxel.max(), rel=0.01)


def test_a_point_that_comes_again_is_computed_once_and_points_keep_their_order() -> None:
    first, second = np.array([5.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0])
    points, numbers = distinct_foci([first, second, first, second + 1e-9])
    assert points == pytest.approx(np.array([first, second]))
    assert numbers == [0, 1, 0, 1]
