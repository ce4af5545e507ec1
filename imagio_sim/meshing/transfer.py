# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fields carried from one mesh to another, and between a mesh and a voxel grid.

Two kinds of field need two kinds of transfer. An *intensive* state (temperature, damage, a perfusion image) keeps its
values: nothing below the smallest or above the largest may appear. A *density* (drug, dose, heat per volume) keeps its
amount: its integral over the region that both sides share is the same after as before. Both are second order in the
size of cells and voxels where the field is smooth, and cost a point location per node, cell point or voxel.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, sparse
from scipy.spatial import cKDTree

from imagio_sim.anatomy.volume import Grid
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator

Floats = NDArray[np.float64]

REACH_MM = 5.0
"""A node that lies in what was a needle takes the nearest tissue's value, up to this far away."""
NOTHING = 1e-13
"""What is interpolated by its logarithm counts as zero below this."""

# A voxel averages the cell points in it when there are so many, as it does where cells are no larger than voxels;
# otherwise the value at its centre serves. The same holds for the voxel centres in a cell.
_FEWEST_CELL_POINTS = 30
_FEWEST_VOXELS = 8
# Centres of a voxel's eighths, from its own centre, in voxels.
_EIGHTHS = np.stack(np.meshgrid(*[[-0.25, 0.25]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


class MeshTransfer:
    """Nodal fields of one mesh at the nodes of another mesh of the same patient.

    Parameters
    ----------
    source, target
        Meshes of overlapping regions, both three-dimensional or both half planes.
    reach_mm
        Target nodes outside the source mesh but this close to one of its nodes take that node's value.
    """

    def __init__(self, source: Domain, target: Domain, *, reach_mm: float = REACH_MM) -> None:
        self._source, self._target = source, target
        locator = Locator(source)
        cells = locator.cells(target.points_mm)
        inside = np.flatnonzero(cells >= 0)
        within = _interpolation(locator, source, cells[inside], target.points_mm[inside], inside, len(cells))
        lost = np.flatnonzero(cells < 0)
        distance, nearest = cKDTree(source.points_mm).query(target.points_mm[lost], distance_upper_bound=reach_mm)
        near = np.isfinite(distance)
        beside = sparse.csr_matrix((np.ones(near.sum()), (lost[near], nearest[near])), shape=within.shape)
        self._weights = within + beside
        self._beyond = lost[~near]

    def interpolated(self, nodal: Floats, outside: ArrayLike, *, logarithmic: bool = False) -> Floats:
        """An intensive field (..., n) at the target's nodes (..., n').

        Parameters
        ----------
        nodal
            Values at the source's nodes.
        outside
            What untouched tissue has, a number or (..., 1): for nodes beyond the source.
        logarithmic
            Interpolate the logarithm of values >= 0 that span orders of magnitude, as a damage integral does: linearly
            a node of 1e6 beside one of 0 would carry its dead to the very last point before the other.
        """
        given = np.log(np.maximum(nodal, NOTHING)) if logarithmic else nodal
        moved = np.moveaxis(self._weights @ np.moveaxis(given, -1, 0), 0, -1)
        if logarithmic:
            moved = np.exp(moved)
            moved = np.where(moved > (1.0 + 1e-9) * NOTHING, moved, 0.0)
        moved[..., self._beyond] = outside
        return np.asarray(moved)

    def conserved(self, density: Floats) -> Floats:
        """A density >= 0 (n,) [X/m3] at the target's nodes (n',), its integral over the common region kept.

        The field is interpolated, then corrected by what the source's own points say is missing or too much around
        each target node (which catches what lies between the nodes of a coarser target), then scaled as a whole, by a
        factor that goes to 1 with the square of the cell size. The common region is the source's cells as far as their
        points lie in the target.
        """
        if density.min() < 0.0:
            raise ValueError(f"a density cannot be negative, got {density.min():g}")
        volume, reading = self._points
        at_points = self._at_points(density)
        amount = float(volume @ at_points)
        first = self.interpolated(density, 0.0)
        own, caught = node_volumes_mm3(self._target), reading.T @ volume
        missing = reading.T @ (volume * (at_points - reading @ first))
        # Where few points fall on fine cells one point stands for many nodes: none may take more than its mean.
        improved = np.clip(first + missing / np.maximum(own, caught), density.min(), density.max())
        total = float(own @ improved)
        return np.asarray(improved * (amount / total)) if total > 0.0 else improved

    @cached_property
    def _points(self) -> tuple[Floats, sparse.csr_matrix]:
        """Volume [mm3] of the source's points, 0 where they miss the target, and their weights on its nodes."""
        points = _cell_points(self._source).reshape(-1, self._source.points_mm.shape[1])
        locator = Locator(self._target)
        cells = locator.cells(points)
        inside = np.flatnonzero(cells >= 0)
        reading = _interpolation(locator, self._target, cells[inside], points[inside], inside, len(points))
        return np.where(cells >= 0, _point_volumes_mm3(self._source).ravel(), 0.0), reading

    def _at_points(self, nodal: Floats) -> Floats:
        corners = self._source.cells.shape[1]
        return np.asarray(nodal[self._source.cells] @ _reading(corners).T).ravel()


class VoxelTransfer:
    """Fields between a three-dimensional mesh and a voxel grid.

    A voxel is read at its centre; one beside the boundary of the mesh at eight points, which also tell how much of it
    belongs to the mesh.
    """

    def __init__(self, domain: Domain, grid: Grid) -> None:
        self._domain, self._grid = domain, grid
        self._locator = Locator(domain)
        self._box, self._part = _overlap(domain, grid)
        index = np.indices(self._part.shape, dtype=float).reshape(3, -1).T
        inside = self._locator.cells(self._part.to_lps(index)) >= 0
        beside = _beside_boundary(inside.reshape(self._part.shape)).ravel()
        whole, cut = np.flatnonzero(inside & ~beside), np.flatnonzero(beside)
        asked = np.concatenate([index[whole], (index[cut][:, None] + _EIGHTHS).reshape(-1, 3)])
        points = self._part.to_lps(asked)
        cells = self._locator.cells(points)
        found = np.flatnonzero(cells >= 0)
        self._point_mm, self._cell = points[found], cells[found]
        self._voxel = np.concatenate([whole, np.repeat(cut, len(_EIGHTHS))])[found]
        self._weight = np.where(found < len(whole), 1.0, 1.0 / len(_EIGHTHS))
        self._share = self._summed(self._weight)

    def voxel_means(self, values: Floats, *, outside: float) -> Floats:
        """Means (i, j, k) over the voxels of an intensive field given per node (n,) or per cell (m,).

        A voxel that lies partly in the mesh takes the mean of that part, one that does not gets ``outside``.
        """
        found = np.full(self._grid.shape, outside, dtype=float)
        found[self._box] = np.where(self._share > 0.0, self._means(values), outside).reshape(self._part.shape)
        return found

    def voxel_densities(self, values: Floats) -> Floats:
        """A density [X/m3] per node or cell as means (i, j, k) over whole voxels, 0 beyond the mesh.

        Values times voxel volume add up to the integral over the mesh within the grid (to round-off where the grid
        covers it; a cell at the grid's end counts by the points it is read at).
        """
        densities = np.zeros(self._grid.shape)
        densities[self._box] = (self._means(values) * self._share).reshape(self._part.shape)
        _, covered = self._grid.nearest(_cell_points(self._domain).reshape(-1, 3))
        amount = _point_volumes_mm3(self._domain).ravel()[covered] @ self._at_cell_points(values)[covered]
        return _scaled(densities, float(densities.sum()) * self._grid.voxel_volume_mm3, float(amount))

    def cell_means(self, values: Floats, *, outside: float) -> Floats:
        """Means (m,) over the cells of an intensive image (i, j, k); ``outside`` for cells beyond the grid."""
        count, size = np.bincount(self._cell, self._weight, len(self._domain.cells)), len(self._domain.cells)
        total = np.bincount(self._cell, self._weight * self._on_part(values)[self._voxel], size)
        few = np.flatnonzero(count < _FEWEST_VOXELS)
        means = total / np.maximum(count, 1.0)
        means[few] = self._read(values, _cell_points(self._domain, few), outside).mean(axis=1)
        return np.asarray(means)

    def cell_densities(self, values: Floats) -> Floats:
        """A density [X/m3] on voxels (i, j, k) per cell (m,), 0 beyond the grid.

        Values times cell volume add up to values times voxel volume, of each voxel as far as it belongs to the mesh
        (to round-off).
        """
        means = self.cell_means(values, outside=0.0)
        amount = self._on_part(values) @ self._share * self._grid.voxel_volume_mm3
        return _scaled(means, float(means @ self._domain.cell_volumes_mm3), float(amount))

    def _on_part(self, values: Floats) -> Floats:
        """The image's voxels (v,) that can hold a part of the mesh."""
        return np.asarray(values[self._box], dtype=float).ravel()

    def _summed(self, values: Floats) -> Floats:
        """Sum (v,) over the points of each voxel."""
        summed = np.bincount(self._voxel, values, minlength=int(np.prod(self._part.shape)))
        return np.asarray(summed, dtype=float)

    def _means(self, values: Floats) -> Floats:
        """Means (v,) in the voxels: of the cell points in them, where there are many, or of their own points."""
        read = self._at_cell_points(values)
        index, inside = self._part.nearest(_cell_points(self._domain).reshape(-1, 3))
        voxel = np.ravel_multi_index(tuple(index[inside].T), self._part.shape)
        volume = _point_volumes_mm3(self._domain).ravel()[inside]
        size = len(self._share)
        many = np.bincount(voxel, minlength=size) >= _FEWEST_CELL_POINTS
        amount, weight = np.bincount(voxel, volume * read[inside], size), np.bincount(voxel, volume, size)
        own = self._summed(self._weight * self._at_points(values)) / np.maximum(self._share, 1.0 / len(_EIGHTHS))
        return np.where(many, amount / np.where(many, weight, 1.0), own)

    def _at_cell_points(self, values: Floats) -> Floats:
        """Values (m * p,) at the points at which cells are read."""
        points = _reading(4)
        if len(values) == len(self._domain.points_mm):
            return np.asarray(values[self._domain.cells] @ points.T).ravel()
        if len(values) == len(self._domain.cells):
            return np.repeat(np.asarray(values, float), len(points))
        raise ValueError(
            f"expected {len(self._domain.points_mm)} nodal or {len(self._domain.cells)} cell values, got {len(values)}"
        )

    def _at_points(self, values: Floats) -> Floats:
        """Values (p,) at the points of the voxels."""
        if len(values) != len(self._domain.points_mm):
            return np.asarray(values[self._cell])
        weights = self._locator.barycentric(self._cell, self._point_mm)
        return np.asarray(np.einsum("pc,pc->p", weights, values[self._domain.cells[self._cell]]))

    def _read(self, values: Floats, points_mm: Floats, outside: float) -> Floats:
        """The image between its voxel centres (..., p), linearly."""
        flat = points_mm.reshape(-1, 3)
        _, inside = self._grid.nearest(flat)
        read = ndimage.map_coordinates(np.asarray(values, float), self._grid.to_index(flat).T, order=1, mode="nearest")
        return np.where(inside, read, outside).reshape(points_mm.shape[:-1])


def _beside_boundary(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels (i, j, k) that the boundary of the mesh may cut, by which centres lie inside; the grid's end is none."""
    return np.asarray(ndimage.binary_dilation(inside) & ~ndimage.binary_erosion(inside, border_value=1))


def node_volumes_mm3(domain: Domain) -> Floats:
    """Integral of each node's hat function (n,), weighted by 2 pi r when axisymmetric; they add up to the volume."""
    corners = domain.points_mm[domain.cells]
    dimension = corners.shape[2]
    size = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / (2.0 if dimension == 2 else 6.0)
    weight = 2.0 * np.pi * corners[:, :, 0] if domain.axisymmetric else np.ones(corners.shape[:2])
    share = size[:, None] * (weight + weight.sum(axis=1, keepdims=True)) / ((dimension + 1) * (dimension + 2))
    return np.asarray(np.bincount(domain.cells.ravel(), share.ravel(), minlength=len(domain.points_mm)))


def _interpolation(
    locator: Locator,
    domain: Domain,
    cells: NDArray[np.int64],
    points_mm: Floats,
    rows: NDArray[np.int64],
    row_count: int,
) -> sparse.csr_matrix:
    """Weights (row_count, nodes) of linear interpolation at points in known cells, in the given rows."""
    weights = np.maximum(locator.barycentric(cells, points_mm), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    nodes = domain.cells[cells]
    row = np.repeat(rows, nodes.shape[1])
    return sparse.csr_matrix((weights.ravel(), (row, nodes.ravel())), shape=(row_count, len(domain.points_mm)))


def _reading(corners: int) -> Floats:
    """Barycentric coordinates (p, corners) of the points at which cells are read, one towards each corner.

    Their mean is exact for a linear field, in a triangle also when it is weighted by the radius.
    """
    return np.asarray((np.eye(corners) + 1.0 / corners) / 2.0)


def _cell_points(domain: Domain, cells: NDArray[np.int64] | slice = slice(None)) -> Floats:
    """Points (m, p, d) at which cells are read."""
    corners = domain.points_mm[domain.cells[cells]]
    return np.asarray(np.einsum("pc,ncx->npx", _reading(corners.shape[1]), corners))


def _point_volumes_mm3(domain: Domain) -> Floats:
    """Volume (m, p) that each of a cell's points stands for."""
    points = _cell_points(domain)
    if not domain.axisymmetric:
        return np.repeat(domain.cell_volumes_mm3[:, None] / points.shape[1], points.shape[1], axis=1)
    share = points[:, :, 0] / points[:, :, 0].sum(axis=1, keepdims=True)
    return np.asarray(domain.cell_volumes_mm3[:, None] * share)


def _overlap(domain: Domain, grid: Grid) -> tuple[tuple[slice, slice, slice], Grid]:
    """The block of voxels that can hold a part of the mesh, and its grid."""
    ends = np.array([domain.points_mm.min(axis=0), domain.points_mm.max(axis=0)])
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
    index = grid.to_index(corners)
    lower = np.clip(np.floor(index.min(axis=0)).astype(np.int64), 0, grid.shape)
    upper = np.clip(np.ceil(index.max(axis=0)).astype(np.int64) + 1, lower, grid.shape)
    block = tuple(slice(int(first), int(last)) for first, last in zip(lower, upper, strict=True))
    return (block[0], block[1], block[2]), grid.part(lower, upper)


def _scaled(values: Floats, total: float, wanted: float) -> Floats:
    """Values times a factor that gives them the wanted total; as they are where there is nothing."""
    return values * (wanted / total) if total != 0.0 else values
