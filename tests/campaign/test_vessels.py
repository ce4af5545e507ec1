# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels of a scenario on their way to the solver: junctions, refusals, lumens, and what a run says of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.labelling import LabelledTissue
from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import StageGeometry, mesh_recipe, read_anatomy, stage_geometry
from imagio_sim.campaign.vessels.courses import check_vessels, unbalanced_junctions, vessel_courses
from imagio_sim.campaign.vessels.lines import VesselsOnMesh
from imagio_sim.campaign.vessels.report import vessel_results, vessel_warnings, write_courses
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.meshing.domain import Sampled
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.vessel_lines import VesselTree

VEIN: dict[str, Any] = {"name": "vein", "points": [[8, -60, 0], [8, 60, 0]], "radius": "3 mm", "velocity": "12 cm/s"}
PHANTOM: dict[str, Any] = {
    "schema": 1,
    "name": "bench",
    "question": "Does it?",
    "expected_run_time": "1 min",
    "frame": "LPS",
    "patient": {"unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"},
    "target": {"sphere": {"centre": [0, 0, 0], "diameter": "1 cm", "tissue": "liver"}},
    "plans": {
        "needle": {
            "applicators": [{"device": "cooled_17g_3cm", "entry": [0, 0, 100], "tip": [0, 0, -15]}],
            "program": {"mode": "constant_power", "power": "30 W", "duration": "1 min"},
        }
    },
}


def phantom(*vessels: dict[str, Any], base: Path = Path(), frame: str = "LPS") -> Scenario:
    patient = {**PHANTOM["patient"], "vessels": list(vessels)}
    return scenario_of({**PHANTOM, "patient": patient, "frame": frame}, base=base, where="bench.yaml")


def piece(name: str, *points: tuple[float, float, float], **changes: Any) -> dict[str, Any]:
    return {"name": name, "points": [list(point) for point in points], "radius": "1 mm", "velocity": "5 cm/s"} | changes


@pytest.fixture(scope="module")
def geometry() -> StageGeometry:
    scenario = phantom()
    return stage_geometry(scenario, "needle", read_anatomy(scenario), stage=0, resolution="coarse")


def tree_of(scenario: Scenario, geometry: StageGeometry) -> VesselTree:
    (tree,) = thermal_case(scenario, "needle", geometry, stage=0).couplings
    assert isinstance(tree, VesselTree)
    return tree


# courses


def test_a_flow_follows_from_mean_velocity_and_width() -> None:
    (course,) = vessel_courses(phantom(VEIN))
    assert course.flow == pytest.approx(np.pi * 0.003**2 * 0.12)
    assert course.inlet_temperature == 37.0


def test_points_are_put_into_patient_space() -> None:
    (course,) = vessel_courses(phantom(VEIN, frame="RAS"))
    assert course.line.points_mm[0].tolist() == [-8.0, 60.0, 0.0]


def test_a_table_is_read_in_its_own_frame_and_units(tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text(
        "line,x,y,z,radius,flow\ntrunk,0,0,0,0.3,60\ntrunk,0,0,1,0.3,60\nleft,0,0,1,0.2,30\nleft,1,0,2,0.1,30\n"
    )
    file = {
        "name": "tree", "file": "tree.csv", "frame": "RAS", "length_unit": "cm", "radius_array": "radius",
        "flow_array": "flow", "flow_unit": "ml/min", "inlet_temperature": "36 degC",
    }  # fmt: skip
    trunk, left = vessel_courses(phantom(file, base=tmp_path))
    assert trunk.line.name == "tree.trunk"
    assert trunk.flow == pytest.approx(1e-6)
    assert left.line.points_mm[-1] == pytest.approx([-10.0, 0.0, 20.0])
    assert left.line.radii_mm.tolist() == [2.0, 1.0]
    assert left.parents == (0,)
    assert left.inlet_temperature == 36.0


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("0,0,0,3,60\n0,0,0,3,60\n", "1 different points"),
        ("0,0,0,0,60\n0,0,10,3,60\n", "a radius of 0 mm"),
        ("0,0,0,3,-5\n0,0,10,3,-5\n", "a flow of -5 ml/min"),
        ("0,0,0,3,0\n0,0,10,3,0\n", "a flow of 0 ml/min"),
        ("0,0,0,3,6e4\n0,0,10,3,6e4\n", "expected blood flow from 0.001 mm.3/s to 200000 mm.3/s, got '60000.0 ml/min'"),
    ],
)
def test_a_table_with_what_cannot_be_is_refused(tmp_path: Path, rows: str, says: str) -> None:
    (tmp_path / "tree.csv").write_text("x,y,z,radius,flow\n" + rows)
    file = {
        "name": "tree", "file": "tree.csv", "frame": "LPS", "length_unit": "mm", "radius_array": "radius",
        "flow_array": "flow", "flow_unit": "ml/min",
    }  # fmt: skip
    with pytest.raises(InputError, match=says) as refused:
        vessel_courses(phantom(file, base=tmp_path))
    assert "bench.yaml: patient.vessels[0].file" in str(refused.value)


def test_branches_come_after_their_parents_whatever_the_order_in_the_file() -> None:
    after, trunk = piece("after", (0, 0, 10), (0, 5, 20)), piece("trunk", (0, 0, 0), (0, 0, 10))
    courses = vessel_courses(phantom(after, trunk))
    assert [course.line.name for course in courses] == ["trunk", "after"]
    assert courses[1].parents == (0,)


def test_joining_vessels_are_both_parents() -> None:
    one, two = piece("one", (0, -5, 0), (0, 0, 10)), piece("two", (0, 5, 0), (0, 0, 10))
    courses = vessel_courses(phantom(one, two, piece("both", (0, 0, 10), (0, 0, 20))))
    assert courses[2].parents == (0, 1)


def test_vessels_in_a_circle_are_refused() -> None:
    one, two = piece("one", (0, 0, 0), (0, 0, 10)), piece("two", (0, 0, 10), (0, 0, 0))
    with pytest.raises(InputError, match="run in a circle: one, two"):
        vessel_courses(phantom(one, two))


def test_flow_that_is_lost_at_a_junction_is_told() -> None:
    trunk = piece("trunk", (0, 0, 0), (0, 0, 10))
    half = piece("half", (0, 0, 10), (0, 0, 20), velocity="2.5 cm/s")
    (told,) = unbalanced_junctions(vessel_courses(phantom(trunk, half)))
    assert "50% of the flow of trunk goes on" in told
    assert unbalanced_junctions(vessel_courses(phantom(trunk, piece("on", (0, 0, 10), (0, 0, 20))))) == ()


# refusals that need the patient


def refusal(scenario: Scenario) -> str:
    anatomy = read_anatomy(scenario)
    recipe = mesh_recipe(scenario, "needle", anatomy, stage=0, resolution="coarse")
    with pytest.raises(InputErrors) as refused:
        check_vessels(scenario, vessel_courses(scenario), anatomy, recipe.region)
    return str(refused.value)


def test_a_vessel_that_passes_the_region_is_refused() -> None:
    said = refusal(phantom(VEIN | {"points": [[200, -60, 0], [200, 60, 0]]}))
    assert "patient.vessels[0]" in said
    assert "passes the region" in said


def test_a_vessel_beyond_the_image_is_refused(tmp_path: Path) -> None:
    import nibabel

    image = nibabel.Nifti1Image(np.zeros((40, 40, 40), np.int16), np.diag([4.0, 4.0, 4.0, 1.0]))
    image.affine[:3, 3] = -78.0
    nibabel.save(nibabel.Nifti1Image(np.zeros((40, 40, 40), np.int16), image.affine), tmp_path / "ct.nii.gz")
    data = {**PHANTOM["patient"], "image": "ct.nii.gz", "vessels": [VEIN | {"points": [[8, -60, 0], [8, 160, 0]]}]}
    scenario = scenario_of({**PHANTOM, "patient": data}, base=tmp_path, where="bench.yaml")
    said = refusal(scenario)
    assert "beyond the image" in said
    assert "check frame and unit" in said


def test_an_unknown_label_is_refused() -> None:
    assert "there is none" in refusal(phantom(VEIN | {"label": "portal_vein"}))


def test_a_vessel_within_a_labelled_one_is_refused_unless_it_says_so() -> None:
    scenario = phantom(VEIN)
    anatomy = read_anatomy(scenario)
    everywhere = replace(
        anatomy,
        labels=replace(anatomy.labels, labels=np.ones_like(anatomy.labels.labels), names={1: "portal_vein"}),
        tissues={"portal_vein": LabelledTissue("blood", "vessel")},
    )
    region = mesh_recipe(scenario, "needle", anatomy, stage=0, resolution="coarse").region
    with pytest.raises(InputErrors, match="within the labelled vessel 'portal_vein'"):
        check_vessels(scenario, vessel_courses(scenario), everywhere, region)
    told = phantom(VEIN | {"label": "portal_vein"})
    check_vessels(told, vessel_courses(told), everywhere, region)


# on the mesh


def test_a_wide_vessel_is_blood_in_the_mesh(geometry: StageGeometry) -> None:
    scenario = phantom(VEIN)
    bare = thermal_case(phantom(), "needle", geometry, stage=0).cell_fields
    wide = thermal_case(scenario, "needle", geometry, stage=0).cell_fields
    changed = wide["electrical_conductivity"] > 1.5 * bare["electrical_conductivity"]
    centres = geometry.domain.points_mm[geometry.domain.cells].mean(axis=1)[changed]
    assert changed.sum() > 100
    assert np.hypot(centres[:, 0] - 8.0, centres[:, 2]).max() < 4.0
    assert wide["thermal_conductivity"].min() < 0.01 * bare["thermal_conductivity"].min()
    assert wide["perfusion_rate"].min() == 0.0


def test_a_thin_vessel_leaves_the_tissue_as_it_is(geometry: StageGeometry) -> None:
    scenario = phantom(VEIN | {"radius": "0.4 mm"})
    bare = thermal_case(phantom(), "needle", geometry, stage=0).cell_fields
    thin = thermal_case(scenario, "needle", geometry, stage=0).cell_fields
    assert all(np.array_equal(thin[name], bare[name]) for name in bare)


def test_the_tissue_between_wall_and_mesh_conducts_in_series(geometry: StageGeometry) -> None:
    (thin,), (wide,) = (tree_of(phantom(VEIN | {"radius": radius}), geometry).lines for radius in ("0.3 mm", "3 mm"))
    inside = thin.contact > 0.0
    assert thin.contact[inside].max() < wide.contact[wide.contact > 0.0].max()


def test_a_flow_too_fast_to_be_laminar_is_told(geometry: StageGeometry) -> None:
    tree = tree_of(phantom(VEIN | {"velocity": "2 m/s"}), geometry)
    assert tree.lines[0].turbulent_nusselt is not None
    assert "turbulent" in tree.warnings[0]
    assert tree_of(phantom(VEIN), geometry).lines[0].turbulent_nusselt is None


def test_a_label_that_a_line_describes_no_longer_cools(geometry: StageGeometry) -> None:
    cells = len(geometry.domain.cells)
    half = np.where(np.arange(cells) < cells // 2, 1.0, 0.0)
    sampled = replace(
        geometry.sampled,
        wall_area_mm2=np.ones(cells),
        lumen_fraction=np.full(cells, 0.1),
        vessel_shares={"portal_vein": half, "cava": 1.0 - half},
    )
    left: Sampled = VesselsOnMesh(vessel_courses(phantom(VEIN | {"label": "portal_vein"})), ()).labels_only(sampled)
    assert left.wall_area_mm2 == pytest.approx(1.0 - half)
    assert left.lumen_fraction == pytest.approx(0.1 * (1.0 - half))
    assert list(left.vessel_shares) == ["cava"]


# results

FACTS: dict[str, Any] = {
    "energy": {"lost_by_path_J": {"perfusion": 100.0, "vessel/portal_vein": 40.0, "vessel_lines": 12.0}},
    "couplings": {
        "vessel_lines": {
            "carried_J": {"vein": 12.0},
            "courses": [
                {
                    "vessel": "vein",
                    "arc_mm": [0.0, 5.0, 10.0],
                    "lps_mm": [[0.0, 0.0, 0.0], [0.0, 0.0, 5.0], [0.0, 0.0, 10.0]],
                    "temperature_degC": [37.0, 37.5, 38.0],
                    "peak_temperature_degC": [37.0, 38.0, 39.0],
                }
            ],
            "warnings": ["vessels: beware"],
        }
    },
}
NOTHING: dict[str, Any] = {"energy": {"lost_by_path_J": {"vessel/portal_vein": 2.0}}, "couplings": {}}


def test_every_vessel_says_what_it_carried_away_in_all_stages() -> None:
    found = vessel_results([FACTS, FACTS, NOTHING])
    assert found["portal_vein"]["given_by"] == "label"
    assert found["portal_vein"]["carried_J"] == 82.0
    assert found["vein"]["carried_J"] == 24.0
    assert found["vein"]["peak_outlet_temperature_degC"] == 39.0
    assert vessel_warnings([FACTS, FACTS]) == ["vessels: beware"]


def test_the_blood_along_a_vessel_is_written_as_table_and_lines(tmp_path: Path) -> None:
    write_courses(tmp_path, [FACTS])
    with (tmp_path / "vessels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["peak_temperature_degC"]) for row in rows] == [37.0, 38.0, 39.0]
    lines = pv.read(tmp_path / "vessels.vtp")
    assert lines.n_cells == 1
    assert lines.point_data["temperature_degC"].tolist() == [37.0, 37.5, 38.0]
    assert list(lines.cell_data["vessel"]) == ["vein"]


def test_a_plan_without_centre_lines_writes_none(tmp_path: Path) -> None:
    write_courses(tmp_path, [NOTHING])
    assert not list(tmp_path.iterdir())
