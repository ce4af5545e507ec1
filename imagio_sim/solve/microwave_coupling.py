# SPDX-License-Identifier: LGPL-3.0-or-later
"""Between the half plane of an antenna and the mesh on which tissue is heated, both ways.

To the antenna come permittivities: temperature and tissue are read on circles around its axis and what they make is
averaged over the angle, which is right for a field that lies in planes through the axis. From it comes heat, by points
within each cell, scaled so that exactly the power of the antenna's field arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagio_sim.meshing.antenna import AntennaMesh
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.solve.discretisation import Discretisation, Floats
from imagio_sim.solve.microwave_field import AntennaField, Complexes

Integers = NDArray[np.int64]

ANGLES = 16
"""Points on each circle around the axis."""
# The edges of a cell are halved once for each of these that its size exceeds as a share of its distance from the axis;
# it is then read in the middle of each of its 1, 8 or 64 (triangles: 1, 4 or 16) parts.
_HALVED = (0.12, 0.35)
# Waves around the circle by which one side of an antenna differs from the other, or two sides from two; and those of
# which no side is left, as cells of a mesh make them: they have as much in every wave.
_SIDES, _SCATTER = slice(1, 3), slice(5, 8)
# Points farther than this from the nearest cell, in radii of the antenna, lie beyond the region and not in the cut-out.
_CUT_OUT = 1.5


@dataclass(frozen=True)
class Placement:
    """Where an antenna is: tip (LPS mm; on the axis in the half plane) and unit vector towards the hub."""

    tip_mm: tuple[float, float, float]
    axis: tuple[float, float, float]

    def half_plane(self, points_mm: Floats) -> Floats:
        """Distance from the axis and height above the tip (n, 2) of points of the mesh (n, 3) or (n, 2)."""
        if points_mm.shape[1] == 2:
            return np.asarray(points_mm - np.array([0.0, self.tip_mm[2]]))
        arm = points_mm - np.array(self.tip_mm)
        height = arm @ np.array(self.axis)
        return np.column_stack([np.linalg.norm(arm - height[:, None] * np.array(self.axis), axis=1), height])

    def in_half_plane(self, places_mm: Floats) -> Floats:
        """Points (n, 2) of a half plane's mesh from distance and height (n, 2): the reverse of :meth:`half_plane`."""
        return np.asarray(places_mm + np.array([0.0, self.tip_mm[2]]))

    def outward(self, points_mm: Floats) -> Floats:
        """Unit vectors (n, 3) at right angles to the axis through points (n, 3)."""
        arm = points_mm - np.array(self.tip_mm)
        across = arm - (arm @ np.array(self.axis))[:, None] * np.array(self.axis)
        return np.asarray(across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12))

    def circles(self, half_plane_mm: Floats) -> Floats:
        """Points (n, ANGLES, 3) on the circles through points (n, 2) of the half plane."""
        axis = np.array(self.axis)
        first = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
        first /= np.linalg.norm(first)
        second = np.cross(axis, first)
        turn = 2.0 * np.pi * (np.arange(ANGLES) + 0.5) / ANGLES
        across = np.outer(np.cos(turn), first) + np.outer(np.sin(turn), second)
        centres = np.array(self.tip_mm) + half_plane_mm[:, 1:] * axis
        return np.asarray(centres[:, None] + half_plane_mm[:, 0, None, None] * across)


class AroundAntenna:
    """Tissue around an antenna: temperature and composition on circles through its tissue cells.

    Attributes
    ----------
    fractions
        Volume fractions (n, angles, tissues) at the points.
    covered
        Share (n,) of each circle that lies within the region.
    """

    def __init__(
        self, antenna: AntennaMesh, placement: Placement, *, domain: Domain, space: Discretisation, fractions: Floats
    ) -> None:
        self._comm = space.comm
        centres = antenna.points_mm[antenna.cells[antenna.in_tissue]].mean(axis=1)
        points = placement.in_half_plane(centres)[:, None] if domain.axisymmetric else placement.circles(centres)
        self.shape = points.shape[:2]
        flat = points.reshape(-1, points.shape[2])
        cells, weights, self._distance = _read_at(domain, flat)
        own = np.full(len(domain.cells), -1, dtype=np.int64)
        own[space.input_cell] = np.arange(space.cell_count)
        mine = np.flatnonzero(own[cells] >= 0)
        corners = space.cells[own[cells[mine]]]
        order = _corner_order(space, domain, own[cells[mine]], cells[mine])
        rows = np.repeat(mine, corners.shape[1])
        values = np.take_along_axis(weights[mine], order, axis=1)
        self._reading = sparse.csr_matrix((values.ravel(), (rows, corners.ravel())), shape=(len(flat), space.count))
        self.fractions = fractions[cells].reshape(*self.shape, -1)
        inside = self._distance <= _CUT_OUT * _radius(antenna)
        self.covered = inside.reshape(self.shape).mean(axis=1)

    def temperature(self, nodal: Floats) -> Floats:
        """Temperature (n, angles) at the points, the same on every rank (collective)."""
        return np.asarray(self._comm.allreduce(self._reading @ nodal).reshape(self.shape))


def _radius(antenna: AntennaMesh) -> float:
    """Radius [mm] of the antenna's outside: the smallest distance of tissue from the axis at its upper end."""
    corners = antenna.points_mm[np.unique(antenna.cells[antenna.in_tissue])]
    top = corners[corners[:, 1] > 0.9 * corners[:, 1].max()]
    return float(top[:, 0].min())


def _read_at(domain: Domain, points: Floats) -> tuple[Integers, Floats, Floats]:
    """Cell (n,) and barycentric weights (n, corners) of points, of the nearest cell's middle outside, and how far."""
    locator = Locator(domain)
    cells = locator.cells(points)
    lost = np.flatnonzero(cells < 0)
    distance = np.zeros(len(points))
    centres = domain.points_mm[domain.cells].mean(axis=1)
    if len(lost):
        to_centre, cells[lost] = cKDTree(centres).query(points[lost])
        nearest, _ = cKDTree(domain.points_mm).query(points[lost])
        distance[lost] = np.minimum(to_centre, nearest)
    weights = locator.barycentric(cells, points)
    weights[lost] = 1.0 / weights.shape[1]
    return cells, weights, distance


def _corner_order(space: Discretisation, domain: Domain, local: Integers, cells: Integers) -> Integers:
    """Which corner of an input cell (n,) each corner (n, corners) of this rank's cell is."""
    here = space.input_node[space.cells[local]]
    return np.asarray((here[:, :, None] == domain.cells[cells][:, None, :]).argmax(axis=2))


def variation_around(relative: Complexes, powers: Floats) -> tuple[float, float]:
    """By how much the permittivity differs from side to side of an antenna, and by how much without any order.

    Parameters
    ----------
    relative
        Permittivity (n, angles) around the antenna over its mean on each circle.
    powers
        Of the circles (n,), by which they count.

    Returns
    -------
    tuple
        Relative variations, root mean square. The first is that of the two longest waves around the circle, less what
        every wave has of the scatter; the second is all the rest.
    """
    angles = relative.shape[1]
    squared = np.abs(np.fft.fft(relative - 1.0, axis=1) / angles) ** 2
    total = powers @ squared / powers.sum()
    # A wave and the one that runs the other way.
    waves = np.array([total[wave] + total[-wave] for wave in range((angles + 1) // 2)])
    if len(waves) < _SCATTER.stop:
        return 0.0, 0.0
    found = waves[_SIDES]
    sides = max(float(found.sum() - len(found) * waves[_SCATTER].mean()), 0.0)
    return sides**0.5, max(float(total.sum()) - sides, 0.0) ** 0.5


class HeatTransfer:
    """Heat of an antenna's field on this rank's cells.

    Attributes
    ----------
    mismatch
        By how much the power read on the cells differed from the power of the field, of the last field.
    """

    def __init__(
        self,
        antenna: AntennaMesh,
        placement: Placement,
        *,
        space: Discretisation,
        cell_volume: Floats,
        covered: Floats,
    ) -> None:
        self._space, self._volume, self._covered = space, cell_volume, covered
        self._tissue = antenna.in_tissue
        self._placement, self._three_dimensional = placement, space.dimension == 3
        corners = space.points[space.cells] * 1e3
        half_plane = Domain(antenna.points_mm, antenna.cells[antenna.in_tissue], {}, 1.0, axisymmetric=True)
        self._locator, self._node_count = Locator(half_plane), 3 * int(antenna.in_tissue.sum())
        self._centres = corners.mean(axis=1)
        self._weights = self._mean_weights(corners)
        self._middle = self._values_at(self._centres, np.arange(len(corners)), np.ones(len(corners)))
        self.mismatch = 0.0

    def _mean_weights(self, corners: Floats) -> sparse.csr_matrix:
        """Matrix (cells, 3 per antenna cell) that gives the mean of a field over each cell."""
        off_axis = self._placement.half_plane(self._centres)[:, 0]
        size = np.linalg.norm(corners - self._centres[:, None], axis=2).max(axis=1)
        level = sum((size > share * off_axis).astype(int) for share in _HALVED)
        total = sparse.csr_matrix((len(corners), self._node_count))
        for depth in range(len(_HALVED) + 1):
            chosen = np.flatnonzero(level == depth)
            middles = _middles_of_parts(corners[chosen], depth)
            weights = np.full(middles.shape[:2], 1.0 / middles.shape[1])
            if not self._three_dimensional:
                weights = middles[:, :, 0] / middles[:, :, 0].sum(axis=1, keepdims=True)
            owner = np.repeat(chosen, middles.shape[1])
            total = total + self._values_at(middles.reshape(-1, middles.shape[2]), owner, weights.ravel())
        return total

    def _values_at(self, points_mm: Floats, owner: Integers, weights: Floats) -> sparse.csr_matrix:
        """Matrix that adds up a field at points with weights for each owning cell; nothing outside the field."""
        places = self._placement.half_plane(points_mm)
        cells = self._locator.cells(places)
        found = np.flatnonzero(cells >= 0)
        barycentric = self._locator.barycentric(cells[found], places[found]) * weights[found, None]
        columns = 3 * cells[found][:, None] + np.arange(3)
        entries = (barycentric.ravel(), (np.repeat(owner[found], 3), columns.ravel()))
        return sparse.csr_matrix(entries, shape=(self._space.cell_count, self._node_count))

    def power_in_region(self, field: AntennaField) -> float:
        """Power [W] that the field of 1 W deposits in the region's tissue."""
        return float(field.cell_powers[self._tissue] @ self._covered)

    def heat(self, field: AntennaField, around: Floats, own: Floats) -> Floats:
        """Heat (cell_count,) [W/m3] of a field of 1 W (collective).

        The square of the field is carried over, and every cell takes heat from it by its own conductivity: a cell that
        dries before the rest of its circle must not go on to take the heat of the moist ones.

        Parameters
        ----------
        around
            Effective conductivity [S/m] (n,) of the antenna's tissue cells, with which the field was solved.
        own
            That of this rank's cells (cell_count,).
        """
        density = own * (self._weights @ (field.heat[self._tissue] / around[:, None]).ravel())
        wanted, read = self.power_in_region(field), self._space.total(float(density @ self._volume))
        self.mismatch = read / wanted - 1.0 if wanted > 0.0 else 0.0
        return np.asarray(density * (wanted / read)) if read > 0.0 else density

    def direction(self, field: AntennaField) -> Complexes:
        """Electric field (cell_count, 3) of 1 W as a complex unit vector in space; zero where there is none."""
        parts = self._middle @ field.electric[self._tissue].reshape(-1, 2)
        vectors = parts[:, :1] * self._placement.outward(self._centres) + parts[:, 1:] * np.array(self._placement.axis)
        size = np.sqrt((np.abs(vectors) ** 2).sum(axis=1, keepdims=True))
        return np.asarray(np.where(size > 0.0, vectors / np.where(size > 0.0, size, 1.0), 0.0))


def superposed(heats: Sequence[Floats], directions: Sequence[Complexes], phases: Sequence[float]) -> Floats:
    """Heat (cell_count,) [W/m3] of fields that oscillate together.

    Parameters
    ----------
    heats
        What each would do alone.
    directions
        Complex unit vector of the electric field of each (cell_count, 3).
    phases
        By which each wave comes earlier than at phase 0 [rad].

    Notes
    -----
    Heat goes with the square of the sum of the electric fields, each of which goes with the root of its own heat; so it
    is never negative, and the sum of the heats alone where the fields are at right angles to each other.
    """
    total = np.zeros((len(heats[0]), 3), dtype=complex)
    for heat, direction, phase in zip(heats, directions, phases, strict=True):
        total += np.exp(1j * phase) * np.sqrt(heat)[:, None] * direction
    return np.asarray((np.abs(total) ** 2).sum(axis=1))


def _middles_of_parts(corners: Floats, depth: int) -> Floats:
    """Middles (m, parts, d) of the equal parts of simplices (m, d + 1, d) whose edges are halved ``depth`` times."""
    dimension = corners.shape[2]
    split = _TETRAHEDRON if dimension == 3 else _TRIANGLE
    parts = np.eye(dimension + 1)[None]
    for _ in range(depth):
        parts = np.einsum("spc,ncd->nspd", split, parts).reshape(-1, dimension + 1, dimension + 1)
    return np.asarray(np.einsum("nc,mcd->mnd", parts.mean(axis=1), corners))


def _pieces(dimension: int, corners: Sequence[Sequence[tuple[int, int]]]) -> Floats:
    """Barycentric coordinates (pieces, corner, coordinate) of pieces whose corners are middles of pairs of corners."""
    unit = np.eye(dimension + 1)
    return np.array([[0.5 * (unit[first] + unit[second]) for first, second in piece] for piece in corners])


_TRIANGLE = _pieces(
    2,
    [
        [(0, 0), (0, 1), (0, 2)],
        [(0, 1), (1, 1), (1, 2)],
        [(0, 2), (1, 2), (2, 2)],
        [(0, 1), (1, 2), (0, 2)],
    ],
)
# Four at the corners and four from the octahedron between them, split along one diagonal.
_TETRAHEDRON = _pieces(
    3,
    [
        [(0, 0), (0, 1), (0, 2), (0, 3)],
        [(0, 1), (1, 1), (1, 2), (1, 3)],
        [(0, 2), (1, 2), (2, 2), (2, 3)],
        [(0, 3), (1, 3), (2, 3), (3, 3)],
        [(0, 1), (2, 3), (0, 2), (0, 3)],
        [(0, 1), (2, 3), (0, 3), (1, 3)],
        [(0, 1), (2, 3), (1, 3), (1, 2)],
        [(0, 1), (2, 3), (1, 2), (0, 2)],
    ],
)
