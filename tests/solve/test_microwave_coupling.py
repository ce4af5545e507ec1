# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue read for an antenna's half plane, and heat brought back to the mesh."""

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.meshing.domain import Domain
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.microwave_coupling import AroundAntenna, HeatTransfer, Placement, superposed
from imagio_sim.solve.microwave_field import AntennaField, AntennaProblem
from tests.solve.antennas import FREQUENCY, filled
from tests.solve.slot_antennas import antenna, region

SLOT = antenna()
BALL, HALF_PLANE = region(0.0), region(0.0, axisymmetric=True)


@pytest.fixture(scope="module")
def field() -> AntennaField:
    return AntennaProblem(SLOT.mesh, SLOT.port, frequency=FREQUENCY).solve(filled(SLOT.mesh))


def spaces(domain: Domain) -> tuple[Discretisation, EdgeOperators]:
    space = Discretisation(MPI.COMM_SELF, domain.points_mm * 1e-3, domain.cells, axisymmetric=domain.axisymmetric)
    return space, EdgeOperators(space)


def around(domain: Domain, space: Discretisation, fractions: np.ndarray | None = None) -> AroundAntenna:
    given = np.ones((len(domain.cells), 1)) if fractions is None else fractions
    return AroundAntenna(SLOT.mesh, SLOT.placement, domain=domain, space=space, fractions=given)


def transfer(domain: Domain, space: Discretisation, operators: EdgeOperators) -> HeatTransfer:
    covered = around(domain, space).covered
    return HeatTransfer(SLOT.mesh, SLOT.placement, space=space, cell_volume=operators.cell_volume, covered=covered)


def carried(moved: HeatTransfer, field: AntennaField, own: np.ndarray | float = 1.0) -> np.ndarray:
    """Heat of a field in tissue that conducts alike everywhere around, and as given where it arrives."""
    cells = len(moved._volume)
    return moved.heat(field, np.ones(int(SLOT.mesh.in_tissue.sum())), np.broadcast_to(own, cells))


@pytest.mark.parametrize("axisymmetric", [True, False])
def test_heat_brings_the_power_of_the_field(field: AntennaField, axisymmetric: bool) -> None:
    domain = HALF_PLANE if axisymmetric else BALL
    space, operators = spaces(domain)
    moved = transfer(domain, space, operators)
    heat = carried(moved, field)
    assert heat.min() >= 0.0
    assert float(heat @ operators.cell_volume) == pytest.approx(moved.power_in_region(field), rel=1e-12)
    # Before it was scaled.
    assert abs(moved.mismatch) < 0.005


def test_a_cell_drier_than_its_circle_takes_less_and_the_others_the_rest(field: AntennaField) -> None:
    space, operators = spaces(BALL)
    moved = transfer(BALL, space, operators)
    alike = carried(moved, field)
    dry = space.points[space.cells].mean(axis=1)[:, 0] > 0.0
    heat = carried(moved, field, np.where(dry, 0.25, 1.0))
    assert float(heat @ operators.cell_volume) == pytest.approx(moved.power_in_region(field), rel=1e-12)
    ratio = heat[alike > 0.0] / alike[alike > 0.0]
    assert np.allclose(ratio[dry[alike > 0.0]] / ratio[~dry[alike > 0.0]].mean(), 0.25)
    assert ratio.max() > 1.3


def test_the_region_holds_all_power_that_tissue_takes(field: AntennaField) -> None:
    domain = BALL
    space, operators = spaces(domain)
    tissue = field.cell_powers[SLOT.mesh.in_tissue].sum()
    assert transfer(domain, space, operators).power_in_region(field) == pytest.approx(tissue, rel=1e-3)


def test_the_same_heat_arrives_in_the_half_plane_and_in_space(field: AntennaField) -> None:
    shares = []
    for axisymmetric in (True, False):
        domain = HALF_PLANE if axisymmetric else BALL
        space, operators = spaces(domain)
        power = carried(transfer(domain, space, operators), field) * operators.cell_volume
        centres = space.points[space.cells].mean(axis=1) * 1e3
        place = SLOT.placement.half_plane(centres)
        shares.append([power[np.hypot(place[:, 0], place[:, 1] - 6.5) < radius].sum() for radius in (6.0, 12.0, 24.0)])
    assert np.allclose(*shares, atol=0.03)


def test_temperature_is_read_where_the_circles_are() -> None:
    domain = BALL
    space, _ = spaces(domain)
    circles = around(domain, space)
    x, y, z = space.points.T * 1e3
    centres = SLOT.mesh.points_mm[SLOT.mesh.cells[SLOT.mesh.in_tissue]].mean(axis=1)
    well_inside = (centres[:, 0] > 2.0) & (np.hypot(centres[:, 0], centres[:, 1] - 6.5) < 37.0)
    read = circles.temperature(2.0 * z)[well_inside]
    assert np.allclose(read, 2.0 * centres[well_inside, 1:], atol=1e-6)
    sideways = circles.temperature(x + 3.0 * y)[well_inside]
    assert np.allclose(sideways.mean(axis=1), 0.0, atol=1e-6)
    assert np.allclose(np.abs(sideways).max(axis=1), np.sqrt(10.0) * centres[well_inside, 0], rtol=0.02)


def test_circles_beyond_the_region_do_not_count_as_covered() -> None:
    domain = BALL
    space, _ = spaces(domain)
    far = Placement((30.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    shifted = AroundAntenna(SLOT.mesh, far, domain=domain, space=space, fractions=np.ones((len(domain.cells), 1)))
    assert around(domain, space).covered.min() > 0.9
    assert shifted.covered.min() < 0.5


def test_fractions_are_those_of_the_cells_on_the_circle() -> None:
    domain = BALL
    space, _ = spaces(domain)
    right = domain.points_mm[domain.cells].mean(axis=1)[:, 0] > 0.0
    circles = around(domain, space, np.column_stack([right, ~right]).astype(float))
    assert np.allclose(circles.fractions.sum(axis=2), 1.0)
    assert circles.fractions[..., 0].mean() == pytest.approx(0.5, abs=0.01)
    assert circles.fractions[..., 0].mean(axis=1).std() < 0.1


def test_fields_in_phase_give_four_times_the_heat_and_fields_against_each_other_none() -> None:
    heat, along = np.array([2.0]), np.array([[0.0, 1.0, 0.0]], dtype=complex)
    assert superposed([heat, heat], [along, along], [0.0, 0.0]) == pytest.approx([8.0])
    assert superposed([heat, heat], [along, along], [0.0, np.pi]) == pytest.approx([0.0], abs=1e-12)
    assert superposed([heat, heat], [along, along], [0.0, np.pi / 2]) == pytest.approx([4.0])


def test_fields_at_right_angles_do_not_interfere() -> None:
    heat, along, across = np.array([2.0]), np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    assert superposed([heat, 3.0 * heat], [along.astype(complex), across.astype(complex)], [0.0, 0.4]) == (
        pytest.approx([8.0])
    )


def test_the_electric_field_lies_in_the_plane_through_the_axis(field: AntennaField) -> None:
    domain = BALL
    space, operators = spaces(domain)
    direction = transfer(domain, space, operators).direction(field)
    centres = space.points[space.cells].mean(axis=1)
    around_axis = np.column_stack([-centres[:, 1], centres[:, 0], np.zeros(len(centres))])
    assert np.abs((direction * around_axis).sum(axis=1)).max() < 1e-9
    size = np.sqrt((np.abs(direction) ** 2).sum(axis=1))
    assert np.all(np.isclose(size, 1.0) | (size == 0.0))


def test_a_placement_and_its_circles_agree() -> None:
    tilted = Placement((5.0, -3.0, 20.0), (0.6, 0.0, 0.8))
    places = np.array([[2.0, 7.0], [0.5, -1.0]])
    points = tilted.circles(places)
    for place, circle in zip(places, points, strict=True):
        assert np.allclose(tilted.half_plane(circle), place)
        assert np.allclose(np.linalg.norm(tilted.outward(circle), axis=1), 1.0)
