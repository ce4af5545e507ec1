# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arteries as a tree of points in the direction of flow, from a label or from centre lines.

From a label: its skeleton (Lee's thinning, scikit-image) is a graph of voxels; the shortest paths from where blood
enters make it a tree, loops of touching branches included. Side twigs shorter than the artery is wide there are
artefacts of thinning and are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.errors import InputError

Floats = NDArray[np.float64]
Points = NDArray[np.int64]
Mask = NDArray[np.bool_]

FARTHEST_TIP_MM = 10.0
"""A catheter's tip farther from every artery than this is refused: no artery of the tree is meant."""
JUNCTION_MM = 2.0
"""A centre line that begins this close to another one begins there, or within that one's radius."""
SPACING_MM = 1.0
"""Centre lines are followed in steps of at most this."""

_ROOT = -1


class CentreLineOfArtery(NamedTuple):
    """Points (n, 3) [LPS mm] in the direction of flow, and the radius at each (n,) [mm], 0 where it is not known."""

    points_mm: Floats
    radii_mm: Floats


@dataclass(frozen=True, eq=False)
class ArteryTree:
    """Points of arteries, each with the one upstream of it.

    Attributes
    ----------
    points_mm
        (n, 3) LPS; every point comes after the one upstream of it.
    parent
        Number (n,) of that one; -1 where blood enters.
    lumen_mm
        Points (m, 3) of the arteries' lumen, by which the distance of a catheter's tip is judged, and ``lumen_point``
        (m,), the tree's point nearest to each.
    """

    points_mm: Floats
    parent: Points
    lumen_mm: Floats
    lumen_point: Points

    @property
    def terminals(self) -> Points:
        """Numbers of the points that have none downstream."""
        ends = np.ones(len(self.parent), dtype=bool)
        ends[self.parent[self.parent != _ROOT]] = False
        return np.flatnonzero(ends)

    def downstream(self, point: int) -> Mask:
        """Which points (n,) get their blood through this one, itself included."""
        found = np.zeros(len(self.parent), dtype=bool)
        found[point] = True
        for number in range(point + 1, len(self.parent)):
            found[number] = self.parent[number] != _ROOT and found[self.parent[number]]
        return found

    def at_tip(self, tip_mm: Floats, *, where: str) -> int:
        """Number of the point at which a catheter's tip (3,) lies; refused where no artery is near."""
        distance = np.linalg.norm(self.lumen_mm - tip_mm, axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] > FARTHEST_TIP_MM:
            raise InputError(
                where,
                found=f"a tip {distance[nearest]:.1f} mm from the nearest artery, which is at LPS "
                f"({_text(self.lumen_mm[nearest])}) mm",
                allowed=f"a tip within {FARTHEST_TIP_MM:g} mm of an artery",
                remedy="check the tip and its frame (RAS or LPS)",
            )
        return int(self.lumen_point[nearest])


def _text(point_mm: Floats) -> str:
    return ", ".join(f"{coordinate:.1f}" for coordinate in point_mm)


def tree_of_label(arteries: Mask, grid: Grid, *, inlet_mm: Floats | None, where: str) -> ArteryTree:
    """Tree of an artery label (i, j, k); of several pieces the one where blood enters.

    Blood enters at the point of the skeleton nearest to ``inlet_mm`` (3,), or without one where the arteries are
    widest (of equals the first voxel in index order).
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    box, corner = _box_around(arteries, where)
    radius = distance_transform_edt(box, sampling=grid.spacing_mm)
    index = np.argwhere(skeletonize(box))
    points = grid.to_lps((index + corner).astype(float))
    radii = radius[tuple(index.T)]
    entry = int(radii.argmax() if inlet_mm is None else np.linalg.norm(points - inlet_mm, axis=1).argmin())
    order, parent = _paths_from(entry, index, points)
    kept = _without_twigs(points[order], parent, radii[order], float(grid.spacing_mm.max()))
    points, parent = _renumbered(points[order], parent, kept)
    lumen = grid.to_lps((np.argwhere(box) + corner).astype(float))
    return ArteryTree(points, parent, lumen, _nearest(points, lumen))


def _box_around(arteries: Mask, where: str) -> tuple[Mask, Points]:
    """The part (padded by a voxel) that holds the label, and the index (3,) of its first voxel."""
    occupied = np.argwhere(arteries)
    if not len(occupied):
        raise InputError(where, found="no voxel", allowed="arteries of at least one voxel", remedy="check the label")
    lower, upper = occupied.min(axis=0), occupied.max(axis=0) + 1
    part = arteries[tuple(slice(int(a), int(b)) for a, b in zip(lower, upper, strict=True))]
    return np.pad(part, 1), lower - 1


def _paths_from(entry: int, index: Points, points: Floats) -> tuple[Points, Points]:
    """Order (n,) of the points by their path from the entry, and the place in that order of each one's parent."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra
    from scipy.spatial import cKDTree

    pairs = cKDTree(index).query_pairs(1.8, output_type="ndarray")  # neighbours also across voxel corners
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    graph = coo_matrix((lengths, (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    distance, before = dijkstra(graph, directed=False, indices=entry, return_predecessors=True)
    order = np.argsort(distance, kind="stable")[: int(np.isfinite(distance).sum())]
    place = np.full(len(points), _ROOT)
    place[order] = np.arange(len(order))
    upstream = before[order]
    return order, np.where(upstream >= 0, place[np.maximum(upstream, 0)], _ROOT)


def _without_twigs(points: Floats, parent: Points, radii: Floats, voxel_mm: float) -> Mask:
    """Points (n,) that are left without side twigs that end within the artery they leave."""
    children: list[list[int]] = [[] for _ in parent]
    for number, above in enumerate(parent):
        if above != _ROOT:
            children[above].append(number)
    reach, kept = np.zeros(len(parent)), np.ones(len(parent), dtype=bool)
    for number in range(len(parent) - 1, -1, -1):
        lengths = [reach[child] + float(np.linalg.norm(points[child] - points[number])) for child in children[number]]
        reach[number] = max(lengths, default=0.0)
        longest = lengths.index(reach[number]) if lengths else 0
        for position, child in enumerate(children[number]):
            kept[child] = position == longest or lengths[position] >= radii[number] + voxel_mm
    for number, above in enumerate(parent):  # what hangs on a dropped twig goes with it
        kept[number] &= above == _ROOT or kept[above]
    return kept


def _renumbered(points: Floats, parent: Points, kept: Mask) -> tuple[Floats, Points]:
    place = np.cumsum(kept) - 1
    above = parent[kept]
    return points[kept], np.where(above == _ROOT, _ROOT, place[np.maximum(above, 0)])


def _nearest(points: Floats, asked: Floats) -> Points:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(asked)[1], dtype=np.int64)


def tree_of_lines(lines: Sequence[CentreLineOfArtery], *, where: str) -> ArteryTree:
    """Tree of centre lines in the direction of flow.

    A line that begins in another one, or runs along it at first as lines from a common inlet do, belongs to it up to
    where it leaves it for good; the order of the lines says nothing.

    Raises
    ------
    InputError
        When there is no line, or lines run in a circle; ``where`` names their file.
    """
    if not lines:
        raise InputError(where, found="no line", allowed="at least one centre line", remedy="check the file")
    waiting = [_resampled(line) for line in lines]
    points: Floats = np.empty((0, 3))
    radii: Floats = np.empty(0)
    parent: Points = np.empty(0, dtype=np.int64)
    while waiting:
        line = waiting.pop(_next_to_place(waiting, points, radii, where))
        begin, above = _where_it_leaves(line, points, radii)
        count, first = len(line.points_mm) - begin, len(points)
        own = np.arange(first - 1, first + count - 1)
        own[:1] = above
        points, radii = np.concatenate([points, line.points_mm[begin:]]), np.concatenate([radii, line.radii_mm[begin:]])
        parent = np.concatenate([parent, own])
    return ArteryTree(points, parent, points, np.arange(len(points)))


def _resampled(line: CentreLineOfArtery) -> CentreLineOfArtery:
    """The line with points at most ``SPACING_MM`` apart, its own among them."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line.points_mm, axis=0), axis=1))])
    parts = [np.linspace(a, b, int(np.ceil((b - a) / SPACING_MM)), endpoint=False) for a, b in pairwise(arc) if b > a]
    at = np.concatenate([*parts, arc[-1:]])
    points = np.stack([np.interp(at, arc, line.points_mm[:, axis]) for axis in range(3)], axis=-1)
    return CentreLineOfArtery(points, np.interp(at, arc, line.radii_mm))


def _next_to_place(waiting: Sequence[CentreLineOfArtery], points: Floats, radii: Floats, where: str) -> int:
    """The first line that begins in what is placed, else the first that begins in no other line's course."""
    for number, line in enumerate(waiting):
        if _met(line.points_mm[:1], points, radii)[0] != _ROOT:
            return number
    for number, line in enumerate(waiting):
        others = [other for other in waiting if other is not line]
        starts = line.points_mm[:1]
        # Two that begin together begin in neither.
        if all(
            _met(starts, other.points_mm[1:], other.radii_mm[1:])[0] == _ROOT
            or _met(starts, other.points_mm[:1], other.radii_mm[:1])[0] != _ROOT
            for other in others
        ):
            return number
    raise InputError(
        where,
        found="centre lines that run in a circle",
        allowed="lines in the direction of flow, of which at least one begins in no other",
        remedy="turn the line that runs against the flow",
    )


def _where_it_leaves(line: CentreLineOfArtery, points: Floats, radii: Floats) -> tuple[int, int]:
    """Number of a line's first point that is its own, and of the placed point above it (-1: blood enters here)."""
    met = _met(line.points_mm, points, radii)
    own = np.flatnonzero(met == _ROOT)
    if met[0] == _ROOT:
        return 0, _ROOT
    begin = int(own[0]) if len(own) else len(met)
    return begin, int(met[begin - 1])


def _met(asked: Floats, points: Floats, radii: Floats) -> Points:
    """Number of the nearest point (n,) for points (n, 3) that lie within its radius or ``JUNCTION_MM``; else -1."""
    from scipy.spatial import cKDTree

    if not len(points):
        return np.full(len(asked), _ROOT)
    distance, nearest = cKDTree(points).query(asked)
    return np.where(distance <= np.maximum(JUNCTION_MM, radii[nearest]), nearest, _ROOT).astype(np.int64)
