# SPDX-License-Identifier: LGPL-3.0-or-later
"""Injected fluid as a layer upon the labels."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.ellipsoid import Ellipsoid
from imagio_sim.anatomy.fluid import InjectedFluid, Shell
from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.patient import FluidRequest, read_patient
from imagio_sim.anatomy.volume import ClosedSurface, LabelVolume
from imagio_sim.errors import InputError
from tests.anatomy.made_files import lps_grid
from tests.anatomy.test_model import GRID, abdomen, patient

LAYER = InjectedFluid("separation", "dextrose", Shell("liver", 5.0))
POOL = InjectedFluid("pool", "saline", Ellipsoid((30.0, 0.0, 0.0), (6.0, 6.0, 6.0)))


def injected(*fluids: InjectedFluid, labels: LabelVolume | None = None, target: str | None = None) -> Anatomy:
    return patient(labels, fluids=fluids, **({} if target is None else {"target": target}))


def test_a_layer_upon_the_liver_is_as_thick_as_asked_for() -> None:
    anatomy = injected(LAYER)
    radius = np.linalg.norm(GRID.to_lps(np.argwhere(anatomy.labels.mask("separation")).astype(float)), axis=1)
    assert radius.min() > 29.0
    assert radius.max() < 36.5
    assert anatomy.labels.volume_ml("separation") == pytest.approx(4.0 / 3.0 * np.pi * (3.5**3 - 3.0**3), rel=0.1)
    assert np.array_equal(anatomy.labels.mask("portal_vein"), patient().labels.mask("portal_vein"))
    assert np.array_equal(anatomy.labels.mask("liver"), patient().labels.mask("liver"))


def test_a_layer_may_lie_on_one_side_only() -> None:
    part = Ellipsoid((30.0, 0.0, 0.0), (15.0, 15.0, 15.0))
    anatomy = injected(InjectedFluid("separation", "dextrose", Shell("liver", 5.0, part)))
    centres = GRID.to_lps(np.argwhere(anatomy.labels.mask("separation")).astype(float))
    assert part.contains(centres).all()
    assert len(centres) < injected(LAYER).labels.mask("separation").sum() / 5


def test_fluid_takes_the_place_of_labels_and_of_what_has_none() -> None:
    anatomy = injected(POOL)
    index, unlabelled, _ = anatomy.sample(np.array([[26.0, 0.0, 0.0], [34.0, 0.0, 0.0]]))
    assert [anatomy.tissue_names[number] for number in index] == ["saline", "saline"]
    assert not unlabelled.any()
    assert anatomy.labels.mask("liver").sum() < patient().labels.mask("liver").sum()


def test_the_target_is_not_displaced() -> None:
    over_target = InjectedFluid("pool", "saline", Ellipsoid((3.0, 4.0, 5.0), (20.0, 20.0, 20.0)))
    assert np.array_equal(injected(over_target).target_mask(), patient().target_mask())
    whole = injected(InjectedFluid("pool", "saline", Ellipsoid((0.0, 0.0, 0.0), (90.0, 90.0, 90.0))), target="liver")
    assert np.array_equal(whole.target_mask(), abdomen().mask("liver"))
    assert not whole.labels.mask("portal_vein").any()


def test_of_overlapping_fluids_the_first_wins() -> None:
    other = InjectedFluid("other", "dextrose", POOL.shape)
    larger = InjectedFluid("larger", "dextrose", Ellipsoid((30.0, 0.0, 0.0), (8.0, 8.0, 8.0)))
    anatomy = injected(POOL, larger)
    assert anatomy.labels.volume_ml("pool") == pytest.approx(injected(POOL).labels.volume_ml("pool"))
    with pytest.raises(InputError, match=r"fluids\[0\]: .*without a voxel") as refused:
        injected(InjectedFluid("none", "saline", Ellipsoid((500.0, 0.0, 0.0), (5.0, 5.0, 5.0))))
    assert "frame (RAS or LPS)" in str(refused.value)
    assert injected(other, POOL).labels.volume_ml("other") == pytest.approx(anatomy.labels.volume_ml("pool"))


def test_a_label_that_loses_voxels_loses_the_surface_it_was_read_from() -> None:
    surface = ClosedSurface(np.eye(4)[:, :3], np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]))
    plain = abdomen()
    labels = LabelVolume(plain.labels, GRID, plain.names, surfaces={"liver": surface, "portal_vein": surface})
    assert set(injected(POOL, labels=labels).labels.surfaces) == {"portal_vein"}


def test_fluid_may_come_from_a_label_file_on_the_same_grid() -> None:
    mask = np.zeros(GRID.shape, np.int32)
    mask[2:6, 2:6, 2:6] = 4
    anatomy = injected(InjectedFluid("pool", "saline", LabelVolume(mask, GRID, {4: "drawn"})))
    assert np.array_equal(anatomy.labels.mask("pool"), mask > 0)
    with pytest.raises(InputError, match="expected the grid of"):
        injected(InjectedFluid("pool", "saline", LabelVolume(np.ones((12, 10, 6), np.int32), lps_grid(), {1: "drawn"})))


@pytest.mark.parametrize(
    ("fluid", "says"),
    [
        (InjectedFluid("liver", "saline", POOL.shape), r"fluids\[0\]\.name: .*'liver', which the patient has already"),
        (InjectedFluid("pool", "saline", Shell("lever", 5.0)), r"fluids\[0\]\.shell\.around: .*one of liver"),
    ],
)
def test_a_fluid_that_cannot_be_is_refused(fluid: InjectedFluid, says: str) -> None:
    with pytest.raises(InputError, match=says):
        injected(fluid)


def test_a_homogeneous_phantom_reaches_to_its_fluids() -> None:
    anatomy = read_patient(
        [],
        image_path=None,
        pack=None,
        overrides={},
        unlabelled="liver",
        outside="liver",
        target=VirtualLesion((0.0, 0.0, 0.0), (10.0, 10.0, 10.0), "hcc"),
        where="a.yaml: patient",
        fluids=[FluidRequest("pool", "saline", Ellipsoid((40.0, 0.0, 0.0), (8.0, 8.0, 8.0)))],
    )
    assert anatomy.labels.volume_ml("pool") == pytest.approx(4.0 / 3.0 * np.pi * 0.8**3, rel=0.05)


def test_a_collapsed_lung_is_airless_unless_the_scenario_says_otherwise() -> None:
    labels = LabelVolume(abdomen().labels, GRID, {1: "lung_left", 2: "lung_right"})
    lungs = {"pack": "lung", "substitutes": {"lung_inflated": "lung_deflated"}}
    anatomy = patient(labels, **lungs, overrides={"lung_right": "lung_inflated"})
    assert anatomy.tissues["lung_left"].tissue == "lung_deflated"
    assert anatomy.tissues["lung_right"].tissue == "lung_inflated"
    assert anatomy.tissues["lung_left"].role == patient(labels, pack="lung").tissues["lung_left"].role
