# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.model import Anatomy, HounsfieldRange, build_anatomy
from imagio_sim.anatomy.volume import ClosedSurface, Image, LabelVolume
from imagio_sim.errors import InputError, InputErrors
from tests.anatomy.made_files import lps_grid, two_labels

SPACING = (2.0, 2.0, 2.0)
GRID = lps_grid((40, 40, 40), SPACING, (-39.0, -39.0, -39.0))
BALL = VirtualLesion((3.0, 4.0, 5.0), (12.0, 10.0, 8.0), "tumour_liver")
RULES = (HounsfieldRange(-4000, -200, "air"), HounsfieldRange(-200, -20, "fat"), HounsfieldRange(-20, 9000, "muscle"))


def abdomen() -> LabelVolume:
    """A liver around the origin with a vein through it along z, in a volume that is unlabelled elsewhere."""
    points = GRID.to_lps(np.indices(GRID.shape).reshape(3, -1).T.astype(float)).reshape(*GRID.shape, 3)
    labels = np.where(np.linalg.norm(points, axis=-1) < 30.0, 1, 0).astype(np.int32)
    labels[np.hypot(points[..., 0], points[..., 1]) < 4.0] = 2
    return LabelVolume(labels, GRID, {1: "liver", 2: "portal_vein"})


def patient(labels: LabelVolume | None = None, **changes: Any) -> Anatomy:
    chosen: dict[str, Any] = {
        "pack": "liver",
        "overrides": {},
        "unlabelled": "fat",
        "outside": "muscle",
        "target": BALL,
        "where": "a.yaml: patient",
    }
    return build_anatomy(labels or abdomen(), **(chosen | changes))


def test_points_get_the_tissue_of_their_voxel() -> None:
    anatomy = patient()
    points = np.array([[20.0, 0.0, 0.0], [0.5, 0.5, 20.0], [3.0, 8.0, 5.0], [35.0, 35.0, 35.0], [90.0, 0.0, 0.0]])
    index, unlabelled, outside = anatomy.sample(points)
    names = [anatomy.tissue_names[number] for number in index]
    assert names == ["liver", "blood", "tumour_liver", "fat", "muscle"]
    assert unlabelled.tolist() == [False, False, False, True, False]
    assert outside.tolist() == [False, False, False, False, True]


def test_beyond_a_cut_there_is_no_tissue() -> None:
    index, unlabelled, outside = patient(outside="cut").sample(np.array([[90.0, 0.0, 0.0]]))
    assert (index[0], unlabelled[0], outside[0]) == (-1, False, True)
    assert "muscle" not in patient(outside="cut").tissue_names


def test_tissue_names_are_each_named_once_and_sorted() -> None:
    assert patient().tissue_names == ("blood", "fat", "liver", "muscle", "tumour_liver")


def test_a_lesion_is_sampled_by_its_exact_shape() -> None:
    anatomy = patient()
    points = np.random.default_rng(1).uniform(-20.0, 25.0, (4000, 3))
    index, _, _ = anatomy.sample(points)
    inside = BALL.contains(points) & (anatomy.label_at(points) != 2)
    assert np.array_equal(index == anatomy.tissue_names.index("tumour_liver"), inside)


def test_unlabelled_points_beside_a_lesion_follow_the_rule() -> None:
    values = np.full(GRID.shape, -100.0, np.float32)
    blank = LabelVolume(np.zeros(GRID.shape, np.int32), GRID, {})
    anatomy = patient(blank, unlabelled=RULES, image=Image(values, GRID, "ct"))
    points = np.random.default_rng(1).uniform(-20.0, 25.0, (4000, 3))
    index, unlabelled, _ = anatomy.sample(points)
    assert np.array_equal(unlabelled, ~BALL.contains(points))
    assert np.array_equal(index == anatomy.tissue_names.index("fat"), unlabelled)


def test_vessels_run_through_a_lesion() -> None:
    anatomy = patient()
    assert np.array_equal(anatomy.labels.mask("portal_vein"), abdomen().mask("portal_vein"))
    assert anatomy.target_mask().any()
    assert anatomy.tissues["target"].role == "tumour"


def test_the_target_of_a_lesion_keeps_its_exact_volume() -> None:
    assert patient().target_surface().volume_ml == pytest.approx(BALL.volume_ml, rel=1e-9)


def test_a_label_can_be_the_target() -> None:
    labels = two_labels()
    anatomy = patient(labels, target="liver_tumour")
    assert anatomy.target_mask().sum() == 12
    assert anatomy.target_surface().volume_ml == pytest.approx(labels.volume_ml("liver_tumour"), rel=0.0051)


def test_a_target_that_was_read_from_a_surface_is_that_surface() -> None:
    labels = two_labels()
    surface = ClosedSurface(np.eye(4)[:, :3], np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]))
    kept = LabelVolume(labels.labels, labels.grid, labels.names, surfaces={"liver_tumour": surface})
    assert patient(kept, target="liver_tumour").target_surface() is surface


def test_points_and_triangles_of_a_surface_can_be_unpacked() -> None:
    points, triangles = patient().target_surface()
    assert points.shape[1] == triangles.shape[1] == 3


def test_roles_select_voxels() -> None:
    anatomy = patient()
    assert np.array_equal(anatomy.mask_of_role("vessel"), anatomy.labels.mask("portal_vein"))
    assert not anatomy.mask_of_role("bone").any()
    assert set(anatomy.vessel_surfaces()) == {"portal_vein"}


def test_the_capsule_closes_over_vessels_and_tumour() -> None:
    capsule = patient().organ_capsule()
    assert capsule is not None
    assert capsule.volume_ml == pytest.approx(4.0 / 3.0 * np.pi * 27.0, rel=0.02)
    assert capsule.area_mm2 == pytest.approx(4.0 * np.pi * 900.0, rel=0.04)


def test_without_an_organ_there_is_no_capsule() -> None:
    labels = abdomen()
    assert patient(labels, overrides={"liver": "liver"}, pack="lung").organ_capsule() is None


def test_unlabelled_voxels_follow_the_hounsfield_rules() -> None:
    values = np.full(GRID.shape, 40.0, np.float32)
    values[:, :, :5], values[:, :, -5:] = -1000.0, -100.0
    anatomy = patient(unlabelled=RULES, image=Image(values, GRID, "ct"))
    tissue = np.array(anatomy.tissue_names)[anatomy.tissue_index]
    assert (tissue[0, 0, 2], tissue[0, 0, -2], tissue[0, 0, 20]) == ("air", "fat", "muscle")
    assert tissue[20, 20, 2] == "blood"


def test_hounsfield_rules_without_an_image_are_refused() -> None:
    with pytest.raises(InputError, match=r"a\.yaml: patient\.unlabelled: .*without an image"):
        patient(unlabelled=RULES)


def test_hounsfield_units_under_no_rule_are_refused() -> None:
    image = Image(np.full(GRID.shape, 40.0, np.float32), GRID, "ct")
    with pytest.raises(InputError, match=r"unlabelled voxels of 40 to 40 HU under no rule"):
        patient(unlabelled=RULES[:2], image=image)


def test_an_image_on_another_grid_is_refused() -> None:
    with pytest.raises(InputError, match=r"ct\.nii\.gz: expected the grid of the labels"):
        patient(image=Image(np.zeros((12, 10, 6), np.float32), lps_grid(), "ct.nii.gz"))


def test_a_label_without_a_tissue_is_refused() -> None:
    labels = LabelVolume(abdomen().labels, GRID, {1: "liver", 2: "thing"})
    with pytest.raises(InputErrors, match="label 'thing' without a tissue"):
        patient(labels)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.yaml: patient\.target: expected one of liver, portal_vein, or"):
        patient(target="tumour")


def test_an_empty_target_is_refused() -> None:
    labels = LabelVolume(abdomen().labels, GRID, {1: "liver", 2: "portal_vein", 3: "tumour"})
    with pytest.raises(InputError, match="a target 'tumour' without a voxel in the image"):
        patient(labels, target="tumour")


def test_a_lesion_outside_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="a target 'target' without a voxel in the image"):
        patient(target=VirtualLesion((200.0, 0.0, 0.0), (10.0, 10.0, 10.0), "hcc"))


def test_a_lesion_beside_a_label_named_target_is_refused() -> None:
    labels = LabelVolume(abdomen().labels, GRID, {1: "liver", 2: "target"})
    with pytest.raises(InputError, match="a virtual lesion beside a label named 'target'"):
        patient(labels)


def test_a_volume_without_unlabelled_voxels_needs_no_rule_to_fit() -> None:
    labels = LabelVolume(np.ones((12, 10, 6), np.int32), lps_grid(), {1: "liver"})
    anatomy = patient(labels, target="liver")
    assert not anatomy.unlabelled.any()
    assert np.all(anatomy.tissue_index == anatomy.tissue_names.index("liver"))


def test_a_label_surface_is_smoothed_less_for_vessels() -> None:
    anatomy = patient()
    surface = anatomy.label_surface("portal_vein")
    assert surface.volume_ml == pytest.approx(anatomy.labels.volume_ml("portal_vein"), rel=0.0051)
