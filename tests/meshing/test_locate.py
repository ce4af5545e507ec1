# SPDX-License-Identifier: LGPL-3.0-or-later

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.phantoms import box, half_plane
from tests.meshing.needles import needle, small_recipe


@pytest.fixture(scope="module")
def pierced() -> Domain:
    return generate(small_recipe(needle())).domain


def test_every_point_of_a_box_is_found_in_a_cell_that_holds_it() -> None:
    domain = box(6, 3.0)
    points = np.random.default_rng(0).uniform(0.0, 3.0, (5000, 3))
    locator = Locator(domain)
    cells = locator.cells(points)
    assert np.all(cells >= 0)
    weights = locator.barycentric(cells, points)
    assert weights.min() >= -1e-9
    assert np.einsum("nc,ncx->nx", weights, domain.points_mm[domain.cells[cells]]) == pytest.approx(points)


def test_corners_and_points_on_facets_count_as_inside() -> None:
    domain = box(4, 1.0)
    assert np.all(Locator(domain).cells(domain.points_mm) >= 0)


def test_points_outside_are_in_no_cell() -> None:
    assert (
        Locator(box(3, 1.0)).cells(np.array([[-0.1, 0.5, 0.5], [0.5, 0.5, 1.001], [9.0, 9.0, 9.0]])).tolist()
        == [-1] * 3
    )


def test_points_inside_a_needle_are_in_no_cell_and_those_around_it_are(pierced: Domain) -> None:
    random = np.random.default_rng(3)
    height, turn = random.uniform(-7.0, 25.0, 3000), random.uniform(0.0, 2.0 * np.pi, 3000)

    def at(radius: float) -> np.ndarray:
        return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])

    locator = Locator(pierced)
    assert np.all(locator.cells(at(0.65)) == -1)
    assert np.all(locator.cells(at(0.76)) >= 0)


def test_search_agrees_with_trying_every_cell(pierced: Domain) -> None:
    points = np.random.default_rng(4).uniform(-32.0, 32.0, (300, 3))
    locator = Locator(pierced)
    every = np.arange(len(pierced.cells))
    for point, found in zip(points, locator.cells(points), strict=True):
        inside = locator.barycentric(every, np.broadcast_to(point, (len(every), 3))).min(axis=1).max() >= -1e-9
        assert inside == (found >= 0)


def test_a_linear_field_is_interpolated_exactly(pierced: Domain) -> None:
    points = np.random.default_rng(5).uniform(-15.0, 15.0, (2000, 3))
    field = pierced.points_mm @ [1.0, -2.0, 0.5] + 3.0
    values = Locator(pierced).interpolate(field, points)
    assert np.nanmax(np.abs(values - (points @ [1.0, -2.0, 0.5] + 3.0))) < 1e-10


def test_outside_the_mesh_the_given_value_stands() -> None:
    domain = box(3, 1.0)
    fields = np.column_stack([domain.points_mm[:, 0], np.ones(len(domain.points_mm))])
    values = Locator(domain).interpolate(fields, np.array([[0.25, 0.5, 0.5], [2.0, 0.5, 0.5]]), outside=37.0)
    assert values == pytest.approx(np.array([[0.25, 1.0], [37.0, 37.0]]))


def test_points_in_a_half_plane_are_found() -> None:
    domain = half_plane(10.0, 20.0, 5, 10)
    points = np.random.default_rng(6).uniform([0.0, 0.0], [10.0, 20.0], (500, 2))
    values = Locator(domain).interpolate(domain.points_mm[:, 1], points)
    assert values == pytest.approx(points[:, 1])


def test_nothing_asked_is_nothing_found() -> None:
    assert Locator(box(2, 1.0)).cells(np.empty((0, 3))).shape == (0,)
