# SPDX-License-Identifier: LGPL-3.0-or-later
"""A phantom of layers: exact at every point, also far from the voxels that stand for it."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.layers import Layers
from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.patient import read_patient

SLABS = Layers("height", (-20.0, 30.0), ("fat", "liver", "fat"))
SHELLS = Layers("radius", (5.0,), ("tumour_liver", "liver"))
TUMOUR = VirtualLesion((0.0, 0.0, 0.0), (8.0, 8.0, 8.0), "tumour_liver")


def phantom(layers: Layers, target: VirtualLesion | None = None) -> Anatomy:
    return read_patient(
        [],
        image_path=None,
        pack=None,
        overrides={},
        unlabelled=layers,
        outside=layers.tissues[-1],
        target=target,
        where="test",
    )


def tissues_at(anatomy: Anatomy, *points: tuple[float, float, float]) -> list[str]:
    index, _, _ = anatomy.sample(np.array(points))
    return [anatomy.tissue_names[number] for number in index]


def test_a_layer_begins_where_the_one_before_ends() -> None:
    assert SLABS.numbers_at(np.array([[0, 0, -20.1], [0, 0, -20.0], [9, 9, 29.9], [0, 0, 30.0]])).tolist() == [
        0,
        1,
        1,
        2,
    ]
    assert SHELLS.numbers_at(np.array([[3.0, 3.0, 900.0], [3.0, 4.1, 0.0]])).tolist() == [0, 1]


def test_layers_go_on_beyond_the_voxels() -> None:
    anatomy = phantom(SLABS)
    assert anatomy.target is None
    assert anatomy.target_surface() is None
    assert not anatomy.target_mask().any()
    assert tissues_at(anatomy, (500.0, 0.0, 0.0), (0.0, 0.0, 500.0), (0.0, 0.0, 29.99)) == ["liver", "fat", "liver"]
    assert tissues_at(phantom(SHELLS), (0.0, 0.0, 500.0), (0.0, 6.0, 500.0)) == ["tumour_liver", "liver"]


def test_a_virtual_tumour_lies_in_the_layers_with_its_exact_shape() -> None:
    anatomy = phantom(SLABS, TUMOUR)
    assert tissues_at(anatomy, (7.9, 0.0, 0.0), (8.1, 0.0, 0.0), (0.0, 0.0, -8.1)) == ["tumour_liver", "liver", "liver"]
    assert anatomy.target_surface() is not None


def test_voxels_have_the_tissue_of_their_middle() -> None:
    anatomy = phantom(Layers("height", (0.2,), ("fat", "liver")))
    middles = anatomy.labels.grid.to_lps(np.indices(anatomy.labels.grid.shape).reshape(3, -1).T.astype(float))
    liver = anatomy.tissue_names.index("liver")
    assert np.array_equal(anatomy.tissue_index.ravel() == liver, middles[:, 2] >= 0.2)
    assert 0.2 < (anatomy.tissue_index == liver).mean() < 0.8


@pytest.mark.parametrize("layers", [SLABS, SHELLS])
def test_every_tissue_of_the_layers_is_known(layers: Layers) -> None:
    assert set(phantom(layers).tissue_names) == set(layers.tissues)
