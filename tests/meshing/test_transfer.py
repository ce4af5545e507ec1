# SPDX-License-Identifier: LGPL-3.0-or-later
"""States and densities carried between meshes and voxel grids: what is kept exactly, and how well the rest is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.phantoms import ball, box, half_plane
from imagio_sim.meshing.transfer import NOTHING, MeshTransfer, VoxelTransfer, node_volumes_mm3
from tests.meshing.needles import needle, small_recipe

Floats = NDArray[np.float64]

TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
"""A rotation that puts no node of one mesh on a node or a facet of the other."""


def smooth(points_mm: Floats) -> Floats:
    return np.asarray(2.0 + np.sin(points_mm @ np.full(points_mm.shape[1], 0.11)))


def linear(points_mm: Floats) -> Floats:
    return np.asarray(5.0 + points_mm @ np.array([0.3, -0.2, 0.1])[: points_mm.shape[1]])


def amount(domain: Domain, density: Floats) -> float:
    return float(node_volumes_mm3(domain) @ density)


def cubes(count: int) -> tuple[Domain, Domain]:
    """A cube, and a smaller one turned within it, both of ``count`` bricks along an edge."""
    inner = box(count, 20.0)
    return box(count, 60.0), replace(inner, points_mm=(inner.points_mm - 10.0) @ TURN.T + 30.0)


def nested(count: int) -> tuple[Domain, Domain]:
    """A cube that lies wholly within another one with shifted nodes: the common region is the smaller cube."""
    inner = box(count, 20.0)
    return replace(inner, points_mm=inner.points_mm + np.array([7.3, 8.1, 6.7])), box(2 * count + 1, 40.0)


def order(errors: list[float]) -> float:
    return float(np.log2(errors[-2] / errors[-1]))


# --- states ---------------------------------------------------------------------------------------------------------


def test_a_linear_state_arrives_exactly() -> None:
    source, target = cubes(7)
    moved = MeshTransfer(source, target).interpolated(linear(source.points_mm), np.nan)
    assert moved == pytest.approx(linear(target.points_mm), abs=1e-10)


def test_a_smooth_state_arrives_with_second_order() -> None:
    errors = []
    for count in (6, 12, 24):
        source, target = cubes(count)
        moved = MeshTransfer(source, target).interpolated(smooth(source.points_mm), np.nan)
        errors.append(float(np.abs(moved - smooth(target.points_mm)).max()))
    assert 1.6 < order(errors) < 2.6


def test_several_rows_arrive_as_each_alone() -> None:
    source, target = cubes(6)
    transfer = MeshTransfer(source, target)
    rows = np.stack([linear(source.points_mm), smooth(source.points_mm)])
    both = transfer.interpolated(rows, 0.0)
    assert np.array_equal(both[0], transfer.interpolated(rows[0], 0.0))
    assert np.array_equal(both[1], transfer.interpolated(rows[1], 0.0))


@pytest.mark.parametrize("logarithmic", [False, True])
def test_no_state_rises_above_its_largest_or_falls_below_its_smallest_value(logarithmic: bool) -> None:
    source, target = cubes(9)
    random = np.random.default_rng(1)
    state = 10.0 ** random.uniform(-8.0, 8.0, len(source.points_mm))
    moved = MeshTransfer(source, target).interpolated(state, 1.0, logarithmic=logarithmic)
    assert moved.min() >= state.min() * (1.0 - 1e-9)
    assert moved.max() <= state.max() * (1.0 + 1e-9)


def test_what_is_zero_stays_zero_in_logarithms() -> None:
    source, target = cubes(6)
    state = np.where(source.points_mm[:, 0] < 30.0, 0.0, 5.0)
    moved = MeshTransfer(source, target).interpolated(state, 0.0, logarithmic=True)
    assert set(np.unique(moved[target.points_mm[:, 0] < 20.0])) == {0.0}
    assert moved[target.points_mm[:, 0] > 40.0] == pytest.approx(5.0)
    assert moved[moved > 0.0].min() >= NOTHING


def test_nodes_where_a_needle_was_take_the_tissue_beside_it() -> None:
    with_needle, where_it_was = generate(small_recipe(needle())).domain, box(4, 1.0)
    where_it_was = replace(where_it_was, points_mm=where_it_was.points_mm - 0.5)
    state = 37.0 + np.linalg.norm(with_needle.points_mm[:, :2], axis=1)
    moved = MeshTransfer(with_needle, where_it_was).interpolated(state, -1.0)
    assert moved == pytest.approx(37.75, abs=1e-6)  # the needle's radius is 0.75 mm


def test_nodes_far_beyond_the_source_are_untouched() -> None:
    source, target = box(5, 20.0), box(8, 40.0)
    moved = MeshTransfer(source, target).interpolated(np.vstack([source.points_mm[:, 0]] * 2), [[-1.0], [-2.0]])
    distance = np.linalg.norm(np.maximum(target.points_mm - 20.0, 0.0), axis=1)
    assert np.all(moved[0, distance > 5.1] == -1.0)
    assert np.all(moved[1, distance > 5.1] == -2.0)
    assert np.all(moved[0, distance < 4.9] >= 0.0)


def test_half_planes_carry_states_too() -> None:
    source, target = half_plane(20.0, 30.0, 9, 11), half_plane(15.0, 30.0, 10, 13)
    moved = MeshTransfer(source, target).interpolated(linear(source.points_mm), np.nan)
    assert moved == pytest.approx(linear(target.points_mm), abs=1e-10)


# --- densities between meshes ---------------------------------------------------------------------------------------


def test_node_volumes_add_up_to_the_volume() -> None:
    for domain in (ball(10.0, 2.5), half_plane(8.0, 16.0, 5, 7)):
        assert node_volumes_mm3(domain).sum() == pytest.approx(domain.cell_volumes_mm3.sum(), rel=1e-12)


@pytest.mark.parametrize("density", [smooth, linear, lambda points: np.exp(-((points - 17.0) ** 2).sum(axis=1) / 8.0)])
def test_a_density_keeps_its_amount(density: Callable[[Floats], Floats]) -> None:
    source, target = nested(8)
    given = density(source.points_mm)
    moved = MeshTransfer(source, target).conserved(given)
    assert amount(target, moved) == pytest.approx(amount(source, given), rel=1e-10)
    assert moved.min() >= 0.0


def test_a_density_around_the_axis_keeps_its_amount() -> None:
    source, target = half_plane(10.0, 20.0, 9, 11), half_plane(12.0, 20.0, 10, 13)
    given = smooth(source.points_mm)
    moved = MeshTransfer(source, target).conserved(given)
    assert amount(target, moved) == pytest.approx(amount(source, given), rel=1e-10)


def test_only_what_lies_in_both_regions_is_kept() -> None:
    source, target = box(8, 40.0), box(9, 20.0)
    moved = MeshTransfer(source, target).conserved(np.full(len(source.points_mm), 3.0))
    assert amount(target, moved) == pytest.approx(3.0 * 20.0**3, rel=1e-10)
    assert moved == pytest.approx(3.0, rel=1e-10)


def test_a_smooth_density_arrives_with_second_order() -> None:
    errors, factors = [], []
    for count in (6, 12, 24):
        source = box(count, 20.0)
        target = box(count + 1, 20.0)
        given = smooth(source.points_mm)
        moved = MeshTransfer(source, target).conserved(given)
        assert amount(target, moved) == pytest.approx(amount(source, given), rel=1e-10)
        errors.append(float(np.abs(moved - smooth(target.points_mm)).max()))
        factors.append(abs(amount(target, smooth(target.points_mm)) / amount(source, given) - 1.0))
    assert 1.5 < order(errors) < 2.6
    assert errors[-1] < 5e-3


def test_what_lies_between_the_nodes_of_a_coarse_mesh_is_caught_where_it_is() -> None:
    source, target = box(30, 30.0), box(5, 30.0)
    place = np.array([14.0, 8.0, 21.0])
    given = np.where(np.linalg.norm(source.points_mm - place, axis=1) < 1.1, 1.0, 0.0)
    assert not MeshTransfer(source, target).interpolated(given, 0.0).any()
    moved = MeshTransfer(source, target).conserved(given)
    weights = moved * node_volumes_mm3(target)
    assert weights.sum() == pytest.approx(amount(source, given), rel=1e-10)
    assert np.linalg.norm(weights @ target.points_mm / weights.sum() - place) < 1.0


def test_a_density_that_is_negative_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative, got -2"):
        MeshTransfer(*cubes(4)).conserved(np.full(125, -2.0))


def test_nothing_stays_nothing() -> None:
    source, target = cubes(4)
    assert not MeshTransfer(source, target).conserved(np.zeros(len(source.points_mm))).any()


# --- voxels ---------------------------------------------------------------------------------------------------------


def tilted(spacing_mm: float, count: int) -> Grid:
    """A turned grid of slices that are twice as thick as their pixels, around the origin."""
    scale = np.diag([spacing_mm, spacing_mm, 2.0 * spacing_mm])
    affine = np.eye(4)
    affine[:3, :3] = TURN @ scale
    shape = (count, count, count // 2)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1.0) / 2.0)
    return Grid(shape, affine)


def centres(grid: Grid) -> Floats:
    return grid.to_lps(np.indices(grid.shape, dtype=float).reshape(3, -1).T)


@pytest.mark.parametrize("spacing", [0.7, 2.0, 5.0], ids=["small voxels", "like cells", "large voxels"])
@pytest.mark.parametrize("per_cell", [False, True], ids=["nodal", "per cell"])
def test_a_density_on_the_mesh_keeps_its_amount_on_voxels(spacing: float, per_cell: bool) -> None:
    domain, grid = ball(12.0, 2.0), tilted(spacing, int(30.0 / spacing))
    nodal = smooth(domain.points_mm)
    given = nodal[domain.cells].mean(axis=1) if per_cell else nodal
    voxels = VoxelTransfer(domain, grid).voxel_densities(given)
    total = domain.cell_volumes_mm3 @ given if per_cell else amount(domain, nodal)
    assert voxels.sum() * grid.voxel_volume_mm3 == pytest.approx(total, rel=1e-10)
    assert voxels[0, 0, 0] == 0.0


@pytest.mark.parametrize(("spacing", "rel"), [(0.7, 0.005), (2.0, 0.01), (5.0, 0.05)])
def test_a_density_on_voxels_keeps_its_amount_on_cells(spacing: float, rel: float) -> None:
    domain, grid = ball(12.0, 2.0), tilted(spacing, int(30.0 / spacing))
    given = np.exp(-(centres(grid) ** 2).sum(axis=1) / 50.0).reshape(grid.shape)
    cells = VoxelTransfer(domain, grid).cell_densities(given)
    # The reference counts whole voxels at the boundary of the ball.
    within = (np.linalg.norm(centres(grid), axis=1) < 12.0).reshape(grid.shape)
    total = cells @ domain.cell_volumes_mm3 / grid.voxel_volume_mm3
    assert total == pytest.approx(given[within].sum(), rel=rel)


def test_a_focus_within_the_mesh_keeps_its_power_to_the_last_digit() -> None:
    domain, grid = ball(20.0, 3.0), tilted(0.8, 40)
    given = np.zeros(grid.shape)
    given[18:22, 18:22, 9:11] = 1e6
    cells = VoxelTransfer(domain, grid).cell_densities(given)
    power = given.sum() * grid.voxel_volume_mm3
    assert cells @ domain.cell_volumes_mm3 == pytest.approx(power, rel=1e-10)
    middle = domain.points_mm[domain.cells].mean(axis=1)
    assert np.linalg.norm((cells * domain.cell_volumes_mm3) @ middle / power) < 1.0


def test_a_uniform_image_is_uniform_on_cells_and_back() -> None:
    domain, grid = ball(12.0, 2.0), tilted(1.5, 24)
    transfer = VoxelTransfer(domain, grid)
    assert transfer.cell_means(np.full(grid.shape, 4.0), outside=4.0) == pytest.approx(4.0)
    back = transfer.voxel_means(np.full(len(domain.cells), 4.0), outside=4.0)
    assert back == pytest.approx(4.0)


@pytest.mark.parametrize("spacing", [0.7, 2.0, 5.0], ids=["small voxels", "like cells", "large voxels"])
def test_a_linear_field_is_right_to_a_fraction_of_a_voxel_or_cell(spacing: float) -> None:
    domain, grid = ball(12.0, 2.0), tilted(spacing, int(40.0 / spacing))
    transfer, steepness = VoxelTransfer(domain, grid), float(np.linalg.norm([0.3, -0.2, 0.1]))
    expected = linear(centres(grid)).reshape(grid.shape)
    voxels = transfer.voxel_means(linear(domain.points_mm), outside=np.nan)
    inner = (np.linalg.norm(centres(grid), axis=1) < 12.0 - 2.0 * spacing).reshape(grid.shape)
    assert not np.isnan(voxels[inner]).any()
    assert np.abs(voxels - expected)[inner].max(initial=0.0) < 0.15 * steepness * 2.0 * spacing
    cells = transfer.cell_means(expected, outside=np.nan)
    middle = domain.points_mm[domain.cells].mean(axis=1)
    assert np.abs(cells - linear(middle)).max() < 0.15 * steepness * 2.0


def test_refining_mesh_and_voxels_together_is_of_second_order() -> None:
    errors = []
    for size in (4.0, 2.0, 1.0):
        domain, grid = ball(15.0, size), tilted(0.6 * size, int(40.0 / size) // 2 * 2)
        voxels = VoxelTransfer(domain, grid).voxel_densities(smooth(domain.points_mm))
        inner = np.linalg.norm(centres(grid), axis=1) < 10.0
        errors.append(float(np.abs(voxels.ravel() - smooth(centres(grid)))[inner].max()))
    assert 1.5 < order(errors) < 2.6
    assert errors[-1] < 0.02


def test_cells_beyond_the_image_have_the_value_from_outside() -> None:
    domain, grid = box(8, 40.0), Grid.around(np.zeros(3), np.full(3, 19.0), 1.0)
    means = VoxelTransfer(domain, grid).cell_means(np.ones(grid.shape), outside=-1.0)
    middle = domain.points_mm[domain.cells].mean(axis=1)
    assert np.all(means[(middle < 15.0).all(axis=1)] == 1.0)
    assert np.all(means[(middle > 25.0).any(axis=1)] == -1.0)


def test_a_grid_that_misses_the_mesh_gives_nothing() -> None:
    domain, grid = box(4, 10.0), Grid.around(np.full(3, 50.0), np.full(3, 60.0), 1.0)
    transfer = VoxelTransfer(domain, grid)
    assert not transfer.cell_densities(np.ones(grid.shape)).any()
    assert not transfer.voxel_densities(np.ones(len(domain.cells))).any()


def test_values_of_another_mesh_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 125 nodal or 384 cell values, got 7"):
        VoxelTransfer(box(4, 10.0), tilted(1.0, 8)).voxel_means(np.zeros(7), outside=0.0)


@pytest.mark.slow
def test_many_nodes_and_voxels_take_a_few_seconds() -> None:
    source, target = box(46, 120.0), box(45, 120.0)
    grid = Grid.around(np.full(3, 0.5), np.full(3, 119.5), 120.0 / 128)
    begun = time.process_time()
    MeshTransfer(source, target).conserved(smooth(source.points_mm))
    between_meshes = time.process_time() - begun
    transfer = VoxelTransfer(source, grid)
    transfer.cell_densities(transfer.voxel_densities(smooth(source.points_mm)))
    assert between_meshes < 15.0
    assert time.process_time() - begun - between_meshes < 20.0
