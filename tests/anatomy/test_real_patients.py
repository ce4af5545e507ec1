# SPDX-License-Identifier: LGPL-3.0-or-later
"""The readers on real patients, against figures that were measured with other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.lattice import image_on, labels_on
from imagio_sim.anatomy.model import build_anatomy
from imagio_sim.anatomy.patient import LabelRequest, read_patient
from imagio_sim.anatomy.provenance import sha256
from imagio_sim.anatomy.read import read_image, read_labels
from imagio_sim.errors import InputErrors

pytestmark = pytest.mark.data
DataSet = Callable[[str], Path]


def test_abdomen_has_the_volumes_and_names_of_totalsegmentator(reference_patient: dict[str, Path]) -> None:
    folder = reference_patient["abdomen"]
    volume = read_labels(folder / "seg.nii.gz")
    assert len(volume.names) == 61
    for name, expected in (("liver", 1126), ("inferior_vena_cava", 61), ("portal_vein_and_splenic_vein", 29)):
        assert volume.volume_ml(name) == pytest.approx(expected, abs=0.5)
    assert volume.touches_border("liver")
    image = image_on(read_image(folder / "ct.nii.gz"), volume.grid)
    assert 30.0 < image.values[volume.mask("liver")].mean() < 70.0


def test_dicom_slab_without_uids_lies_under_its_labels(reference_patient: dict[str, Path]) -> None:
    folder = reference_patient["abdomen_dicom_slab"]
    image, volume = read_image(folder / "ct_dicom"), read_labels(folder / "seg.nii.gz")
    assert image.grid.shape == (512, 512, 20)
    assert image.grid.spacing_mm == pytest.approx([0.9765625, 0.9765625, 2.0])
    assert len(volume.names) == 31
    on_labels = image_on(image, volume.grid)
    assert on_labels.values[volume.mask("liver")].mean() == pytest.approx(89.3, abs=0.5)
    assert on_labels.values[volume.mask("rib_left_8")].mean() > 150.0


def test_the_fetched_patient_is_the_one_that_was_measured(
    data_set: DataSet, reference_patient: dict[str, Path]
) -> None:
    twins = {"abdomen": ("abdomen_totalsegmentator", "seg_total_fast.nii.gz")}
    twins["abdomen_dicom_slab"] = ("abdomen_totalsegmentator_dicom_slab", "seg_total.nii.gz")
    for name, (twin, segmentation) in twins.items():
        renamed = {"seg.nii.gz": segmentation}
        for file in (path for path in reference_patient[name].rglob("*") if path.is_file() and path.name != "LICENSE"):
            relative = file.relative_to(reference_patient[name])
            other = data_set(twin) / renamed.get(str(relative), relative)
            assert sha256(file) == sha256(other)


def test_sarcoma_contours_agree_with_the_mask_made_by_others(data_set: DataSet) -> None:
    folder = data_set("sarcoma_sts_032")
    volume = read_labels(folder / "rtstruct", image_path=folder / "ct_dicom")
    mask = read_labels(folder / "gtv_mask.nii.gz", names={1: "GTV"}, reference=volume.grid).mask("GTV")
    filled = volume.mask("GTV_Mass_CT")
    assert volume.volume_ml("GTV_Mass_CT") == pytest.approx(111.0, abs=0.5)
    assert 2.0 * np.count_nonzero(mask & filled) / (mask.sum() + filled.sum()) > 0.999


def test_dicom_seg_of_a_liver_equals_its_nrrd_twin(data_set: DataSet) -> None:
    folder = data_set("dicomseg_dcmqi_liver")
    volume = read_labels(folder / "liver.dcm", image_path=folder / "ct-3slice")
    twin = labels_on(read_labels(folder / "liver_seg.nrrd", name="Liver"), volume.grid, where="twin")
    assert np.array_equal(volume.labels, twin.labels)


def test_overlapping_and_label_map_dicom_segs_are_read(data_set: DataSet) -> None:
    folder = data_set("dicomseg_dcmqi_liver")
    assert len(read_labels(folder / "partial_overlaps.dcm", image_path=folder / "ct-3slice").names) == 5
    labels = read_labels(folder / "sparse-labelmap-ppv5.dcm")
    assert labels.names == {1: "Liver"}
    assert labels.volume_ml("Liver") > 0.0


def test_slicer_segments_have_names_meanings_and_layers(data_set: DataSet) -> None:
    folder = data_set("slicer_seg_chest")
    plain = read_labels(folder / "Segmentation.seg.nrrd", image_path=folder / "CTChest4.nrrd")
    assert plain.meanings["thoracic vertebral column"] == "Thoracic spine"
    assert plain.volume_ml("right lung") == pytest.approx(3198.0, abs=1.0)
    layered = read_labels(folder / "SegmentationOverlapping.seg.nrrd", image_path=folder / "CTChest4.nrrd")
    assert layered.volume_ml("left lung") < plain.volume_ml("left lung")
    with pytest.raises(InputErrors, match="'overlapping sphere'"):
        build_anatomy(layered, pack="lung", overrides={}, unlabelled="air", outside="cut", target="left lung")


def test_lung_has_a_nodule_of_its_measured_volume(data_set: DataSet) -> None:
    folder = data_set("lung_lidc-idri-0314")
    volume = read_labels(folder / "seg.nii.gz")
    assert volume.names == {1: "lung", 2: "lung_nodule"}
    assert volume.volume_ml("lung_nodule") == pytest.approx(2.7, abs=0.05)


def test_liver_surfaces_and_their_label_map_are_the_same_patient(data_set: DataSet) -> None:
    folder = data_set("liver_ucl_surfaces")
    surfaces = read_labels(folder)
    voxels = read_labels(folder / "derived_labels_1.5mm.nii.gz")
    for name, expected in (("liver", 2316.0), ("liver_tumours", 96.7), ("hepatic_veins", 51.2), ("portal_vein", 27.3)):
        assert surfaces.surfaces[name].volume_ml == pytest.approx(expected, rel=0.003)
    for name in ("liver", "liver_tumours", "hepatic_veins", "portal_vein", "arteries"):
        assert surfaces.volume_ml(name) == pytest.approx(voxels.volume_ml(name), rel=0.01)


def test_surfaces_from_voxels_keep_the_vessels_wall_area(data_set: DataSet) -> None:
    folder = data_set("liver_ucl_surfaces")
    surfaces = read_labels(folder).surfaces
    anatomy = read_patient(
        [LabelRequest(folder / "derived_labels_1.5mm.nii.gz")],
        image_path=None,
        pack="liver",
        overrides={},
        unlabelled="fat",
        outside="fat",
        target="liver_tumours",
        where="liver",
    )
    for name, surface in anatomy.vessel_surfaces().items():
        assert surface.area_mm2 == pytest.approx(surfaces[name].area_mm2, rel=0.02), name
    assert anatomy.target_surface().area_mm2 == pytest.approx(surfaces["liver_tumours"].area_mm2, rel=0.02)
    capsule = anatomy.organ_capsule()
    assert capsule is not None
    assert capsule.volume_ml == pytest.approx(surfaces["liver"].volume_ml, rel=0.02)


def test_only_the_largest_piece_of_the_liver_surface_is_kept_where_asked(data_set: DataSet) -> None:
    path = data_set("liver_ucl_surfaces") / "liver.vtk"
    whole, largest = read_labels(path), read_labels(path, largest_component=True)
    assert len(largest.surfaces["liver"].points_mm) < len(whole.surfaces["liver"].points_mm)
    assert largest.surfaces["liver"].volume_ml == pytest.approx(2316.0, rel=0.001)
