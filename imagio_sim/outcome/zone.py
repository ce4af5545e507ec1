# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ablation zone: volume, outer surface, axes and shape, from a death level on the mesh.

The level is a continuous piecewise linear function of the nodes, >= 0 where tissue is dead. Everything here is
exact for that function (no voxels involved).

Two volumes are told apart. The *tissue volume* is dead tissue only. The *zone volume* also holds the part of the
applicators inside the zone, because imaging and histology measure the zone with the needle track in it; this is
the one compared with measurements and with the exported label maps. Where the zone ends at the outside of the
region it is closed by that boundary; where an applicator leaves it, by a surface across the applicator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from imagio_sim.meshing.cut import SKIN
from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.cutting import Pieces, dead_pieces, interface_pieces, key_nodes, key_points, off_zero
from imagio_sim.outcome.surface import Surface


@dataclass(frozen=True, eq=False)
class AblationZone:
    """What a death model leaves.

    Attributes
    ----------
    volume_mm3, tissue_volume_mm3
        With and without the applicators inside the zone.
    dead_fraction
        Dead share of each cell's volume (m,).
    component_volumes_mm3
        Tissue volume of each connected part, largest first.
    long_axis_mm, short_axis_mm
        Largest extent of the largest part along the applicator, and across it.
    transverse_axis_mm
        Its extent across the applicator and at right angles to the short axis.
    sphericity
        Surface of the ball of equal volume over the zone's surface, 1 for a ball
        (Wadell 1935, J. Geol. 43:250, "degree of true sphericity"); None for an empty zone.
    centroid_mm
        Centroid of the dead tissue (3,), on the axis when axisymmetric; None for an empty zone.
    surface
        Closed outer surface, applicators filled in; without triangles for an empty zone. That of an axisymmetric zone
        is turned about the z axis in small steps, while its measures are those of the body of revolution.
    clipped
        Whether the zone reaches the outside of the region, so that it may really be larger.
    at_skin
        Whether it reaches the skin (or another surface to air).
    """

    volume_mm3: float
    tissue_volume_mm3: float
    dead_fraction: NDArray[np.float64]
    component_volumes_mm3: tuple[float, ...]
    long_axis_mm: float
    short_axis_mm: float
    transverse_axis_mm: float
    sphericity: float | None
    centroid_mm: NDArray[np.float64] | None
    surface: Surface
    clipped: bool
    at_skin: bool

    @property
    def volume_ml(self) -> float:
        """Zone volume, applicators inside it included."""
        return self.volume_mm3 / 1000.0

    @property
    def tissue_volume_ml(self) -> float:
        """Volume of dead tissue."""
        return self.tissue_volume_mm3 / 1000.0


def ablation_zone(domain: Domain, level: NDArray[np.float64], axis: NDArray[np.float64]) -> AblationZone:
    """Measure the zone where ``level`` (n,) is >= 0.

    Parameters
    ----------
    domain
        Mesh of tissue; boundary surfaces with a dot in their name belong to applicators.
    level
        Nodal death level (n,), finite.
    axis
        Direction of the applicator (3,), or of the mean of several. Ignored when axisymmetric (z).
    """
    level = off_zero(_checked(level, len(domain.points_mm)))
    dead = level > 0
    cells = _positively_oriented(domain)
    shell = _shell(domain, cells, dead)
    cell_volumes = domain.cell_volumes_mm3
    fraction, moment = _dead_share(domain, cells, cell_volumes, level)
    volumes = fraction * cell_volumes
    part_of_node, part_volumes = _parts(cells, dead, volumes)
    measures = _measure_revolved if domain.axisymmetric else _measure_solid
    measured = measures(domain.points_mm, level, shell.keys, part_of_node, axis)
    tissue = float(volumes.sum())
    return AblationZone(
        volume_mm3=measured.volume_mm3,
        tissue_volume_mm3=tissue,
        dead_fraction=fraction,
        component_volumes_mm3=tuple(float(v) for v in np.sort(part_volumes)[::-1]),
        long_axis_mm=measured.axes_mm[0],
        short_axis_mm=measured.axes_mm[1],
        transverse_axis_mm=measured.axes_mm[2],
        sphericity=_sphericity(measured.volume_mm3, measured.area_mm2),
        centroid_mm=_in_space(np.asarray(moment / tissue, dtype=np.float64)) if tissue > 0 else None,
        surface=measured.surface,
        clipped=bool(dead[_outside_facets(domain, but=SKIN)].any()),
        at_skin=SKIN in domain.surfaces and bool(dead[domain.surfaces[SKIN]].any()),
    )


def is_applicator_surface(name: str) -> bool:
    """Whether a boundary surface of a :class:`Domain` belongs to an applicator (``<applicator>.<rod>.<section>``)."""
    return "." in name


@dataclass(frozen=True, eq=False)
class _Measured:
    volume_mm3: float
    area_mm2: float
    axes_mm: tuple[float, float, float]
    surface: Surface


# Steps in which an axisymmetric zone is turned: at a radius of 20 mm its surface is off by 0.007 mm.
_TURNS = 120
# What lies closer to the axis than this is on it.
_ON_AXIS_MM = 1e-9
_NO_SURFACE = Surface(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64))


def _checked(level: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    if level.shape != (count,) or not np.isfinite(level).all():
        raise ValueError(f"level needs one finite value for each of {count} nodes, got shape {level.shape}")
    return np.asarray(level, dtype=np.float64)


def _outside_facets(domain: Domain, *, but: str = "") -> NDArray[np.int64]:
    """Facets of the outside of the region: every boundary but an applicator's, the axis and the one named ``but``."""
    kept = [facets for name, facets in domain.surfaces.items() if not is_applicator_surface(name) and name != but]
    facets = np.concatenate([np.empty((0, domain.cells.shape[1] - 1), dtype=np.int64), *kept])
    if domain.axisymmetric:
        facets = facets[(domain.points_mm[facets][:, :, 0] > 0).any(axis=1)]
    return facets


def _positively_oriented(domain: Domain) -> NDArray[np.int64]:
    corners = domain.points_mm[domain.cells]
    negative = np.linalg.det(corners[:, 1:] - corners[:, :1]) < 0
    cells = domain.cells.astype(np.int64)
    cells[negative, :2] = cells[negative, 1::-1]
    return cells


def _dead_share(
    domain: Domain, cells: NDArray[np.int64], cell_volumes: NDArray[np.float64], level: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Dead share of each cell (m,), and the first moment of the dead volume [mm4] (dimension,)."""
    dead = level > 0
    count = dead[cells].sum(axis=1)
    crossed = np.flatnonzero((count > 0) & (count < cells.shape[1]))
    pieces = dead_pieces(cells[crossed], dead)
    corners = key_points(pieces.keys, domain.points_mm, level)
    volumes = _simplex_volumes(corners, domain.axisymmetric)
    fraction = (count == cells.shape[1]).astype(float)
    cut = np.bincount(pieces.parents, weights=volumes, minlength=len(crossed))
    fraction[crossed] = np.clip(cut / cell_volumes[crossed], 0.0, 1.0)
    whole = domain.points_mm[cells[count == cells.shape[1]]]
    return fraction, _first_moment(whole, domain.axisymmetric) + _first_moment(corners, domain.axisymmetric)


def _simplex_volumes(corners: NDArray[np.float64], axisymmetric: bool) -> NDArray[np.float64]:
    determinant = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    if axisymmetric:
        return np.asarray(determinant / 2.0 * 2.0 * np.pi * corners[:, :, 0].mean(axis=1))
    return np.asarray(determinant / 6.0)


def _first_moment(corners: NDArray[np.float64], axisymmetric: bool) -> NDArray[np.float64]:
    """Sum over simplices of the integral of position, by the exact rule for (products of) linear functions."""
    if not axisymmetric:
        return np.asarray((_simplex_volumes(corners, False)[:, None] * corners.mean(axis=1)).sum(axis=0))
    area = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2.0
    radius = corners[:, :, :1]
    product = (radius * corners).sum(axis=1) + radius.sum(axis=1) * corners.sum(axis=1)
    return np.asarray((2.0 * np.pi * area[:, None] * product / 12.0).sum(axis=0) * np.array([0.0, 1.0]))


def _in_space(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """A centroid (3,), or (r, z), in space; that of a body of revolution lies on the z axis."""
    return np.array([0.0, 0.0, place[1]]) if len(place) == 2 else place


def _parts(
    cells: NDArray[np.int64], dead: NDArray[np.bool_], volumes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the connected part of each dead node (-1: living; largest part 0) and the parts' volumes."""
    touched = np.flatnonzero(dead[cells].any(axis=1))
    first = cells[touched, np.argmax(dead[cells[touched]], axis=1)]
    # Within one cell the dead corners hang together, so a star from the first to the others is enough.
    ends = np.where(dead[cells[touched]], cells[touched], first[:, None])
    starts = np.repeat(first, cells.shape[1])
    graph = coo_array((np.ones(starts.size, dtype=np.int8), (starts, ends.ravel())), shape=(len(dead), len(dead)))
    _, label = connected_components(graph, directed=False)
    part_volumes = np.bincount(label[first], weights=volumes[touched], minlength=label.max() + 1)
    present = np.unique(label[first])
    ordered = present[np.argsort(-part_volumes[present], kind="stable")]
    number = np.full(len(part_volumes), -1)
    number[ordered] = np.arange(len(ordered))
    return np.where(dead, number[label], -1), part_volumes[ordered]


def _shell(domain: Domain, cells: NDArray[np.int64], dead: NDArray[np.bool_]) -> Pieces:
    """Frontier of the zone to living tissue and to the outside of the region."""
    frontier = interface_pieces(cells, dead)
    facets = _outward_facets(domain, cells, dead)
    caps = dead_pieces(facets, dead)
    return Pieces(np.concatenate([frontier.keys, caps.keys]), np.concatenate([frontier.parents, caps.parents]))


def _outward_facets(domain: Domain, cells: NDArray[np.int64], dead: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Outside facets with a dead corner, oriented so that their normal leaves the region."""
    facets = _outside_facets(domain)
    facets = facets[dead[facets].any(axis=1)]
    if len(facets) == 0:
        return facets
    opposite = _opposite_nodes(facets, cells, len(dead))
    corners = domain.points_mm[np.column_stack([facets, opposite])]
    inward = np.linalg.det(corners[:, 1:] - corners[:, :1]) > 0
    facets[inward, :2] = facets[inward, 1::-1]
    return facets


def _opposite_nodes(facets: NDArray[np.int64], cells: NDArray[np.int64], node_count: int) -> NDArray[np.int64]:
    """Fourth (third) node of the cell behind each boundary facet."""
    on_facets = np.zeros(node_count, dtype=bool)
    on_facets[facets] = True
    near = cells[on_facets[cells].sum(axis=1) >= facets.shape[1]]
    faces = np.concatenate([np.delete(near, corner, axis=1) for corner in range(near.shape[1])])
    opposite = near.T.ravel()
    _, face = np.unique(np.sort(np.concatenate([facets, faces]), axis=1), axis=0, return_inverse=True)
    behind = np.empty(face.max() + 1, dtype=np.int64)
    behind[face[len(facets) :]] = opposite
    return np.asarray(behind[face[: len(facets)]])


def _measure_solid(
    points_mm: NDArray[np.float64],
    level: NDArray[np.float64],
    keys: NDArray[np.int64],
    part_of_node: NDArray[np.int64],
    axis: NDArray[np.float64],
) -> _Measured:
    if len(keys) == 0:
        return _Measured(0.0, 0.0, (0.0, 0.0, 0.0), _NO_SURFACE)
    used, triangles = np.unique(keys, return_inverse=True)
    places = key_points(used, points_mm, level)
    main = part_of_node[key_nodes(used, len(points_mm))[0]] == 0
    surface = _closed(places, triangles.reshape(-1, 3))
    return _Measured(surface.volume_mm3, surface.area_mm2, extents_mm(places[main], axis), surface)


def _closed(places: NDArray[np.float64], triangles: NDArray[np.int64]) -> Surface:
    """Close the holes where applicators pierce the surface by fans about each rim's middle."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    code, reverse = edges @ [len(places), 1], edges[:, ::-1] @ [len(places), 1]
    rim = edges[~np.isin(code, reverse)]
    if len(rim) == 0:
        return Surface(places, triangles)
    nodes, numbered = np.unique(rim, return_inverse=True)
    start, end = numbered.reshape(-1, 2).T
    graph = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(len(nodes), len(nodes)))
    count, loop = connected_components(graph, directed=False)
    size = np.bincount(loop, minlength=count)
    middle = np.column_stack([np.bincount(loop, places[nodes, k], count) / size for k in range(3)])
    fans = np.column_stack([rim[:, 1], rim[:, 0], len(places) + loop[start]])
    return Surface(np.concatenate([places, middle]), np.concatenate([triangles, fans]))


def extents_mm(places: NDArray[np.float64], axis: NDArray[np.float64]) -> tuple[float, float, float]:
    """Extent of points (n, 3) along the axis (3,), largest across it, and across at right angles to that."""
    direction = axis / np.linalg.norm(axis)
    along = places @ direction
    across = np.linalg.svd(direction[None, :])[2][1:]
    flat = places @ across.T
    hull = flat[ConvexHull(flat, qhull_options="QJ").vertices]
    distances = pdist(hull)
    first, second = (index[distances.argmax()] for index in np.triu_indices(len(hull), 1))
    widest = (hull[second] - hull[first]) / distances.max()
    sideways = hull @ np.array([-widest[1], widest[0]])
    return float(np.ptp(along)), float(distances.max()), float(np.ptp(sideways))


def _measure_revolved(
    points_mm: NDArray[np.float64],
    level: NDArray[np.float64],
    keys: NDArray[np.int64],
    part_of_node: NDArray[np.int64],
    axis: NDArray[np.float64],
) -> _Measured:
    """Measures of the body of revolution; ends of the contour on an applicator close across it at right angles."""
    if len(keys) == 0:
        return _Measured(0.0, 0.0, (0.0, 0.0, 0.0), _NO_SURFACE)
    used, segments = np.unique(keys, return_inverse=True)
    places = key_points(used, points_mm, level)
    (r0, z0), (r1, z1) = np.moveaxis(places[segments.reshape(-1, 2)], 0, -1)[[0, 1]]
    # Frontier segments keep living tissue on their left, so dead tissue is passed clockwise.
    volume = -np.pi * ((z1 - z0) * (r0**2 + r0 * r1 + r1**2) / 3.0).sum()
    area = np.pi * ((r0 + r1) * np.hypot(r1 - r0, z1 - z0)).sum()
    main = part_of_node[key_nodes(keys[:, 0], len(points_mm))[0]] == 0
    diameter = 2.0 * float(max(r0[main].max(), r1[main].max()))
    height = float(np.ptp(np.concatenate([z0[main], z1[main]])))
    surface = _revolved(places, segments.reshape(-1, 2))
    return _Measured(float(volume), float(area), (height, diameter, diameter), surface)


def _revolved(places: NDArray[np.float64], segments: NDArray[np.int64]) -> Surface:
    """Closed surface that segments (s, 2) between places (p, 2) in (r, z), living tissue on their left, sweep.

    Where they end on an applicator the surface is closed across it.
    """
    turns = np.arange(_TURNS)
    copies = np.where(places[:, 0] > _ON_AXIS_MM, _TURNS, 1)
    start = np.cumsum(copies) - copies
    owner = np.repeat(np.arange(len(places)), copies)
    angle = 2.0 * np.pi / _TURNS * (np.arange(len(owner)) - start[owner])
    radius, height = places[owner].T
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])
    number = start[:, None] + turns % copies[:, None]
    (first, second), onward = number[segments.T], np.roll(number, -1, axis=1)[segments.T]
    halves = [(first, second, onward[1]), (first, onward[1], onward[0])]
    triangles = np.concatenate([np.stack(half, axis=-1).reshape(-1, 3) for half in halves])
    proper = np.all(triangles != np.roll(triangles, 1, axis=1), axis=1)
    return _closed(points, triangles[proper])


def _sphericity(volume_mm3: float, area_mm2: float) -> float | None:
    if area_mm2 <= 0:
        return None
    return float(np.pi ** (1 / 3) * (6.0 * volume_mm3) ** (2 / 3) / area_mm2)
