# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import ball, box, half_plane, spherical_shell
from imagio_sim.meshing.topology import boundary_facets, facet_areas


def area(domain: Domain, name: str) -> float:
    return float(facet_areas(domain.points_mm, domain.surfaces[name]).sum())


def all_named_once(domain: Domain) -> bool:
    named = np.sort(np.concatenate(list(domain.surfaces.values())), axis=1)
    exposed = np.sort(boundary_facets(domain.cells)[0], axis=1)
    return len(named) == len(exposed) and np.array_equal(np.unique(named, axis=0), np.unique(exposed, axis=0))


def test_a_box_has_its_volume_and_six_sides() -> None:
    domain = box(5, 10.0)
    assert domain.cell_volumes_mm3.sum() == pytest.approx(1000.0)
    assert set(domain.surfaces) == {"x_min", "x_max", "y_min", "y_max", "z_min", "z_max"}
    assert area(domain, "z_max") == pytest.approx(100.0)
    assert all_named_once(domain)


def test_a_half_plane_has_the_volume_of_its_cylinder() -> None:
    domain = half_plane(10.0, 20.0, 8, 16)
    assert domain.axisymmetric
    assert domain.cell_volumes_mm3.sum() == pytest.approx(np.pi * 100.0 * 20.0)
    assert area(domain, "axis") == pytest.approx(20.0)
    assert area(domain, "top") == pytest.approx(10.0)
    assert all_named_once(domain)


def test_a_shell_has_its_volume_two_surfaces_and_graded_cells() -> None:
    domain = spherical_shell(5.0, 20.0, 0.8, 3.0)
    assert domain.cell_volumes_mm3.sum() == pytest.approx(4.0 / 3.0 * np.pi * (20.0**3 - 5.0**3), rel=0.01)
    assert area(domain, "inner") == pytest.approx(4.0 * np.pi * 25.0, rel=0.02)
    assert area(domain, "boundary") == pytest.approx(4.0 * np.pi * 400.0, rel=0.02)
    assert all_named_once(domain)
    centres = np.linalg.norm(domain.points_mm[domain.cells].mean(axis=1), axis=1)
    volumes = domain.cell_volumes_mm3
    assert np.median(volumes[centres > 17.0]) > 10.0 * np.median(volumes[centres < 7.0])


def test_a_ball_is_solid() -> None:
    domain = ball(10.0, 1.5)
    assert set(domain.surfaces) == {"boundary"}
    assert domain.cell_volumes_mm3.sum() == pytest.approx(4.0 / 3.0 * np.pi * 1000.0, rel=0.01)
