# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.quality import cell_sizes_mm, quality_report, signed_inverse_condition_number

REGULAR = np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0], [0.5, np.sqrt(0.75) / 3, np.sqrt(2 / 3)]])
CELL = np.array([[0, 1, 2, 3]])


def test_a_regular_tetrahedron_has_quality_one_at_any_size() -> None:
    assert signed_inverse_condition_number(REGULAR, CELL) == pytest.approx([1.0])
    assert signed_inverse_condition_number(7.0 * REGULAR, CELL) == pytest.approx([1.0])


def test_an_inverted_tetrahedron_has_negative_quality() -> None:
    assert signed_inverse_condition_number(REGULAR, CELL[:, [1, 0, 2, 3]]) == pytest.approx([-1.0])


def test_a_flat_tetrahedron_has_no_quality() -> None:
    assert signed_inverse_condition_number(REGULAR * [1.0, 1.0, 0.0], CELL) == pytest.approx([0.0])


def test_a_regular_triangle_has_quality_one() -> None:
    assert signed_inverse_condition_number(REGULAR[:3, :2], CELL[:, :3]) == pytest.approx([1.0])


def test_quality_agrees_with_gmsh() -> None:
    import gmsh

    points = np.array([[0.0, 0, 0], [1.0, 0.1, 0], [0.2, 1.3, 0.1], [0.4, 0.1, 0.3]])
    gmsh.initialize(interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        volume = gmsh.model.addDiscreteEntity(3)
        gmsh.model.mesh.addNodes(3, volume, [1, 2, 3, 4], points.ravel())
        gmsh.model.mesh.addElementsByType(volume, 4, [1], [1, 2, 3, 4])
        expected = gmsh.model.mesh.getElementQualities([1], "minSICN")
    finally:
        gmsh.finalize()
    assert signed_inverse_condition_number(points, CELL) == pytest.approx(expected)


def test_the_report_counts_every_cell_once() -> None:
    domain = box(4, 8.0)
    report = quality_report(domain)
    assert report.nodes == 125
    assert report.cells == report.size_counts.sum() == 6 * 64
    assert report.minimum_quality == pytest.approx(domain.minimum_quality)
    assert cell_sizes_mm(domain) == pytest.approx((8.0 / 6.0 * 6.0 * np.sqrt(2.0)) ** (1.0 / 3.0))
