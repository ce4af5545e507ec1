# SPDX-License-Identifier: LGPL-3.0-or-later
"""What an axisymmetric scenario may be, and why anything else is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.errors import InputErrors
from imagio_sim.plan import Scenario, geometry_digest, scenario_of, written
from tests.plan.conftest import put

NEEDLE = {"device": "cooled_17g_3cm", "entry": [0, 0, 100], "tip": [0, 0, 5]}
PHANTOM: dict[str, Any] = {
    "schema": 1,
    "name": "phantom",
    "question": "How large is the zone?",
    "expected_run_time": "10 s",
    "frame": "RAS",
    "patient": {"unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"},
    "plans": {
        "A": {
            "applicators": [NEEDLE],
            "program": {"mode": "constant_power", "power": "30 W", "duration": "3 min"},
        }
    },
    "solver": {"geometry": "axisymmetric"},
}
PHANTOM_TARGET = {"sphere": {"centre": [0, 0, 8], "diameter": "2 cm", "tissue": "liver"}}
SHELLS = {"by_radius": [{"within": "10 mm", "tissue": "tumour_liver"}, {"tissue": "liver"}]}
SLABS = {
    "by_height": [{"below": "-20 mm", "tissue": "fat"}, {"below": "3 cm", "tissue": "liver"}, {"tissue": "muscle"}]
}
LAYERED = {"layers": SLABS, "body_temperature": "37 degC"}


def bent(changes: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(PHANTOM)
    for path, value in changes.items():
        put(data, path, value)
    return data


def phantom(changes: dict[str, Any] | None = None) -> Scenario:
    return scenario_of(bent(changes or {}), base=Path(), where="phantom.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target": {"sphere": {"centre": [0, 0, 8], "diameter": "2 cm", "tissue": "tumour_liver"}}},
        {"target": {"ellipsoid": {"centre": [0, 0, 8], "semi_axes": ["8 mm", "8 mm", "2 cm"], "tissue": "liver"}}},
        {"patient": LAYERED},
        {"patient": {**LAYERED, "layers": SHELLS}},
        {"probes": [{"name": "beside", "position": [3, 4, 8]}]},
        {"plans.A.applicators": [{**NEEDLE, "device": "bipolar_15g_2x2cm"}]},
        {"plans.A": {"stages": [PHANTOM["plans"]["A"], {"wait": "10 min"}]}},
        {"region": {"shape": "sphere"}},
    ],
)
def test_a_body_of_revolution_is_taken_and_written_back(changes: dict[str, Any]) -> None:
    scenario = phantom(changes)
    assert scenario.patient.is_phantom
    assert scenario_of(written(scenario), base=Path(), where="phantom.yaml") == scenario


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"patient.image": "ct.nii.gz"}, "patient.image", "a patient with image"),
        ({"patient.labels": [{"file": "labels.nii.gz"}]}, "patient.labels", "a phantom of tissues alone"),
        ({"patient.outside": "fat"}, "patient.outside", "or layers"),
        ({"ground": {"pad": {"centre": [0, 0, -60], "radius": "3 cm"}}}, "ground.pad", "remote"),
        ({"region": {"shape": "box"}}, "region.shape", "sphere"),
        (
            {"target": {"sphere": {"centre": [3, 4, 8], "diameter": "2 cm", "tissue": "liver"}}},
            "target.sphere.centre",
            "5.0 mm off the z axis",
        ),
        (
            {"target": {"ellipsoid": {"centre": [0, 4, 8], "semi_axes": ["1 cm", "1 cm", "2 cm"], "tissue": "liver"}}},
            "target.ellipsoid.centre",
            "4.0 mm off the z axis",
        ),
        (
            {"target": {"ellipsoid": {"centre": [0, 0, 8], "semi_axes": ["1 cm", "2 cm", "2 cm"], "tissue": "liver"}}},
            "target.ellipsoid.semi_axes",
            "10 mm by 20 mm across",
        ),
        (
            {
                "patient.vessels": [
                    {"name": "vein", "points": [[9, -9, 0], [9, 9, 0]], "radius": "1 mm", "flow": "60 ml/min"}
                ]
            },
            "patient.vessels",
            "a patient with vessels",
        ),
        (
            {"plans.A.applicators": [NEEDLE, {**NEEDLE, "entry": [0, 20, 100], "tip": [0, 20, 5]}]},
            "plans.A.applicators",
            "2 applicators",
        ),
        ({"plans.A.applicators[0].device": "cooled_cluster_17g_2.5cm"}, "plans.A.applicators[0].device", "3 rods"),
        ({"plans.A.applicators[0].device": "starburst_xl"}, "plans.A.applicators[0].device", "one straight needle"),
        (
            {
                "plans.A.applicators": [{"device": "hifu_bowl_1.44mhz", "entry": [0, 0, 108], "tip": [0, 0, 8]}],
                "plans.A.program": {
                    "mode": "sonications",
                    "sonications": [{"power": "60 W", "duration": "10 s"}],
                    "coupling_path": "60 mm",
                },
            },
            "plans.A.applicators[0].device",
            "no needle",
        ),
        ({"plans.A.applicators[0].entry": [0, 10, 100]}, "plans.A.applicators[0].entry", "a tilted applicator"),
        (
            {"plans.A.applicators[0].entry": [1, 0, 100], "plans.A.applicators[0].tip": [1, 0, 5]},
            "plans.A.applicators[0].entry",
            "an applicator off the z axis",
        ),
        ({"plans.A.applicators[0].entry": [0, 0, -90]}, "plans.A.applicators[0].entry", "an entry below the tip"),
    ],
)
def test_anything_else_is_refused_with_the_way_out(changes: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(InputErrors) as refusal:
        phantom({"target": PHANTOM_TARGET, **changes})
    (error,) = refusal.value.errors
    assert error.where == f"phantom.yaml: {where}"
    assert says in str(error)
    assert "leave out solver.geometry" in str(error)
    scenario_of(bent({"target": PHANTOM_TARGET, **changes, "solver.geometry": ...}), base=Path(), where="in space")


def test_a_needle_on_the_axis_is_so_in_either_frame() -> None:
    assert phantom({"frame": "LPS"}).solver.geometry == "axisymmetric"


def test_both_geometries_have_meshes_of_their_own() -> None:
    flat, solid = phantom(), phantom({"solver.geometry": "three_dimensional"})
    assert geometry_digest(flat, "A") != geometry_digest(solid, "A")


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (
            {"constraints": [{"name": "dead", "quantity": "target_coverage", "at_least": "99 %"}]},
            "constraints[0]",
            "target_coverage",
        ),
        ({"patient.labels": [{"file": "labels.nii.gz"}], "solver": {}}, "target", "add target"),
        ({"plans.A": {"stages": [{"wait": "10 min"}]}}, "plans.A", "no applicator and no target"),
    ],
)
def test_only_a_bench_experiment_does_without_a_target(changes: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(InputErrors) as refusal:
        phantom(changes)
    (error,) = refusal.value.errors
    assert error.where == f"phantom.yaml: {where}"
    assert says in str(error)


@pytest.mark.parametrize(
    ("patient", "where", "says"),
    [
        (
            {"layers": {"by_height": [{"below": "3 cm", "tissue": "fat"}, {"below": "1 cm", "tissue": "liver"}]}},
            "patient.layers.by_height[1].below",
            "the phantom has a gap",
        ),
        (
            {
                "layers": {
                    "by_height": [
                        {"below": "3 cm", "tissue": "fat"},
                        {"below": "1 cm", "tissue": "liver"},
                        {"tissue": "fat"},
                    ]
                }
            },
            "patient.layers.by_height[1].below",
            "overlaps the layer before",
        ),
        (
            {"layers": {"by_radius": [{"tissue": "fat"}, {"tissue": "liver"}]}},
            "patient.layers.by_radius[0].within",
            "only the last layer is open",
        ),
        (
            {"layers": {"by_radius": [{"within": "-1 cm", "tissue": "fat"}, {"tissue": "liver"}]}},
            "patient.layers.by_radius[0].within",
            "0.1 mm",
        ),
        ({"layers": {"by_colour": []}}, "patient.layers", "one of by_height, by_radius"),
        ({"layers": SLABS, "unlabelled": "fat"}, "patient.unlabelled", "'fat' beside layers"),
        ({"layers": SLABS, "outside": "fat"}, "patient.outside", "'fat' beside layers"),
    ],
)
def test_layers_have_neither_gaps_nor_overlaps(patient: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(InputErrors) as refusal:
        phantom({"patient": {"body_temperature": "37 degC", **patient}})
    places = {error.where: str(error) for error in refusal.value.errors}
    assert says in places[f"phantom.yaml: {where}"]


def test_layers_beside_labels_are_refused() -> None:
    labels = [{"file": "labels.nii.gz"}]
    target = {"label": "tumour"}
    with pytest.raises(InputErrors, match="layers beside an image, labels or fluids"):
        phantom({"patient": {**LAYERED, "labels": labels}, "target": target, "solver": {}})
