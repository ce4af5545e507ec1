# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np

from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.meshing.topology import boundary_facets, neighbours, oriented, without_unused_nodes


def test_neighbours_are_mutual() -> None:
    cells = box(3, 1.0).cells
    across = neighbours(cells)
    for cell, others in enumerate(across):
        for other in others[others >= 0]:
            assert cell in across[other]
            assert len(np.intersect1d(cells[cell], cells[other])) == 3


def test_boundary_facets_point_outward() -> None:
    domain = box(3, 1.0)
    facets, owner = boundary_facets(domain.cells)
    corners = domain.points_mm[facets]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = corners.mean(axis=1) - domain.points_mm[domain.cells[owner]].mean(axis=1)
    assert np.all((normals * outward).sum(axis=1) > 0.0)


def test_the_edges_around_a_rectangle_are_all_found() -> None:
    facets, _ = boundary_facets(half_plane(1.0, 1.0, 4, 6).cells)
    assert len(facets) == 20


def test_orientation_makes_every_volume_positive() -> None:
    domain = box(2, 1.0)
    mixed = domain.cells.copy()
    mixed[::2] = mixed[::2][:, [1, 0, 2, 3]]
    corners = domain.points_mm[oriented(domain.points_mm, mixed)]
    assert np.all(np.linalg.det(corners[:, 1:] - corners[:, :1]) > 0.0)


def test_unused_nodes_go() -> None:
    points, cells, renumbered = without_unused_nodes(np.arange(18.0).reshape(6, 3), np.array([[5, 1, 2, 4]]))
    assert points[:, 0].tolist() == [3.0, 6.0, 12.0, 15.0]
    assert cells.tolist() == [[3, 0, 1, 2]]
    assert renumbered.tolist() == [-1, 0, 1, -1, 2, 3]
