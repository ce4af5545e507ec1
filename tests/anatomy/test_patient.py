# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.patient import LabelRequest, read_patient
from imagio_sim.errors import InputError
from tests.anatomy.made_files import ct_slices, lps_grid, rectangle, two_labels, write_rtstruct, write_slices

LESION = VirtualLesion((0.0, 0.0, 0.0), (15.0, 15.0, 15.0), "hcc")


def patient(*labels: LabelRequest, **changes: Any) -> Anatomy:
    chosen: dict[str, Any] = {
        "image_path": None,
        "pack": "liver",
        "overrides": {},
        "unlabelled": "fat",
        "outside": "cut",
        "target": "liver_tumour",
        "where": "a.yaml: patient",
    }
    return read_patient(labels, **(chosen | changes))


@pytest.fixture
def segmentation(tmp_path: Path) -> Path:
    volume = two_labels()
    write_nifti(tmp_path / "seg.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    return tmp_path / "seg.nii.gz"


def test_files_are_merged_by_the_order_they_are_named_in(tmp_path: Path, segmentation: Path) -> None:
    write_nifti(tmp_path / "vein.nii.gz", np.ones(lps_grid().shape, np.uint8), lps_grid())
    vein = LabelRequest(tmp_path / "vein.nii.gz", name="portal_vein")
    assert patient(LabelRequest(segmentation), vein).target_mask().sum() == 12
    with pytest.raises(InputError, match="a target 'liver_tumour' without a voxel"):
        patient(vein, LabelRequest(segmentation))


def test_a_dicom_patient_with_contours_becomes_an_anatomy(tmp_path: Path) -> None:
    ct = write_slices(tmp_path / "ct", ct_slices(frame_uid="1.2"))
    path = write_rtstruct(tmp_path / "rs.dcm", "1.2", {"GTV_Mass": [rectangle((2, 3), (6, 7), k) for k in (1, 2)]})
    anatomy = patient(
        LabelRequest(path, names={"GTV_Mass": "tumour"}), image_path=ct, target="tumour", pack="soft_tissue"
    )
    assert anatomy.tissues["tumour"].tissue == "soft_tissue_sarcoma"
    assert anatomy.target_mask().sum() == 50
    assert len(anatomy.labels.files) == 1


def test_a_request_keeps_only_what_it_names(tmp_path: Path, segmentation: Path) -> None:
    request = LabelRequest(segmentation, names={"liver_tumour": "hcc"}, structures=("hcc",))
    assert list(patient(request, target="hcc").tissues) == ["hcc"]


def test_the_largest_piece_of_a_surface_is_kept_where_asked(tmp_path: Path) -> None:
    pieces = pv.Icosphere(radius=15.0, nsub=4).merge(pv.Icosphere(radius=3.0, center=(40, 0, 0), nsub=4))
    pieces.extract_surface(algorithm=None).save(tmp_path / "liver.vtk")
    anatomy = patient(LabelRequest(tmp_path / "liver.vtk", largest_component=True), target="liver")
    assert anatomy.target_surface().points_mm[:, 0].max() < 16.0


def test_without_labels_there_is_a_homogeneous_phantom_around_the_lesion() -> None:
    anatomy = patient(target=LESION, unlabelled="liver", outside="liver", pack=None)
    index, unlabelled, outside = anatomy.sample(np.array([[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [90.0, 0.0, 0.0]]))
    assert [anatomy.tissue_names[number] for number in index] == ["hcc", "liver", "liver"]
    assert unlabelled.tolist() == [False, True, False]
    assert outside.tolist() == [False, False, True]


def test_without_labels_the_image_gives_the_grid(tmp_path: Path) -> None:
    write_nifti(tmp_path / "ct.nii.gz", np.zeros((12, 10, 6), np.int16), lps_grid())
    lesion = VirtualLesion((0.0, 30.0, -22.0), (3.0, 3.0, 4.0), "hcc")
    anatomy = patient(image_path=tmp_path / "ct.nii.gz", target=lesion)
    assert anatomy.labels.grid.matches(lps_grid())


def test_a_label_as_target_without_label_files_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.yaml: patient\.labels: .*name the file that holds the label"):
        patient()
