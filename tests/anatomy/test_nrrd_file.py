# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest

from imagio_sim.anatomy.read import read_image, read_labels
from imagio_sim.errors import InputError
from tests.anatomy.made_files import FIRST_VOXEL, SHAPE, SPACING, block, lps_grid

GEOMETRY = {
    "space": "left-posterior-superior",
    "space directions": np.diag(SPACING),
    "space origin": np.array(FIRST_VOXEL),
}
RIB = "TerminologyEntry:Segmentation category~SCT^123037004^Anatomical Structure~SCT^113197003^Rib~^^~list~^^~^^|"


def segment(number: int, name: str, *, layer: int, value: int, tags: str = "") -> dict[str, Any]:
    fields = {"ID": f"id{number}", "Name": name, "Layer": layer, "LabelValue": value, "Tags": tags}
    return {f"Segment{number}_{key}": str(entry) for key, entry in fields.items()}


def write_overlapping(path: Path) -> Path:
    layers = np.zeros((2, *SHAPE), np.uint8)
    layers[0][block(SHAPE, (1, 1, 1), (9, 9, 5))] = 1
    layers[0][block(SHAPE, (9, 1, 1), (11, 9, 5))] = 2
    layers[1][block(SHAPE, (4, 4, 2), (10, 7, 4))] = 1
    directions = np.vstack([np.full((1, 3), np.nan), np.diag(SPACING)])
    header = GEOMETRY | {"space directions": directions, "kinds": ["list", "domain", "domain", "domain"]}
    header |= segment(0, "liver", layer=0, value=1) | segment(1, "Rippe", layer=0, value=2, tags=RIB)
    header |= segment(2, "tumour", layer=1, value=1)
    nrrd.write(str(path), layers, header)
    return path


def test_overlapping_layers_give_the_later_segment(tmp_path: Path) -> None:
    volume = read_labels(write_overlapping(tmp_path / "a.seg.nrrd"))
    assert volume.names == {1: "liver", 2: "Rippe", 3: "tumour"}
    assert volume.grid.matches(lps_grid())
    assert volume.labels[5, 5, 3] == 3
    assert volume.labels[9, 5, 3] == 3
    assert volume.labels[10, 5, 3] == 2
    assert volume.labels[0, 0, 0] == 0


def test_structures_name_the_priority_of_overlapping_layers(tmp_path: Path) -> None:
    path = write_overlapping(tmp_path / "a.seg.nrrd")
    volume = read_labels(path, structures=["liver", "tumour"])
    assert volume.names == {1: "liver", 3: "tumour"}
    assert volume.labels[5, 5, 3] == 1
    assert volume.labels[9, 5, 3] == 3


def test_an_unknown_structure_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no structure 'tumor'.*did you mean 'tumour'"):
        read_labels(write_overlapping(tmp_path / "a.seg.nrrd"), structures=["tumor"])


def test_the_terminology_says_what_a_segment_means(tmp_path: Path) -> None:
    assert read_labels(write_overlapping(tmp_path / "a.seg.nrrd")).meanings == {"Rippe": "Rib"}


def test_a_segmentation_that_slicer_cropped_is_put_back_into_its_image(tmp_path: Path) -> None:
    values = np.ones((3, 3, 2), np.uint8)
    cropped = GEOMETRY | {"space origin": lps_grid().to_lps(np.array([[4.0, 5.0, 2.0]]))[0]}
    nrrd.write(str(tmp_path / "a.seg.nrrd"), values, cropped | segment(0, "tumour", layer=0, value=1))
    nrrd.write(str(tmp_path / "ct.nrrd"), np.zeros(SHAPE, np.int16), GEOMETRY)
    volume = read_labels(tmp_path / "a.seg.nrrd", image_path=tmp_path / "ct.nrrd")
    assert volume.grid.matches(lps_grid())
    assert np.array_equal(volume.mask("tumour"), block(SHAPE, (4, 5, 2), (7, 8, 4)))


def test_a_right_anterior_superior_file_lies_at_the_same_place(tmp_path: Path) -> None:
    values = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    turn = np.diag([-1.0, -1.0, 1.0])
    turned = {"space": "RAS", "space directions": np.diag(SPACING) @ turn, "space origin": turn @ FIRST_VOXEL}
    nrrd.write(str(tmp_path / "lps.nrrd"), values, GEOMETRY)
    nrrd.write(str(tmp_path / "ras.nrrd"), values, turned)
    assert read_image(tmp_path / "ras.nrrd").grid.matches(read_image(tmp_path / "lps.nrrd").grid)
    assert np.array_equal(read_image(tmp_path / "ras.nrrd").values, values)


def test_a_label_map_without_segments_has_unnamed_labels(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "seg.nrrd"), np.full(SHAPE, 2, np.uint8), GEOMETRY)
    assert read_labels(tmp_path / "seg.nrrd").names == {2: "unnamed label 2"}


def test_a_file_without_a_patient_frame_is_refused(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "ct.nrrd"), np.zeros(SHAPE, np.int16))
    with pytest.raises(InputError, match="space 'not given'"):
        read_image(tmp_path / "ct.nrrd")


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 200, SHAPE).astype(np.int16)
    nrrd.write(str(tmp_path / "ct.nrrd"), noise, GEOMETRY)
    (tmp_path / "ct.nrrd").write_bytes((tmp_path / "ct.nrrd").read_bytes()[:-600])
    with pytest.raises(InputError, match="complete NRRD file"):
        read_image(tmp_path / "ct.nrrd")


def test_layers_are_refused_as_an_image(tmp_path: Path) -> None:
    write_overlapping(tmp_path / "a.seg.nrrd").rename(tmp_path / "ct.nrrd")
    with pytest.raises(InputError, match="one scalar 3-D volume"):
        read_image(tmp_path / "ct.nrrd")
