# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from imagio_sim.anatomy.lattice import embedded, image_on, labels_on, lattice_map
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume
from imagio_sim.errors import InputError
from tests.anatomy.made_files import lps_grid, two_labels

ORDERS = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


def reordered(grid: Grid, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Grid:
    """The same voxels with their axes permuted, and then some counted backwards."""
    shape = tuple(grid.shape[axis] for axis in axes)
    step = np.eye(4)
    step[:3, :3] = 0.0
    for new, old in enumerate(axes):
        step[old, new] = -1.0 if flips[new] else 1.0
        step[old, 3] = shape[new] - 1 if flips[new] else 0.0
    return Grid((shape[0], shape[1], shape[2]), grid.affine @ step)


@pytest.mark.parametrize(("axes", "flips"), ORDERS)
def test_labels_stay_at_their_place_in_every_order_of_the_voxels(
    axes: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    volume = two_labels()
    other = labels_on(volume, reordered(volume.grid, axes, flips), where="seg")
    index = np.argwhere(volume.labels >= 0)
    voxel, inside = other.grid.nearest(volume.grid.to_lps(index.astype(float)))
    assert inside.all()
    assert np.array_equal(other.labels[tuple(voxel.T)], volume.labels[tuple(index.T)])


def test_an_image_follows_the_labels() -> None:
    grid = lps_grid()
    values = np.random.default_rng(1).normal(size=grid.shape).astype(np.float32)
    turned = image_on(Image(values, grid, "ct"), reordered(grid, (1, 0, 2), (True, False, True)))
    assert turned.values[0, 0, 0] == values[0, grid.shape[1] - 1, grid.shape[2] - 1]


@pytest.mark.parametrize(
    "other",
    [
        lps_grid(shape=(12, 10, 5)),
        lps_grid(first=(-7.9, 20.0, -30.0)),
        lps_grid(first=(-6.5, 20.0, -30.0)),
        lps_grid(spacing=(1.5, 2.0, 3.01)),
        lps_grid(shape=(10, 12, 6)),
    ],
)
def test_grids_that_disagree_are_refused_with_both_in_the_message(other: Grid) -> None:
    with pytest.raises(InputError) as refusal:
        labels_on(two_labels(), other, where="seg.nii.gz")
    assert lps_grid().describe() in str(refusal.value)
    assert other.describe() in str(refusal.value)
    with pytest.raises(InputError, match=r"ct\.nii\.gz"):
        image_on(Image(np.zeros((12, 10, 6), np.float32), lps_grid(), "ct.nii.gz"), other)


def test_an_oblique_grid_shares_no_lattice_with_a_straight_one() -> None:
    angle = np.radians(10.0)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert lattice_map(lps_grid(), Grid((12, 10, 6), turn @ lps_grid().affine)) is None


def test_a_cut_out_is_put_back_where_it_was() -> None:
    volume = two_labels()
    lower, upper = np.array([2, 2, 1]), np.array([10, 9, 6])
    inner = tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))
    part = LabelVolume(volume.labels[inner], volume.grid.part(lower, upper), volume.names)
    turned = labels_on(part, reordered(part.grid, (2, 0, 1), (True, False, True)), where="seg")
    assert np.array_equal(embedded(turned, volume.grid, where="seg").labels, volume.labels)


def test_empty_voxels_beyond_the_image_are_dropped() -> None:
    volume = two_labels()
    smaller = volume.grid.part(np.array([1, 1, 1]), np.array([11, 9, 6]))
    assert np.array_equal(embedded(volume, smaller, where="seg").labels, volume.labels[1:11, 1:9, 1:6])


def test_labels_beyond_the_image_are_refused() -> None:
    volume = two_labels()
    with pytest.raises(InputError, match="labelled voxels lie beyond it"):
        embedded(volume, volume.grid.part(np.array([4, 0, 0]), np.array([12, 10, 6])), where="seg")
    with pytest.raises(InputError, match="labelled voxels lie beyond it"):
        embedded(volume, lps_grid(first=(292.0, 20.0, -30.0)), where="seg")
