# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where a vessel given by its centre line touches the mesh: its wall on the nodes around it, its lumen, its segments.

A vessel may be thinner than a cell or several cells wide. The tissue temperature outside a segment is the mean over a
cylinder about it: the wall itself where the mesh resolves it, else a shell so wide that the mesh can tell what happens
on it; the conduction between shell and wall is then counted in closed form (line sources smeared over a kernel, as in
Koch et al. 2020). Heat is given back to the nodes with the weights with which their temperature was taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.centre_line import arc_lengths, project
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.quality import cell_sizes_mm
from imagio_sim.meshing.sample import barycentric_lattice

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Length of a segment, and distance of the points on a ring, in local cell sizes.
_LENGTH_PER_CELL, _RING_PER_CELL = 0.5, 0.4
_FEWEST_SEGMENTS, _MOST_SEGMENTS = 4, 400
_FEWEST_ON_RING, _MOST_ON_RING = 12, 64
# Measured on regular meshes (tests/solve/test_vessel_lines.py), in cell sizes: from this radius on a vessel is
# resolved, and heat given to the tissue's share of the nodes at its wall acts as if given this far outside of it.
_RESOLVED_PER_CELL, _OUTSIDE_PER_CELL = 1.0, 0.21
# Heat given to a shell of at least this radius acts as if given at the root of the sum of its square and that of the
# second, by which the mesh smears it.
_SHELL_PER_CELL, _SMEARED_PER_CELL = 0.5, 0.48
# Cell size [mm] assumed where a line runs beyond the mesh.
_SIZE_BEYOND_MM = 4.0
# The cell size along a line is looked up at this distance [mm].
_PROBING_MM = 0.5
# A node is the lumen's, and not the wall's, when more than this share of the volume around it lies within the vessel:
# less leaves heat that is deposited in blood beside the wall, more takes of the wall what it stands for.
_MOSTLY_LUMEN = 0.7
_LATTICE_ORDER = 4


@dataclass(frozen=True, eq=False)
class CentreLine:
    """A vessel in the direction of its flow: points (n, 3) LPS mm and the radius (n,) [mm] at each."""

    name: str
    points_mm: Floats
    radii_mm: Floats

    @property
    def arc_mm(self) -> Floats:
        """Arc length (n,) at each point."""
        return arc_lengths(self.points_mm)

    def points_at(self, arc_mm: Floats) -> Floats:
        """Points (k, 3) at arc lengths (k,)."""
        return np.stack([np.interp(arc_mm, self.arc_mm, self.points_mm[:, axis]) for axis in range(3)], axis=-1)

    def radius_at(self, arc_mm: Floats) -> Floats:
        """Radius (k,) at arc lengths (k,)."""
        return np.interp(arc_mm, self.arc_mm, self.radii_mm)


@dataclass(frozen=True, eq=False)
class Shares:
    """Sparse shares of nodes or cells in segments: entries (e,) of segment, node (or cell) and weight."""

    segment: Integers
    index: Integers
    weight: Floats


@dataclass(frozen=True, eq=False)
class VesselContact:
    """One centre line cut into m segments on a mesh.

    Attributes
    ----------
    arc_mm, ends_mm
        Arc length (m + 1,) and place (m + 1, 3) of the segments' ends.
    radius_mm
        Of the vessel in the middle of each segment (m,).
    shell_mm
        Radius (m,) for which the tissue temperature outside stands; the vessel's own where the mesh resolves it.
    found
        Share (m,) of each segment's cylinder that lies in the mesh.
    wall
        Weights of the nodes in the tissue temperature outside each segment; they sum to one where any was found.
    cells
        The same for the cells it lies in.
    lumen
        Volume of blood [mm3] at the nodes that lie mostly within a resolved vessel.
    lumen_fraction
        Share of each cell of the mesh within a resolved vessel.
    """

    arc_mm: Floats
    ends_mm: Floats
    radius_mm: Floats
    shell_mm: Floats
    found: Floats
    wall: Shares
    cells: Shares
    lumen: Shares
    lumen_fraction: Floats

    @property
    def wall_area_mm2(self) -> float:
        """Area of the vessel's wall in the mesh."""
        return float((2.0 * np.pi * self.radius_mm * np.diff(self.arc_mm)) @ self.found)


def vessel_contact(domain: Domain, locator: Locator, line: CentreLine) -> VesselContact:
    """Cut a centre line into segments of about half a cell and find what of the mesh is around each."""
    sizes = cell_sizes_mm(domain)
    arc = _segment_ends(line, locator, sizes)
    middle = np.asarray((arc[1:] + arc[:-1]) / 2.0)
    radius, ends = line.radius_at(middle), line.points_at(arc)
    local = _sizes_at(line.points_at(middle), locator, sizes)
    resolved = radius >= _RESOLVED_PER_CELL * local
    shell = np.where(resolved, radius, np.maximum(radius, _SHELL_PER_CELL * local))
    effective = np.where(resolved, radius + _OUTSIDE_PER_CELL * local, np.hypot(shell, _SMEARED_PER_CELL * local))
    rings = _rings(line.points_at(middle), np.diff(ends, axis=0), shell, local)
    fraction = _lumen_fraction(domain, line, arc, resolved)
    filled = _share_of_nodes(domain, fraction)
    solid = np.where(filled > _MOSTLY_LUMEN, 0.0, 1.0 - filled)
    wall, cells, found = _weights(domain, locator, rings, solid, len(middle))
    lumen = _lumen(domain, line, arc, filled, resolved)
    return VesselContact(arc, ends, radius, effective, found, wall, cells, lumen, fraction)


def _sizes_at(points_mm: Floats, locator: Locator, sizes: Floats) -> Floats:
    """Size [mm] (k,) of the cells that hold points (k, 3)."""
    cells = locator.cells(points_mm)
    return np.where(cells >= 0, sizes[cells], _SIZE_BEYOND_MM)


def _segment_ends(line: CentreLine, locator: Locator, sizes: Floats) -> Floats:
    """Arc lengths (m + 1,) that cut a line into segments in proportion to the cells it runs through."""
    known = line.arc_mm
    probed = np.asarray(np.linspace(0.0, known[-1], max(2, int(np.ceil(known[-1] / _PROBING_MM)) + 1)), np.float64)
    density = 1.0 / (_LENGTH_PER_CELL * _sizes_at(line.points_at(probed), locator, sizes))
    steps = np.diff(probed) * (density[1:] + density[:-1]) / 2.0
    counted = np.concatenate([[0.0], np.cumsum(steps)])
    number = int(np.clip(np.ceil(counted[-1]), _FEWEST_SEGMENTS, _MOST_SEGMENTS))
    return np.asarray(np.interp(np.linspace(0.0, counted[-1], number + 1), counted, probed), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Rings:
    """Points (p, 3) around the segments, and the segment (p,) of each."""

    points_mm: Floats
    segment: Integers


def _rings(middles: Floats, directions: Floats, radii: Floats, sizes: Floats) -> _Rings:
    """Evenly spaced points on a circle about the middle of each segment."""
    counts = np.clip(np.ceil(2.0 * np.pi * radii / (_RING_PER_CELL * sizes)), _FEWEST_ON_RING, _MOST_ON_RING)
    first, second = _across(directions)
    segment = np.repeat(np.arange(len(middles)), counts.astype(int))
    place = np.concatenate([np.arange(count) / count for count in counts.astype(int)])
    # Rings of neighbouring segments are turned against each other, so that their points fall into other cells.
    angle = 2.0 * np.pi * (place + np.sqrt(0.5) * segment)
    outward = np.cos(angle)[:, None] * first[segment] + np.sin(angle)[:, None] * second[segment]
    return _Rings(middles[segment] + radii[segment, None] * outward, segment)


def _across(directions: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors (m, 3) across each direction (m, 3)."""
    along = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    least = np.eye(3)[np.abs(along).argmin(axis=1)]
    first = np.cross(along, least)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return first, np.cross(along, first)


def _weights(
    domain: Domain, locator: Locator, rings: _Rings, solid: Floats, count: int
) -> tuple[Shares, Shares, Floats]:
    """Weights of nodes and cells, and the share (count,) of each segment's ring that lies in the mesh.

    ``solid`` is by how much each node (nodes,) stands for tissue: one within the vessel does not.
    """
    held = locator.cells(rings.points_mm)
    inside = np.flatnonzero(held >= 0)
    segment, cells = rings.segment[inside], held[inside]
    asked = np.bincount(rings.segment, minlength=count)
    met = np.bincount(segment, minlength=count)
    nodes = domain.cells[cells]
    corners = np.maximum(locator.barycentric(cells, rings.points_mm[inside]), 0.0) * solid[nodes]
    wall = Shares(np.repeat(segment, corners.shape[1]), nodes.ravel(), corners.ravel())
    return _gathered(wall, count), _gathered(Shares(segment, cells, np.ones(len(cells))), count), met / asked


def _gathered(shares: Shares, count: int) -> Shares:
    """The same with one entry per pair, and weights that sum to one in each segment."""
    from scipy.sparse import coo_array

    size = int(shares.index.max(initial=-1)) + 1
    matrix = coo_array((shares.weight, (shares.segment, shares.index)), shape=(count, size)).tocsr()
    total = np.asarray(matrix.sum(axis=1)).ravel()
    entries = matrix.tocoo()
    segment, index = (np.asarray(part, dtype=np.int64) for part in entries.coords)
    return Shares(segment, index, entries.data / total[segment])


def _lumen_fraction(domain: Domain, line: CentreLine, arc: Floats, resolved: NDArray[np.bool_]) -> Floats:
    """Share of each cell (cells,) within the vessel where the mesh resolves it."""
    fraction = np.zeros(len(domain.cells))
    if resolved.any():
        near = _cells_near(domain, line)
        lattice = np.einsum("pc,ncx->npx", barycentric_lattice(_LATTICE_ORDER), domain.points_mm[domain.cells[near]])
        within, _ = _within(lattice.reshape(-1, 3), line, arc, resolved)
        fraction[near] = within.reshape(len(near), -1).mean(axis=1)
    return fraction


def _share_of_nodes(domain: Domain, fraction: Floats) -> Floats:
    """Share of the volume around each node (nodes,), for a share of each cell (cells,)."""
    corners, count = domain.cells.ravel(), len(domain.points_mm)
    filled = np.bincount(corners, np.repeat(domain.cell_volumes_mm3 * fraction, 4), minlength=count)
    return np.asarray(filled / _around(domain))


def _around(domain: Domain) -> Floats:
    """Volume [mm3] of the cells around each node (nodes,)."""
    corners, volumes = domain.cells.ravel(), np.repeat(domain.cell_volumes_mm3, 4)
    return np.asarray(np.bincount(corners, volumes, minlength=len(domain.points_mm)), dtype=np.float64)


def _lumen(domain: Domain, line: CentreLine, arc: Floats, filled: Floats, resolved: NDArray[np.bool_]) -> Shares:
    """Volume [mm3] of blood that belongs to each node of the lumen, by segment."""
    nodes = np.flatnonzero(filled > _MOSTLY_LUMEN)
    _, segment = _within(domain.points_mm[nodes], line, arc, resolved)
    return Shares(segment, nodes, np.asarray((filled * _around(domain))[nodes] / 4.0))


def _cells_near(domain: Domain, line: CentreLine) -> Integers:
    """Cells that a vessel may reach into."""
    corners = domain.points_mm[domain.cells]
    centres = corners.mean(axis=1)
    reach = line.radii_mm.max() + np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1)
    lower, upper = line.points_mm.min(axis=0), line.points_mm.max(axis=0)
    outside = np.maximum(np.maximum(lower - centres, centres - upper), 0.0)
    candidates = np.flatnonzero(np.linalg.norm(outside, axis=1) <= reach)
    distance, _ = project(line.points_mm, centres[candidates])
    return np.asarray(candidates[distance <= reach[candidates]])


def _within(
    points_mm: Floats, line: CentreLine, arc: Floats, resolved: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Integers]:
    """Whether points (n, 3) lie in a resolved part of the vessel, and the segment (n,) next to each."""
    distance, place = project(line.points_mm, points_mm)
    segment = np.clip(np.searchsorted(arc, place, side="right") - 1, 0, len(resolved) - 1)
    between = (place > 0.0) & (place < arc[-1])
    return (distance < line.radius_at(place)) & resolved[segment] & between, segment
