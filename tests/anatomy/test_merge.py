# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.merge import merge
from imagio_sim.anatomy.read import read_labels
from imagio_sim.anatomy.volume import Grid, LabelVolume
from imagio_sim.errors import InputError
from tests.anatomy.made_files import block, lps_grid, two_labels


def one_label(name: str, number: int, mask: np.ndarray) -> LabelVolume:
    return LabelVolume(np.where(mask, number, 0).astype(np.int32), lps_grid(), {number: name}, {f"{name}.nii.gz": "0"})


def test_the_first_volume_wins_where_labels_overlap() -> None:
    vein = one_label("portal_vein", 1, block((12, 10, 6), (0, 4, 2), (12, 6, 4)))
    merged = merge([vein, two_labels()])
    assert np.array_equal(merged.mask("portal_vein"), vein.mask("portal_vein"))
    assert not merged.mask("liver_tumour").any()
    assert merge([two_labels(), vein]).mask("liver_tumour").sum() == 12


def test_numbers_that_collide_are_changed_and_names_kept() -> None:
    merged = merge([one_label("portal_vein", 1, block((12, 10, 6), (0, 0, 0), (1, 1, 1))), two_labels()])
    assert sorted(merged.names.values()) == ["liver", "liver_tumour", "portal_vein"]
    assert merged.volume_ml("liver") == pytest.approx(two_labels().volume_ml("liver"))
    assert merged.files == {"portal_vein.nii.gz": "0"}


def test_labels_of_one_name_become_one_label() -> None:
    lower, upper = block((12, 10, 6), (0, 0, 0), (12, 10, 3)), block((12, 10, 6), (0, 0, 3), (12, 10, 6))
    merged = merge([one_label("lung", 3, lower), one_label("lung", 7, upper)])
    assert list(merged.names.values()) == ["lung"]
    assert merged.mask("lung").all()


def test_other_voxels_are_refused_with_the_file_named() -> None:
    other = LabelVolume(np.zeros((3, 3, 3), np.int32), Grid((3, 3, 3), np.eye(4)), {1: "liver"}, {"b.nii.gz": ""})
    with pytest.raises(InputError, match=r"b\.nii\.gz: expected the grid of the reference, 12x10x6 .* got .* 3x3x3"):
        merge([two_labels(), other])


def test_surfaces_come_onto_the_grid_of_the_voxels(tmp_path: Path) -> None:
    centre = lps_grid().to_lps(np.array([[5.2, 4.9, 2.6]]))[0]
    pv.Icosphere(radius=4.0, center=tuple(centre), nsub=4).save(tmp_path / "cyst.stl")
    merged = merge([read_labels(tmp_path / "cyst.stl"), two_labels()])
    assert merged.grid.matches(lps_grid())
    assert merged.volume_ml("cyst") == pytest.approx(4.0 / 3.0 * np.pi * 64.0 / 1000.0, rel=0.15)
    assert set(merged.surfaces) == {"cyst"}


def test_surfaces_alone_come_onto_a_common_millimetre_grid(tmp_path: Path) -> None:
    for name, x in (("tumour", 0.3), ("gallbladder", 30.2)):
        pv.Icosphere(radius=8.0, center=(x, 0.1, 0.2), nsub=4).save(tmp_path / f"{name}.ply")
    merged = merge([read_labels(tmp_path / "tumour.ply"), read_labels(tmp_path / "gallbladder.ply")])
    assert np.allclose(merged.grid.spacing_mm, 1.0)
    for name in ("tumour", "gallbladder"):
        assert merged.volume_ml(name) == pytest.approx(4.0 / 3.0 * np.pi * 512.0 / 1000.0, rel=0.02)


def test_a_label_from_two_volumes_keeps_no_surface(tmp_path: Path) -> None:
    centre = lps_grid().to_lps(np.array([[5.0, 5.0, 3.0]]))[0]
    pv.Icosphere(radius=4.0, center=tuple(centre)).save(tmp_path / "liver.stl")
    assert merge([read_labels(tmp_path / "liver.stl"), two_labels()]).surfaces == {}


def test_nothing_to_merge_is_refused() -> None:
    with pytest.raises(InputError, match="no label file"):
        merge([])
