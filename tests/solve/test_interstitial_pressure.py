# SPDX-License-Identifier: LGPL-3.0-or-later
"""Darcy flow in an organ against manufactured and closed-form solutions, and against its symbolic definition."""

from __future__ import annotations

import numpy as np
import pytest
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import assemble_matrix

from imagio_sim.physics import interstitium as definition
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.interstitial_pressure import InterstitialFlow, Interstitium, interstitial_flow
from tests.solve.conftest import observed_order
from tests.solve.interstitium import cube, square

CONDUCTIVITY, FILTRATION, DRAINAGE = 2.0, 1.5, 0.5
FEED, LYMPH = 3.0, -1.0


def uniform(space: Discretisation) -> Interstitium:
    ones = np.ones(space.cell_count)
    return Interstitium(CONDUCTIVITY * ones, FILTRATION * ones, FEED * ones, DRAINAGE * ones, LYMPH * ones)


def solved(space: Discretisation, load: Floats | None = None) -> tuple[EdgeOperators, InterstitialFlow]:
    operators = EdgeOperators(space)
    return operators, interstitial_flow(operators, uniform(space), load=load, tolerance=1e-12)


def manufactured(space: Discretisation) -> tuple[Floats, Floats, Floats]:
    """Pressure, what it takes as a source, and its gradient, with no flow through the walls."""
    waves = [np.cos(np.pi * points) for points in space.points.T]
    pressure = np.prod(waves, axis=0)
    exchange = FILTRATION * (FEED - pressure) - DRAINAGE * (pressure - LYMPH)
    source = CONDUCTIVITY * space.dimension * np.pi**2 * pressure - exchange
    return pressure, source, -np.pi * np.sin(np.pi * space.points) * (pressure[:, None] / np.array(waves).T)


def errors(space: Discretisation) -> tuple[float, float]:
    """Root mean square error of the pressure, and of the velocity in the middle of the cells."""
    operators = EdgeOperators(space)
    exact, source, _ = manufactured(space)
    volume = operators.distributed(np.ones(space.cell_count))
    flow = solved(space, load=volume * source)[1]
    middle = space.points[space.cells].mean(axis=1)
    waves, slopes = np.cos(np.pi * middle), -np.pi * np.sin(np.pi * middle)
    turned = [np.delete(waves, axis, axis=1).prod(axis=1) * slopes[:, axis] for axis in range(space.dimension)]
    velocity = -CONDUCTIVITY * np.column_stack(turned)
    off = operators.cell_volume @ ((flow.velocity - velocity) ** 2).sum(axis=1) / operators.cell_volume.sum()
    return float(np.sqrt(space.node_sum(volume * (flow.pressure - exact) ** 2))), float(np.sqrt(off))


@pytest.mark.parametrize("made", [square, cube])
def test_pressure_converges_with_order_two_and_velocity_with_order_one_or_better(made: object) -> None:
    sizes = (8, 16, 32) if made is square else (4, 8, 16)
    found = [errors(made(n)) for n in sizes]  # type: ignore[operator]
    assert 1.8 < observed_order([pressure for pressure, _ in found]) < 2.3
    assert 0.9 < observed_order([velocity for _, velocity in found]) < 2.3


def test_without_gradients_filtration_equals_drainage() -> None:
    flow = solved(square(6))[1]
    rest = (FILTRATION * FEED + DRAINAGE * LYMPH) / (FILTRATION + DRAINAGE)
    assert flow.pressure == pytest.approx(rest, rel=1e-9)
    assert np.abs(flow.velocity).max() < 1e-8
    assert flow.filtered == pytest.approx(flow.drained, rel=1e-8)


def test_pressure_around_a_source_on_the_axis_of_a_cylinder_falls_as_the_closed_form_says() -> None:
    from scipy.special import i0, i1

    errors = []
    for n in (8, 16, 32):
        space = square(n, axisymmetric=True)
        operators = EdgeOperators(space)
        ones, radius = np.ones(space.cell_count), space.points[:, 0]
        feed = np.where(space.points[space.cells].mean(axis=1)[:, 0] < 2.0, 1.0, 0.0)
        organ = Interstitium(0.05 * ones, feed, ones, 0.0 * ones, 0.0 * ones)
        decay = np.sqrt(1.0 / 0.05)
        # a fluid that enters through the wall is spread over the nodes of the wall
        wall = np.where(radius > 1.0 - 1e-9, 1.0, 0.0)
        height = operators.distributed(ones) * 0.0 + wall * _height_share(space)
        flow = interstitial_flow(operators, organ, load=2.0 * np.pi * height, tolerance=1e-12)
        exact = 1.0 + i0(decay * radius) / (0.05 * decay * i1(decay))
        errors.append(float(np.abs(flow.pressure - exact).max()))
    assert 1.6 < observed_order(errors) < 2.4


def _height_share(space: Discretisation) -> Floats:
    """Length of the wall r = 1 that belongs to each of its nodes (serial)."""
    wall = np.flatnonzero(space.points[:, 0] > 1.0 - 1e-9)
    ordered = wall[np.argsort(space.points[wall, 1])]
    gaps = np.diff(space.points[ordered, 1])
    share = np.zeros(space.count)
    share[ordered[:-1]] += gaps / 2.0
    share[ordered[1:]] += gaps / 2.0
    return share


def test_nothing_flows_outside_the_organ() -> None:
    space = square(12)
    operators = EdgeOperators(space)
    organ = (space.points[space.cells].mean(axis=1)[:, 0] < 0.5).astype(float)
    half = uniform(space)
    inside = Interstitium(
        half.hydraulic_conductivity * organ,
        half.filtration * organ * (1.0 + space.points[space.cells].mean(axis=1)[:, 1]),
        half.filtration_pressure,
        half.drainage * organ,
        half.lymph_pressure,
    )
    flow = interstitial_flow(operators, inside, tolerance=1e-12)
    assert np.abs(flow.velocity[organ == 0.0]).max() == 0.0
    assert np.abs(flow.velocity[organ == 1.0]).max() > 0.0
    outside = space.points[:, 0] > 0.6
    assert flow.filtered[outside] == pytest.approx(0.0, abs=1e-15)
    assert flow.drained[outside] == pytest.approx(0.0, abs=1e-15)
    assert space.node_sum(flow.filtered) == pytest.approx(space.node_sum(flow.drained), rel=1e-8)


def test_the_fast_operators_are_those_of_the_symbolic_definition() -> None:
    space = cube(3)
    operators = EdgeOperators(space)
    trial, test = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
    form = definition.seepage(trial, test, hydraulic_conductivity=CONDUCTIVITY, weight=1.0)
    matrix = assemble_matrix(fem.form(form * ufl.dx))
    matrix.assemble()
    pressure = np.random.default_rng(3).normal(size=space.count)
    coupling = operators.edge_coupling(np.full(space.cell_count, CONDUCTIVITY))
    start, end = operators.edge_start, operators.edge_end
    flow = coupling * (pressure[end] - pressure[start])
    ours = np.bincount(start, flow, space.count) - np.bincount(end, flow, space.count)
    vector = matrix.createVecRight()
    vector.array[:] = pressure
    assert ours == pytest.approx((matrix * vector).array, rel=1e-10, abs=1e-12)


def test_starlings_pressure_balances_the_walls() -> None:
    balanced = definition.filtration_pressure(
        capillary_pressure=2000.0,
        oncotic_reflection=0.5,
        plasma_oncotic_pressure=2600.0,
        interstitial_oncotic_pressure=1600.0,
    )
    assert balanced == pytest.approx(1500.0)
    assert definition.filtration(
        balanced, 1.0, filtration_conductance=3.0, filtration_pressure=balanced, weight=1.0
    ) == pytest.approx(0.0)
    assert definition.drainage(5.0, 1.0, lymphatic_conductance=2.0, lymph_pressure=1.0, weight=1.0) == 8.0
