# SPDX-License-Identifier: LGPL-3.0-or-later
"""From an infusion in a scenario to voxels of a patient: territories of every kind, targets, and what stays where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Image
from imagio_sim.campaign.geometry import read_anatomy
from imagio_sim.campaign.infusions.delivery import Delivered, cell_warnings, cluster_warnings, delivered
from imagio_sim.delivery.working_grid import CLUSTERED_MM
from imagio_sim.errors import InputError
from imagio_sim.meshing.phantoms import box
from imagio_sim.pharmacy.particles import load_particles
from imagio_sim.plan import Scenario
from imagio_sim.tissue.constants import load_constants
from tests.campaign.embolised import (
    ALL,
    AT_FORK,
    HALF_WAY_LEFT,
    TREE,
    TUMOUR,
    bland,
    labels,
    patient,
    write_uptake,
)

ORGAN = np.isin(labels(), (1, 2))


def went(scenario: Scenario) -> Delivered:
    (only,) = delivered(scenario, "A", read_anatomy(scenario))
    return only


def given(folder: Path, infusion: dict[str, Any], **changes: Any) -> Delivered:
    return went(patient(folder, {"infusions": [infusion], "wait": "1 h"}, **changes))


def test_labels_reach_all_that_carries_them(tmp_path: Path) -> None:
    one = given(tmp_path, bland(ALL))
    assert np.array_equal(one.organ, ORGAN)
    assert np.array_equal(one.territory.share, ORGAN.astype(float))
    assert one.target[TUMOUR].all()
    assert one.target.sum() == (labels() == 2).sum()


def test_the_tumour_takes_the_ratio_of_the_data_unless_one_is_given(tmp_path: Path) -> None:
    library = load_constants()["tumour_to_normal_ratio"].value
    for infusion, ratio in ((bland(ALL), library), (bland(ALL, tumour_to_normal=3), 3.0)):
        share = given(tmp_path, infusion).deposition.share
        assert share[TUMOUR].mean() == pytest.approx(ratio * share[labels() == 1].mean(), rel=1e-9)


@pytest.mark.parametrize("spheres", ["sir_spheres", "therasphere"])
def test_what_the_lungs_take_is_missing_in_the_organ(tmp_path: Path, spheres: str) -> None:
    infusion = {
        "kind": "radioembolisation",
        "organ": ["liver"],
        "territory": ALL,
        "microspheres": spheres,
        "activity": "1 GBq",
        "lung_shunt": "8 %",
    }
    made = given(tmp_path, infusion).deposition
    assert made.lung_share == 0.08
    assert abs(made.total - 1.0) <= 2.0**-52
    assert made.share_in(ORGAN) == pytest.approx(0.92)


def test_a_catheter_in_a_branch_reaches_its_half_and_in_the_trunk_everything(tmp_path: Path) -> None:
    branch = given(tmp_path, bland({"catheter": HALF_WAY_LEFT, "arteries": TREE}))
    trunk = given(tmp_path, bland({"catheter": AT_FORK, "arteries": TREE}))
    assert branch.territory.share.sum() == pytest.approx(0.5 * ORGAN.sum(), rel=0.01)
    assert (branch.territory.share[TUMOUR] == 1.0).all()
    assert np.array_equal(trunk.territory.share > 0.0, ORGAN)


def test_centre_lines_in_another_frame_and_unit_reach_what_the_label_reaches(tmp_path: Path) -> None:
    rows = ["line,x,y,z"]
    for name, points in (
        ("trunk", [(4.0, 0.4, 2.0), (4.0, 2.0, 2.0), (2.0, 3.6, 2.0)]),
        ("right", [(4.0, 2.0, 2.0), (6.0, 3.6, 2.0)]),
    ):
        rows += [f"{name},{-x},{-y},{z}" for x, y, z in points]
    (tmp_path / "artery.csv").write_text("\n".join(rows))
    lines = {"centre_lines": "artery.csv", "frame": "RAS", "length_unit": "cm"}
    by_lines, by_label = (
        given(tmp_path, bland({"catheter": HALF_WAY_LEFT, "arteries": arteries})) for arteries in (lines, TREE)
    )
    assert by_lines.territory.share.mean() == pytest.approx(by_label.territory.share.mean(), rel=0.02)
    assert (by_lines.territory.share[TUMOUR] == 1.0).all()


def test_a_ball_reaches_the_organ_within_it_in_the_frame_of_the_scenario(tmp_path: Path) -> None:
    lps = given(tmp_path, bland({"sphere": {"centre": [18, 46, 20], "diameter": "2 cm"}}))
    ras = given(tmp_path, bland({"sphere": {"centre": [-18, -46, 20], "diameter": "2 cm"}}), frame="RAS")
    assert np.array_equal(lps.territory.share, ras.territory.share)
    assert lps.territory.volume_ml == pytest.approx(4.19, rel=0.1)


def test_a_calibrated_image_is_the_deposition_itself(tmp_path: Path) -> None:
    values = np.zeros(labels().shape)
    values[TUMOUR], values[25:30, 5:10, 5:10] = 8.0e3, 1.0e3
    write_uptake(tmp_path, values)
    one = given(tmp_path, bland({"image": "uptake.nii.gz", "unit": "kBq/ml"}))
    in_tumour = 8.0 * values[TUMOUR].size
    assert one.deposition.share_in(one.target) == pytest.approx(in_tumour / (in_tumour + 125.0), rel=1e-6)
    assert one.territory.facts["image_activity_MBq"] == pytest.approx(values.sum() * 8e-3 * 1e-3, rel=1e-6)


def test_a_threshold_decides_what_an_image_reaches(tmp_path: Path) -> None:
    values = np.where(labels() > 0, 1.0, 0.0)
    values[TUMOUR] = 10.0
    write_uptake(tmp_path, values)
    weak, strong = (
        given(tmp_path, bland({"image": "uptake.nii.gz", "unit": "relative", "threshold": share}))
        for share in ("5 %", "40 %")
    )
    assert np.array_equal(weak.territory.share > 0.0, ORGAN)
    assert np.array_equal(strong.territory.share > 0.0, labels() == 2)


def test_a_virtual_target_is_reached_by_its_exact_shape(tmp_path: Path) -> None:
    ball = {"sphere": {"centre": [56, 44, 20], "diameter": "16 mm", "tissue": "hcc"}}
    one = given(tmp_path, bland({"labels": ["liver"]}), target=ball)
    volume = one.target.sum() * one.territory.grid.voxel_volume_mm3
    assert volume == pytest.approx(4.0 / 3.0 * np.pi * 8.0**3, rel=0.05)
    assert one.organ[one.target].all()


def test_every_infusion_of_a_plan_is_found_under_its_name_and_once(tmp_path: Path) -> None:
    scenario = patient(
        tmp_path,
        {"infusions": [bland(ALL)], "wait": "1 h"},
        {"infusions": [bland(ALL, name="again")], "wait": "1 h"},
    )
    anatomy = read_anatomy(scenario)
    first, second = delivered(scenario, "A", anatomy)
    assert (first.name, first.stage, second.name, second.stage) == ("infusion_1", 0, "again", 1)
    assert delivered(scenario, "A", anatomy)[0] is first


def test_an_organ_whose_label_has_no_voxel_is_refused(tmp_path: Path) -> None:
    """Where labels overlap a later one may have taken all of it."""
    scenario = patient(tmp_path, {"infusions": [bland(ALL, organ=["arteries"])], "wait": "1 h"})
    anatomy = read_anatomy(scenario)
    hidden = np.where(anatomy.labels.labels == 3, 1, anatomy.labels.labels)
    emptied = replace(anatomy, labels=replace(anatomy.labels, labels=hidden))
    with pytest.raises(InputError, match=r"plans\.A\.infusions\[0\]\.organ: expected a label of at least one voxel"):
        delivered(scenario, "A", emptied)


def test_an_image_of_another_dicom_frame_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_uptake(tmp_path, np.ones(labels().shape))
    scenario = patient(tmp_path, {"infusions": [bland({"image": "uptake.nii.gz", "unit": "relative"})], "wait": "1 h"})
    anatomy = read_anatomy(scenario)
    ct = Image(np.zeros(labels().shape, np.float32), anatomy.labels.grid, "ct", frame_of_reference="1.2.3")
    other = replace(ct, values=np.ones(labels().shape, np.float32), frame_of_reference="1.2.4")
    monkeypatch.setattr("imagio_sim.campaign.infusions.infused_patient.read_image", lambda _: other)
    with pytest.raises(InputError, match=r"territory\.image: expected that of the patient's image, 1\.2\.3, got"):
        delivered(scenario, "A", replace(anatomy, image=ct))


def test_clusters_are_drawn_on_fine_voxels_and_hold_every_particle(tmp_path: Path) -> None:
    one = given(tmp_path, bland(ALL, deposition="clusters", seed=5, lung_shunt="10 %"))
    assert one.census is not None
    assert one.deposition.grid.spacing_mm.max() <= CLUSTERED_MM
    number = load_particles("bland_100_300").number_in(2.0)
    assert one.census.beads == round(0.9 * number)
    assert one.deposition.lung_share == 0.1
    assert abs(one.deposition.total - 1.0) <= 2.0**-52
    each = one.deposition.share / (0.9 / one.census.beads)
    assert np.allclose(each, np.round(each), atol=1e-6)
    assert given(tmp_path, bland(ALL)).census is None


@pytest.mark.parametrize(
    "infusion",
    [
        bland(ALL, lung_shunt="10 %"),
        {
            "kind": "oil_emulsion",
            "organ": ["liver"],
            "territory": ALL,
            "drug": "doxorubicin",
            "drug_mass": "50 mg",
            "oil": "lipiodol",
            "oil_volume": "10 ml",
            "occlusion": "50 %",
            "lung_shunt": "10 %",
        },
    ],
)
def test_whatever_goes_into_an_artery_may_pass_the_organ(tmp_path: Path, infusion: dict[str, Any]) -> None:
    made = given(tmp_path, infusion).deposition
    assert made.lung_share == 0.1
    assert made.share_in(ORGAN) == pytest.approx(0.9)
    assert abs(made.total - 1.0) <= 2.0**-52


def test_nothing_passes_the_organ_unless_a_shunt_is_given(tmp_path: Path) -> None:
    assert given(tmp_path, bland(ALL)).deposition.lung_share == 0.0


SPHERES = {
    "kind": "radioembolisation",
    "organ": ["liver"],
    "territory": ALL,
    "microspheres": "therasphere",
    "activity": "0.5 GBq",
    "lung_shunt": "0 %",
    "deposition": "clusters",
    "seed": 1,
}


def test_clusters_that_make_no_difference_or_are_not_followed_are_said(tmp_path: Path) -> None:
    glass = given(tmp_path, SPHERES)
    assert cluster_warnings([glass]) == []
    many = given(tmp_path, {**SPHERES, "microspheres": "sir_spheres", "activity": "20 GBq"})
    assert glass.census is not None
    assert many.census is not None
    assert many.census.relative_spread < 0.5 * glass.census.relative_spread
    even = replace(many, census=many.census._replace(relative_spread=0.05))
    assert "a smooth deposition says the same" in cluster_warnings([even])[0]
    coarse = replace(glass.deposition.grid, affine=glass.deposition.grid.affine * np.array([2.0, 2.0, 2.0, 1.0]))
    (said,) = cluster_warnings([replace(glass, deposition=replace(glass.deposition, grid=coarse))])
    assert "drawn on voxels of 4 mm" in said
    (said,) = cluster_warnings([given(tmp_path, bland(ALL, deposition="clusters", seed=5))])
    assert "mesh cells of several millimetres" in said


@pytest.mark.parametrize(("edge_mm", "said"), [(5.0, 1), (2.0, 0)])
def test_clusters_that_cells_average_before_they_kill_are_said(tmp_path: Path, edge_mm: float, said: int) -> None:
    """Half of the 5.3 mm that the electrons of Y-90 reach is the limit; the cells' own edge is that of their volume."""
    glass = given(tmp_path, SPHERES)
    corner = glass.territory.grid.to_lps(np.argwhere(glass.territory.share > 0.0)).min(axis=0)
    bricks = box(6, 30.0)
    factor = edge_mm / np.cbrt(6.0 * np.sqrt(2.0) * bricks.cell_volumes_mm3[0])
    domain = replace(bricks, points_mm=corner + factor * bricks.points_mm)
    warnings = cell_warnings([glass], domain)
    assert len(warnings) == said
    assert all(f"mesh cells of {edge_mm:.2g} mm, and the radiation reaches 5.3 mm" in one for one in warnings)
    assert cell_warnings([replace(glass, census=None)], domain) == []
    assert cell_warnings([given(tmp_path, bland(ALL, deposition="clusters", seed=5))], domain) == []
    assert cell_warnings([glass], replace(domain, points_mm=domain.points_mm + 1e3)) == []
