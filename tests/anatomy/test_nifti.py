# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.provenance import sha256
from imagio_sim.anatomy.read import read_image, read_labels
from imagio_sim.errors import InputError
from tests.anatomy.made_files import two_labels, write_plain_nifti

LABELS = np.zeros((4, 5, 6), np.uint8)
LABELS[1:3, 1:4, 2:4] = 5
LABELS[0, 0, 0] = 7


def test_labels_come_back_as_they_were_written(tmp_path: Path) -> None:
    volume = two_labels({1: "liver", 2: "tumour <2 cm> & cyst"})
    write_nifti(tmp_path / "seg.nii.gz", volume.labels.astype(np.uint8), volume.grid, volume.names)
    read = read_labels(tmp_path / "seg.nii.gz")
    assert read.grid.matches(volume.grid, 1e-5)
    assert np.array_equal(read.labels, volume.labels)
    assert read.names == volume.names
    assert read.files == {str(tmp_path / "seg.nii.gz"): sha256(tmp_path / "seg.nii.gz")}


def test_names_come_from_the_label_table_that_totalsegmentator_writes(tmp_path: Path) -> None:
    nifti = nib.Nifti1Image(LABELS, np.eye(4))
    table = (
        b'<?xml version="1.0"?><CaretExtension><VolumeInformation Index="0"><LabelTable>'
        b'<Label Key="5" Red="0"><![CDATA[liver]]></Label><Label Key="9"><![CDATA[colon]]></Label>'
        b"</LabelTable></VolumeInformation></CaretExtension>"
    )
    nifti.header.extensions.append(nib.nifti1.Nifti1Extension(0, table))
    nib.save(nifti, tmp_path / "seg.nii.gz")
    assert read_labels(tmp_path / "seg.nii.gz").names == {5: "liver", 7: "unnamed label 7"}


@pytest.mark.parametrize(
    "sidecar",
    [
        {"5": "liver", "7": "tumour"},
        {"labels": {"5": "liver (expert)", "7": "tumour (>=2 of 4 readers)"}, "annotations": []},
        {"frame": "LPS", "seg.nii.gz": {"0": "background", "5": "liver", "7": "tumour"}},
    ],
)
def test_names_come_from_labels_json_beside_the_file(tmp_path: Path, sidecar: dict[str, object]) -> None:
    write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    (tmp_path / "labels.json").write_text(json.dumps(sidecar))
    assert read_labels(tmp_path / "seg.nii.gz").names == {5: "liver", 7: "tumour"}


def test_a_damaged_labels_json_is_refused(tmp_path: Path) -> None:
    write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    (tmp_path / "labels.json").write_text("{")
    with pytest.raises(InputError, match=r"labels\.json: expected a JSON object"):
        read_labels(tmp_path / "seg.nii.gz")


def test_names_of_the_caller_win(tmp_path: Path) -> None:
    write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    (tmp_path / "labels.json").write_text('{"5": "liver", "7": "tumour"}')
    assert read_labels(tmp_path / "seg.nii.gz", names={5: "spleen", "tumour": "target"}).names == {
        5: "spleen",
        7: "target",
    }


def test_renaming_a_structure_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    (tmp_path / "labels.json").write_text('{"5": "liver", "7": "tumour"}')
    with pytest.raises(InputError, match=r"no structure 'livre'.*did you mean 'liver'"):
        read_labels(tmp_path / "seg.nii.gz", names={"livre": "spleen"})


def test_one_name_for_a_binary_mask(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "mask.nii.gz", (LABELS == 5).astype(np.uint8))
    assert read_labels(path, name="tumour").names == {1: "tumour"}


def test_one_name_for_two_labels_is_refused(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    with pytest.raises(InputError, match=r"2 structures .* for the name 'tumour'"):
        read_labels(path, name="tumour")


def test_only_the_structures_asked_for_are_kept(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    volume = read_labels(path, names={5: "liver", 7: "tumour"}, structures=["tumour"])
    assert volume.names == {7: "tumour"}
    assert np.unique(volume.labels).tolist() == [0, 7]


def test_the_largest_piece_of_each_label_can_be_kept(tmp_path: Path) -> None:
    labels = LABELS.copy()
    labels[3, 4, 5] = 5
    path = write_plain_nifti(tmp_path / "seg.nii.gz", labels)
    volume = read_labels(path, names={5: "liver", 7: "tumour"}, largest_component=True)
    assert np.array_equal(volume.labels, LABELS)


def test_header_scaling_is_applied_to_images(tmp_path: Path) -> None:
    nifti = nib.Nifti1Image(np.full((2, 2, 2), 100, np.int16), np.eye(4))
    nifti.header.set_slope_inter(2.0, -1000.0)
    nib.save(nifti, tmp_path / "ct.nii")
    assert read_image(tmp_path / "ct.nii").values.max() == pytest.approx(-800.0, abs=0.5)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 9, (30, 30, 30)).astype(np.uint8)
    path = write_plain_nifti(tmp_path / "seg.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError, match=r"seg\.nii\.gz: expected a complete NIfTI file .*; copy or export"):
        read_labels(path)


def test_a_truncated_uncompressed_file_is_refused(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "seg.nii", np.ones((30, 30, 30), np.uint8))
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError, match="expected a complete NIfTI file"):
        read_labels(path)


def test_a_file_that_is_named_gz_but_is_not_compressed_is_refused(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "seg.nii.gz", LABELS)
    path.write_bytes(gzip.decompress(path.read_bytes()))
    with pytest.raises(InputError, match=r"gzip-compressed \.nii\.gz"):
        read_labels(path)


def test_a_file_of_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "seg.nii").write_text("no image at all")
    with pytest.raises(InputError, match="cannot be decoded"):
        read_image(tmp_path / "seg.nii")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_labels(tmp_path / "seg.nii.gz")


def test_a_file_without_orientation_is_refused(tmp_path: Path) -> None:
    nifti = nib.Nifti1Image(LABELS, None)
    nib.save(nifti, tmp_path / "seg.nii.gz")
    with pytest.raises(InputError, match="no patient orientation"):
        read_labels(tmp_path / "seg.nii.gz")


def test_lengths_in_another_unit_are_refused(tmp_path: Path) -> None:
    nifti = nib.Nifti1Image(LABELS, np.eye(4))
    nifti.header.set_xyzt_units("meter")
    nib.save(nifti, tmp_path / "seg.nii.gz")
    with pytest.raises(InputError, match="lengths in meter"):
        read_labels(tmp_path / "seg.nii.gz")


def test_a_singular_affine_is_refused(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "seg.nii", LABELS, np.eye(4))
    content = bytearray(path.read_bytes())
    content[312:328] = bytes(16)  # srow_z of the NIfTI-1 header
    path.write_bytes(content)
    with pytest.raises(InputError, match="singular affine"):
        read_labels(path)


@pytest.mark.parametrize("values", [np.full((2, 2, 2), 0.5, np.float32), np.full((2, 2, 2), -1, np.int16)])
def test_an_image_is_refused_as_labels(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(InputError, match="no label numbers"):
        read_labels(write_plain_nifti(tmp_path / "ct.nii.gz", values))


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "ct.nii.gz", np.full((2, 2, 2), np.nan, np.float32))
    with pytest.raises(InputError, match="finite"):
        read_image(path)


def test_a_time_series_is_refused(tmp_path: Path) -> None:
    path = write_plain_nifti(tmp_path / "ct.nii.gz", np.zeros((2, 2, 2, 3), np.int16))
    with pytest.raises(InputError, match="one 3-D volume"):
        read_image(path)
