# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.datasets import resolve_path
from imagio_sim.anatomy.model import Anatomy, HounsfieldRange
from imagio_sim.anatomy.patient import LabelRequest, read_patient
from imagio_sim.anatomy.phantom import RECIPE, build_phantom, load_recipe, make_phantom
from imagio_sim.anatomy.read import read_labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_phantom(tmp_path_factory.mktemp("phantom"))


@pytest.fixture(scope="module")
def anatomy(folder: Path) -> Anatomy:
    return read_patient(
        [LabelRequest(folder / "seg.nii.gz")],
        image_path=folder / "ct.nii.gz",
        pack="liver",
        overrides={},
        unlabelled=(
            HounsfieldRange(-4000, -300, "air"),
            HounsfieldRange(-300, -20, "fat"),
            HounsfieldRange(-20, 9000, "muscle"),
        ),
        outside="cut",
        target="tumour",
        where="phantom",
    )


def test_every_label_of_the_phantom_has_a_tissue(anatomy: Anatomy) -> None:
    roles = {labelled.role for labelled in anatomy.tissues.values()}
    assert roles >= {"organ", "tumour", "vessel", "bile", "bone", "lung", "bowel", "fat", "muscle", "skin"}
    assert {"air", "fat"} <= set(anatomy.tissue_names)


def test_the_tumour_has_the_volume_of_its_ellipsoid(anatomy: Anatomy) -> None:
    assert anatomy.target_surface().volume_ml == pytest.approx(4.0 / 3.0 * np.pi * 1.5 * 1.3 * 1.3, rel=0.03)


def test_the_liver_has_the_size_of_a_small_liver(anatomy: Anatomy) -> None:
    assert 800.0 < anatomy.labels.volume_ml("liver") < 1500.0
    assert not anatomy.labels.touches_border("liver")


def test_the_image_shows_what_the_labels_name(anatomy: Anatomy) -> None:
    assert anatomy.image is not None
    liver = anatomy.image.values[anatomy.labels.mask("liver")]
    assert np.median(liver) == pytest.approx(110.0, abs=2.0)
    assert liver.std() < 40.0
    assert np.median(anatomy.image.values[anatomy.labels.mask("lung_right")]) == pytest.approx(-800.0, abs=5.0)


def test_the_phantom_is_the_same_every_time() -> None:
    first, second = build_phantom(load_recipe(RECIPE)), build_phantom(load_recipe(RECIPE))
    assert np.array_equal(first.image.values, second.image.values)
    assert np.array_equal(first.labels.labels, second.labels.labels)


def test_what_is_written_is_what_was_painted(folder: Path) -> None:
    phantom = build_phantom(load_recipe(RECIPE))
    read = read_labels(folder / "seg.nii.gz")
    assert read.names == phantom.labels.names
    assert np.array_equal(read.labels, phantom.labels.labels)


def test_a_phantom_that_is_there_is_left_alone(folder: Path) -> None:
    before = (folder / "ct.nii.gz").stat().st_mtime_ns
    make_phantom(folder)
    assert (folder / "ct.nii.gz").stat().st_mtime_ns == before
    assert sorted(path.name for path in folder.iterdir()) == ["ct.nii.gz", "seg.nii.gz"]


def test_the_recipe_is_listed_among_the_meshes() -> None:
    recipe = resolve_path("meshes/liver_phantom.yaml", base=Path(__file__).parents[2])
    if not recipe.parent.is_dir():
        pytest.skip("no checkout: the package is installed without meshes/")
    assert "ellipsoid" in recipe.read_text(encoding="utf-8")
