# SPDX-License-Identifier: LGPL-3.0-or-later
"""Convection and diffusion: second order where it is smooth, no undershoot anywhere, amounts conserved."""

from __future__ import annotations

from collections.abc import Callable
from math import erf

import numpy as np
import pytest
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import assemble_matrix

from imagio_sim.physics import transport as definition
from imagio_sim.solve.discretisation import Discretisation, Floats
from tests.solve.conftest import observed_order
from tests.solve.interstitium import Carried, Extent, cube, square, swirl

UNDERSHOOT = 1e-12
"""Share of the largest value that a concentration may lie beyond its bounds."""


def still(space: Discretisation) -> Floats:
    return np.zeros((space.cell_count, space.dimension))


def marched(
    carried: Carried,
    start: Floats,
    duration: float,
    steps: int,
    *,
    factor: Callable[[float], float] | None = None,
    source: Callable[[float], Floats] | None = None,
) -> tuple[Floats, Extent]:
    """Equal steps; half of what a source brings in a step comes before it, half after it."""
    values, step = start.copy(), duration / steps
    extent = carried.extent(values)
    for number in range(steps):
        middle = (number + 0.5) * step
        if factor is not None:
            carried.transport.carry(carried.carrier(factor(middle)))
        if source is not None:
            values = values + 0.5 * step * source(middle - 0.25 * step)
        values = carried.transport.step(values, step)
        if source is not None:
            values = values + 0.5 * step * source(middle + 0.25 * step)
        extent = carried.extent(values, extent)
    return values, extent


def bounded(extent: Extent, low: float, high: float) -> bool:
    slack = UNDERSHOOT * high
    return extent.smallest >= low - slack and extent.largest <= high + slack


@pytest.mark.parametrize("made", [square, cube])
def test_diffusion_converges_with_order_two_without_leaving_its_bounds(made: Callable[[int], Discretisation]) -> None:
    diffusivity, duration, errors = 0.1, 0.4, []
    # the finest square takes steps in which drug diffuses over several cells
    for n in (16, 32, 64) if made is square else (4, 8, 12):
        space = made(n)
        carried = Carried(space, velocity=still(space), diffusivity=diffusivity, fraction=0.3)
        wave = np.cos(np.pi * space.points).prod(axis=1)
        decay = np.exp(-diffusivity * space.dimension * np.pi**2 * duration)
        values, extent = marched(carried, 1.0 + wave, duration, n)
        assert bounded(extent, 0.0, 2.0)
        errors.append(carried.error(values - (1.0 + decay * wave), 2.0))
    refinement = 2.0 if made is square else 1.5
    assert 1.8 < observed_order(errors, refinement) < 2.6


def test_diffusion_converges_with_order_two_in_a_cylinder() -> None:
    from scipy.special import j0, jn_zeros

    root, errors = float(np.append(0.0, jn_zeros(1, 1))[1]), []
    for n in (8, 16, 32):
        space = square(n, axisymmetric=True)
        carried = Carried(space, velocity=still(space), diffusivity=0.1)
        wave = j0(root * space.points[:, 0])
        values, extent = marched(carried, 1.0 + wave, 0.3, n)
        assert bounded(extent, 0.0, 2.0)
        errors.append(carried.error(values - (1.0 + np.exp(-0.1 * root**2 * 0.3) * wave), 2.0))
    assert 1.8 < observed_order(errors) < 2.6


def test_a_smooth_cloud_returns_from_a_swirl_with_order_two() -> None:
    """Convection alone (cell Peclet number above 1e6): what the flow has stirred it stirs back."""
    errors = []
    for n in (16, 32, 64):
        space = square(n)
        carried = Carried(space, velocity=0.5 * swirl(space), diffusivity=1e-9)
        x, y = space.points.T
        cloud = np.exp(-((x - 0.5) ** 2 + (y - 0.32) ** 2) / 0.12**2)
        values, extent = marched(carried, cloud, 1.0, n, factor=lambda time: float(np.cos(np.pi * time)))
        assert bounded(extent, 0.0, 1.0)
        errors.append(carried.error(values - cloud, 2.0))
    # the limiter acts on ever less of it, so that the order approaches two from above
    assert 1.8 < observed_order(errors) < 2.8


def test_convection_diffusion_and_a_source_converge_with_order_two_where_fluid_comes_and_goes() -> None:
    """A manufactured solution in a flow with divergence; a cell Peclet number of 4 to 30."""
    diffusivity, errors = 2e-3, []
    for n in (16, 32, 64):
        space = square(n)
        x, y = space.points.T
        # v = grad(cos cos) / (2 pi) through the walls of nothing
        middle = np.pi * space.points[space.cells].mean(axis=1)
        sines, cosines = np.sin(middle), np.cos(middle)
        velocity = -0.5 * np.column_stack([sines[:, 0] * cosines[:, 1], cosines[:, 0] * sines[:, 1]])
        carried = Carried(space, velocity=velocity, diffusivity=diffusivity)
        wave = np.cos(np.pi * x) * np.cos(np.pi * y)
        slope_product = 0.5 * np.pi * (np.sin(np.pi * x) * np.cos(np.pi * y)) ** 2
        slope_product += 0.5 * np.pi * (np.cos(np.pi * x) * np.sin(np.pi * y)) ** 2

        def source(time: float, wave: Floats = wave, product: Floats = slope_product) -> Floats:
            size = np.exp(-time)
            flowing = size * product - np.pi * wave * (2.0 + size * wave)
            return np.asarray(-size * wave + flowing + 2.0 * np.pi**2 * diffusivity * size * wave)

        values, extent = marched(carried, 2.0 + wave, 0.5, 2 * n, source=source)
        assert extent.smallest > 0.0
        errors.append(carried.error(values - (2.0 + np.exp(-0.5) * wave), 2.0))
    assert 1.8 < observed_order(errors) < 2.6


def front_errors(sizes: tuple[int, ...], diffusivity: float) -> list[float]:
    """L1 errors of a front that is carried by half the square."""
    errors = []
    for n in sizes:
        space = square(n)
        x = space.points[:, 0]
        velocity = np.tile([0.8, 0.0], (space.cell_count, 1))
        carried = Carried(space, velocity=velocity, diffusivity=diffusivity)

        def front(time: float, x: Floats = x) -> Floats:
            if diffusivity == 0.0:
                return np.where(x < 0.25 + 0.8 * time, 1.0, 0.0)
            width = np.sqrt(4.0 * diffusivity * (time + 0.05))
            return np.array([0.5 * (1.0 - erf(distance)) for distance in (x - 0.25 - 0.8 * time) / width])

        values, extent = marched(carried, front(0.0), 0.5, n)
        assert bounded(extent, 0.0, 1.0)
        # what flows against the wall at the end, and away from that at the beginning, is not of the infinite space
        judged = (x > 0.45) & (x < 0.95)
        errors.append(carried.error(judged * (values - front(0.5)), 1.0))
    return errors


def test_a_thin_front_converges_with_order_one_while_cells_do_not_resolve_it() -> None:
    """A front as wide as one to four cells, at cell Peclet numbers of 250 to 60."""
    errors = front_errors((16, 32, 64), 2e-4)
    assert 0.9 < observed_order(errors[:2]) < 2.0
    assert 0.9 < observed_order(errors) < 2.0


def test_a_jump_stays_within_bounds_and_converges_as_linear_transport_of_jumps_does() -> None:
    """Jumps that nothing steepens spread: a method of order p converges with p / (p + 1), not with one."""
    assert 0.65 < observed_order(front_errors((16, 32, 64), 0.0)) < 1.2


def test_tetrahedra_whose_diffusion_has_entries_of_the_wrong_sign_make_no_undershoot() -> None:
    space = cube(6)
    carried = Carried(space, velocity=still(space), diffusivity=1.0)
    coupling = carried.operators.edge_coupling(np.ones(space.cell_count))
    assert coupling.max() > 0.01 * np.abs(coupling).max()
    corner = np.where(np.linalg.norm(space.points, axis=1) < 0.3, 1.0, 0.0)
    galerkin = carried.transport._high_order(corner, 1e-3, corner)[1]
    assert galerkin.min() < -1e-3
    values, extent = marched(carried, corner, 0.02, 20)
    assert bounded(extent, 0.0, 1.0)
    assert values.min() >= 0.0


def test_one_long_step_stays_within_bounds() -> None:
    space = square(12)
    carried = Carried(space, velocity=swirl(space), diffusivity=1e-6)
    block = np.where(np.abs(space.points - 0.4).max(axis=1) < 0.15, 1.0, 0.0)
    assert bounded(marched(carried, block, 4.0, 1)[1], 0.0, 1.0)


def test_amounts_are_conserved_to_rounding_also_where_fluid_comes_and_goes() -> None:
    space = square(16)
    velocity = 0.3 * np.sin(3.0 * space.points[space.cells].mean(axis=1))
    carried = Carried(space, velocity=velocity, diffusivity=1e-4, fraction=0.2)
    block = np.where(np.abs(space.points - 0.5).max(axis=1) < 0.2, 1.0, 0.0)
    values, extent = marched(carried, block, 0.5, 30)
    assert carried.transport.amount(values) == pytest.approx(carried.transport.amount(block), rel=1e-12)
    assert extent.smallest >= -UNDERSHOOT


def test_what_closes_the_amount_stays_within_the_bounds_and_is_counted() -> None:
    carried = Carried(space := square(8), velocity=still(square(8)), diffusivity=1.0)
    values, transport = np.where(space.points[:, 0] < 0.5, 1.0, 0.0), carried.transport
    lower, upper, amount = np.zeros(space.count), np.ones(space.count), transport.amount(values)
    for share in (1.01, 0.99):
        before = transport.corrected
        closed = transport._conserving(values, share * amount, lower, upper)
        assert transport.amount(closed) == pytest.approx(share * amount, rel=1e-12)
        assert closed.min() >= 0.0
        assert closed.max() <= 1.0
        assert transport.corrected - before == pytest.approx(0.01 * amount, rel=1e-9)


def test_what_is_even_stays_even_in_a_flow_without_divergence() -> None:
    space = square(10)
    carried = Carried(space, velocity=swirl(space), diffusivity=1e-3)
    values, _ = marched(carried, np.full(space.count, 0.7), 1.0, 5)
    assert values == pytest.approx(0.7, rel=1e-9)


def test_the_fast_operators_are_those_of_the_symbolic_definition() -> None:
    space = cube(3)
    velocity = np.random.default_rng(2).normal(size=(space.cell_count, 3))
    carried = Carried(space, velocity=velocity, diffusivity=0.2, fraction=0.4)
    trial, test = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
    flow = fem.Function(fem.functionspace(space.mesh, ("DG", 0, (3,))))
    flow.x.array[:] = velocity.ravel()
    form = definition.convection(trial, test, velocity=flow, weight=1.0)
    form -= definition.diffusion(trial, test, volume_fraction=0.4, diffusivity=0.2, weight=1.0)
    mass = definition.storage(trial, 0.0, test, volume_fraction=0.4, time_step=1.0, weight=1.0)
    values = np.random.default_rng(3).uniform(size=space.count)
    for symbolic, ours in ((form, carried.transport._inflow), (mass, carried.transport._content)):
        matrix = assemble_matrix(fem.form(symbolic * ufl.dx))
        matrix.assemble()
        vector = matrix.createVecRight()
        vector.array[:] = values
        assert ours(values) == pytest.approx((matrix * vector).array, rel=1e-9, abs=1e-12)
