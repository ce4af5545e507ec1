# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the anatomy says about each cell: tissue fractions, vessel walls and lumen, what is not known.

Sampling never fails on a rough segmentation. Every cell is asked at points on a regular barycentric lattice, so equal
meshes give equal samples; the lattice is finer in cells that are large beside a voxel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import ClosedSurface, Image, LabelVolume
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.quality import cell_sizes_mm

VESSEL = "vessel"

# Distance of neighbouring sample points in voxel edges, and limits to the points along a cell's edge.
_SPACING_PER_VOXEL = 0.75
_FEWEST, _MOST = 2, 8
_POINTS_AT_ONCE = 1_000_000
# Wall triangles longer than this share of their cell are quartered, at most so many times.
_LONGEST_PER_CELL = 0.5
_MOST_QUARTERINGS = 7


class TissueSampler(Protocol):
    """What meshing needs of an anatomy; :class:`imagio_sim.anatomy.model.Anatomy` is one."""

    @property
    def labels(self) -> LabelVolume:
        """The label volume, LPS."""

    @property
    def tissue_names(self) -> tuple[str, ...]:
        """Every tissue that can occur."""

    @property
    def outside(self) -> str:
        """Tissue of what lies beyond the image, or ``cut``."""

    def sample(self, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.int16], NDArray[np.bool_], NDArray[np.bool_]]:
        """Tissue index (n,) (-1: cut away), and whether a point is unlabelled or outside the image."""

    def mask_of_role(self, role: str) -> NDArray[np.bool_]:
        """Voxels (i, j, k) of every label with this role."""

    def vessel_surfaces(self) -> dict[str, ClosedSurface]:
        """Smooth surface of every vessel label, by name."""


def sample(domain: Domain, anatomy: TissueSampler) -> Sampled:
    """Sample an anatomy onto the cells of a domain; a cell of a half plane stands for the ring that it sweeps.

    The fractions of a cell that lies wholly beyond an image whose outside is cut away are all zero;
    :func:`imagio_sim.meshing.cut.cut_outside` removes such cells.
    """
    counts = _counted(domain, anatomy)
    total = counts.tissue.sum(axis=1, keepdims=True)
    fractions = counts.tissue / np.where(total > 0.0, total, 1.0)
    areas = wall_areas_by_vessel(domain, anatomy.vessel_surfaces())
    return Sampled(
        tissues=anatomy.tissue_names,
        fractions=fractions,
        unlabelled_fraction=counts.unlabelled / counts.asked,
        outside_fraction=counts.outside / counts.asked,
        wall_area_mm2=sum(areas.values(), start=np.zeros(len(domain.cells))),
        lumen_fraction=counts.lumen / counts.asked,
        vessel_shares=vessel_shares(domain, areas),
    )


def sample_image(domain: Domain, image: Image) -> NDArray[np.float64]:
    """Mean of an image over the sample points of each cell (m,) that lie within it; nan where none does."""
    total, inside_count = np.zeros(len(domain.cells)), np.zeros(len(domain.cells))
    for chunk, points in _sample_points(domain, image.grid.voxel_volume_mm3):
        voxel, inside = image.grid.nearest(points.reshape(-1, 3))
        shape = points.shape[:2]
        weights = inside.reshape(shape) * (points[..., 0] if domain.axisymmetric else 1.0)
        total[chunk] = (image.values[tuple(voxel.T)].reshape(shape) * weights).sum(axis=1)
        inside_count[chunk] = weights.sum(axis=1)
    return np.where(inside_count > 0.0, total / np.where(inside_count > 0.0, inside_count, 1.0), np.nan)


@dataclass(frozen=True, eq=False)
class _Counts:
    """How much was asked of each cell (m,), and what it met: tissue (m, tissues) and the rest (m,)."""

    asked: NDArray[np.float64]
    tissue: NDArray[np.float64]
    unlabelled: NDArray[np.float64]
    outside: NDArray[np.float64]
    lumen: NDArray[np.float64]


def _counted(domain: Domain, anatomy: TissueSampler) -> _Counts:
    """Ask the anatomy at all sample points; in a half plane a point counts by the ring it sweeps."""
    cells, tissues = len(domain.cells), len(anatomy.tissue_names)
    counts = _Counts(np.zeros(cells), np.zeros((cells, tissues)), np.zeros(cells), np.zeros(cells), np.zeros(cells))
    lumen = anatomy.mask_of_role(VESSEL)
    grid = anatomy.labels.grid
    for chunk, points in _sample_points(domain, grid.voxel_volume_mm3):
        flat = points.reshape(-1, 3)
        shape = points.shape[:2]
        weights = points[..., 0] if domain.axisymmetric else np.ones(shape)
        index, unlabelled, outside = anatomy.sample(flat)
        counts.asked[chunk] = weights.sum(axis=1)
        counts.tissue[chunk] = _histograms(index.reshape(shape), weights, tissues)
        counts.unlabelled[chunk] = (unlabelled.reshape(shape) * weights).sum(axis=1)
        counts.outside[chunk] = (outside.reshape(shape) * weights).sum(axis=1)
        if lumen.any():
            voxel, inside = grid.nearest(flat)
            counts.lumen[chunk] = ((lumen[tuple(voxel.T)] & inside).reshape(shape) * weights).sum(axis=1)
    return counts


def _histograms(index: NDArray[np.int16], weights: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Weight of each tissue (c, count) in each row (c, points); -1 counts as none."""
    rows = np.arange(len(index), dtype=np.int64)[:, None] * (count + 1)
    flat = (rows + index + 1).ravel()
    found = np.bincount(flat, weights.ravel(), minlength=len(index) * (count + 1))
    return np.asarray(found, dtype=np.float64).reshape(-1, count + 1)[:, 1:]


def _sample_points(domain: Domain, voxel_volume_mm3: float) -> Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Numbers (c,) of cells that take the same lattice, and their sample points (c, p, 3), chunk by chunk."""
    spacing = _SPACING_PER_VOXEL * voxel_volume_mm3 ** (1.0 / 3.0)
    # A half plane has few cells, and a phantom's layers are sharper than voxels.
    fewest = _MOST if domain.axisymmetric else _FEWEST
    orders = np.clip(np.ceil(cell_sizes_mm(domain) / spacing), fewest, _MOST).astype(int)
    corners = domain.points_in_space_mm
    for order in np.unique(orders):
        weights = barycentric_lattice(int(order), domain.cells.shape[1])
        numbers = np.flatnonzero(orders == order)
        size = max(1, _POINTS_AT_ONCE // len(weights))
        for start in range(0, len(numbers), size):
            chunk = numbers[start : start + size]
            yield chunk, np.einsum("pc,ncx->npx", weights, corners[domain.cells[chunk]])


@cache
def barycentric_lattice(order: int, corners: int = 4) -> NDArray[np.float64]:
    """Barycentric coordinates (p, corners) of a regular lattice inside a simplex.

    The points are the centres of the upright simplices when every edge is divided into ``order`` parts: in a
    tetrahedron p = order (order + 1) (order + 2) / 6.
    """
    steps = [row for row in product(range(order), repeat=corners) if sum(row) == order - 1]
    return (np.array(steps) + 1.0 / corners) / order


def wall_areas(domain: Domain, surfaces: Mapping[str, ClosedSurface]) -> NDArray[np.float64]:
    """Wall area [mm2] of all vessels together in each cell (m,)."""
    return sum(wall_areas_by_vessel(domain, surfaces).values(), start=np.zeros(len(domain.cells)))


def wall_areas_by_vessel(domain: Domain, surfaces: Mapping[str, ClosedSurface]) -> dict[str, NDArray[np.float64]]:
    """Wall area [mm2] of each vessel in each cell (m,)."""
    if not surfaces:
        return {}
    locator, sizes = Locator(domain), cell_sizes_mm(domain)
    return {name: _wall_area(domain, locator, sizes, surface) for name, surface in surfaces.items()}


def _wall_area(
    domain: Domain, locator: Locator, sizes: NDArray[np.float64], surface: ClosedSurface
) -> NDArray[np.float64]:
    """Area [mm2] of one wall in each cell (m,).

    Every wall triangle gives its area to the cell that holds its centre, after quartering until it is no longer than
    half that cell, so that the area of a wall is spread over the cells it runs through and none is lost.
    """
    area = np.zeros(len(domain.cells))
    triangles = _within_box(surface.points_mm[surface.triangles], domain)
    for quarterings_left in reversed(range(_MOST_QUARTERINGS + 1)):
        cells = locator.cells(triangles.mean(axis=1))
        inside = cells >= 0
        # A large triangle may reach into the region though its centre does not.
        long = _longest_edge(triangles) > np.where(inside, _LONGEST_PER_CELL * sizes[cells], sizes.max())
        settled = inside & ~long if quarterings_left else inside
        area += np.bincount(cells[settled], weights=_triangle_area(triangles[settled]), minlength=len(area))
        triangles = _within_box(_quartered(triangles[long]), domain)
    return area


def vessel_shares(domain: Domain, areas: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Share of each vessel in each cell (m,): that of its wall, and the nearest wall's where there is none."""
    from scipy.spatial import cKDTree

    total = sum(areas.values(), start=np.zeros(len(domain.cells)))
    walled = np.flatnonzero(total > 0.0)
    if not len(walled):
        return {}
    centres = domain.points_mm[domain.cells].mean(axis=1)
    nearest = walled[cKDTree(centres[walled]).query(centres)[1]]
    return {name: area[nearest] / total[nearest] for name, area in areas.items() if area.any()}


def _within_box(triangles: NDArray[np.float64], domain: Domain) -> NDArray[np.float64]:
    """Triangles (t, 3, 3) that may reach into the domain."""
    lower, upper = domain.points_mm.min(axis=0), domain.points_mm.max(axis=0)
    reaching = (triangles.max(axis=1) >= lower) & (triangles.min(axis=1) <= upper)
    return np.asarray(triangles[reaching.all(axis=1)])


def _longest_edge(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longest edge (t,) of triangles (t, 3, 3)."""
    return np.asarray(np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1, initial=0.0))


def _triangle_area(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area (t,) of triangles (t, 3, 3)."""
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return np.asarray(np.linalg.norm(normals, axis=1) / 2.0)


def _quartered(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each triangle as four of half the edge (4 t, 3, 3)."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    ab, bc, ca = (a + b) / 2.0, (b + c) / 2.0, (c + a) / 2.0
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([np.stack(part, axis=1) for part in parts])
