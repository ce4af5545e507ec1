# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bioheat step against closed forms and manufactured solutions (AN01, AN02, AN07, AN08)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j0

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import half_plane, spherical_shell
from imagio_sim.solve.discretisation import EdgeOperators
from imagio_sim.solve.heat import Exchange, HeatProblem
from tests.solve.conftest import Floats, LinearEnthalpy, discretised, norm, observed_order, polar_shell, surface_nodes

STEADY = 1e9


def steady(
    problem: HeatProblem, start: Floats, conductivity: Floats, exchanges: dict[str, Exchange], load: Floats
) -> Floats:
    """Two steps so long that the L-stable scheme lands on the stationary solution."""
    temperature = problem.with_fixed(start)
    for _ in range(2):
        step = problem.step(
            temperature,
            STEADY,
            guesses=[temperature, temperature],
            conductivity=conductivity,
            exchanges=exchanges,
            load=load,
        )
        temperature = step.temperature
    return temperature


def pennes_sphere_error(domain: Domain) -> float:
    """L2 error [K] of the perfused medium around a sphere of 5 mm at 90 degC (AN01), cut off by an outer sphere."""
    space = discretised(domain)
    operators = EdgeOperators(space)
    radius = np.linalg.norm(space.points, axis=1)
    decay = np.sqrt(0.0064 * 4.18e6 / 0.52)
    exact = 37.0 + 53.0 * (5e-3 / radius) * np.exp(-decay * (radius - 5e-3))
    volume = operators.distributed(np.ones(space.cell_count))
    problem = HeatProblem(
        operators,
        LinearEnthalpy(volume * 3.8e6),
        fixed_nodes=surface_nodes(space, domain, "inner", "boundary"),
        fixed_temperature=exact,
        tolerance=1e-12,
        nonlinear_tolerance=1e-6,
    )
    blood = Exchange(volume * 0.0064 * 4.18e6, 37.0)
    temperature = steady(
        problem, np.full(space.count, 37.0), np.full(space.cell_count, 0.52), {"blood": blood}, np.zeros(space.count)
    )
    return norm(space, volume, temperature - exact)


def test_pennes_sphere_converges_with_second_order() -> None:
    errors = [pennes_sphere_error(polar_shell(5.0, 40.0, n)) for n in (16, 32, 64)]
    assert 1.9 <= observed_order(errors) <= 2.1
    assert errors[-1] < 0.02


def test_pennes_sphere_of_tetrahedra_converges_as_well() -> None:
    errors = [pennes_sphere_error(spherical_shell(5.0, 40.0, 2.0 / n, 6.0 / n)) for n in (1, 2)]
    assert 1.6 <= observed_order(errors) <= 2.4
    assert errors[-1] < 0.1


def uniform_source_rise(radius: Floats) -> Floats:
    """AN02: rise [K] in a perfused medium with 1e6 W/m3 within 10 mm, at radii [m]."""
    sink = 0.0064 * 4.18e6
    decay = np.sqrt(sink / 0.52)
    edge, scaled = decay * 10e-3, np.maximum(decay * radius, 1e-9)
    inside = 1e6 / sink * (1 - (1 + edge) * np.exp(-edge) * np.sinh(scaled) / scaled)
    outside = 1e6 / sink * (edge * np.cosh(edge) - np.sinh(edge)) * np.exp(-scaled) / scaled
    return np.where(radius < 10e-3, inside, outside)


def test_uniform_source_in_a_sphere_heats_centre_and_surface_as_the_closed_form() -> None:
    domain = half_plane(30.0, 60.0, 60, 120)
    space = discretised(domain)
    operators = EdgeOperators(space)
    radius = np.linalg.norm(space.points - np.array([0.0, 30e-3]), axis=1)
    barycentric = np.random.default_rng(1).dirichlet(np.ones(3), size=200)
    inner_points = np.einsum("qk,ekd->eqd", barycentric, space.points[space.cells]) - np.array([0.0, 30e-3])
    share = (np.linalg.norm(inner_points, axis=2) < 10e-3).mean(axis=1)
    volume = operators.distributed(np.ones(space.cell_count))
    exact = uniform_source_rise(radius)
    problem = HeatProblem(
        operators,
        LinearEnthalpy(volume * 3.8e6),
        fixed_nodes=surface_nodes(space, domain, "side", "top", "bottom"),
        fixed_temperature=37.0 + exact,
        tolerance=1e-12,
        nonlinear_tolerance=1e-6,
    )
    blood = Exchange(volume * 0.0064 * 4.18e6, 37.0)
    load = operators.distributed(1.0e6 * share)
    start, conductivity = np.full(space.count, 37.0), np.full(space.cell_count, 0.52)
    rise = steady(problem, start, conductivity, {"blood": blood}, load) - 37.0
    assert rise[np.argmin(radius)] == pytest.approx(24.7361, rel=3e-3)
    assert rise[np.argmin(np.abs(radius - 10e-3))] == pytest.approx(10.7385, rel=1e-2)
    assert norm(space, volume, rise - exact) < 2e-3 * 24.7361


def axisymmetric_steady_error(n: int) -> float:
    """L2 error of the manufactured J0 x cos solution in r-z (AN07)."""
    radius, height, k, sink = 1.0, 10.0, 0.56, 0.004 * 3640.0
    domain = half_plane(radius, height, n, 4 * n)
    space = discretised(domain, scale=1.0)
    operators = EdgeOperators(space)
    r, z = space.points.T
    root = 2.404825557695773
    exact = 60.0 * j0(root * r / radius) * np.cos(np.pi * z / (2 * height))
    eigenvalue = (root / radius) ** 2 + (np.pi / (2 * height)) ** 2
    volume = operators.distributed(np.ones(space.cell_count))
    problem = HeatProblem(
        operators,
        LinearEnthalpy(volume * 1e3),
        fixed_nodes=surface_nodes(space, domain, "side", "top"),
        fixed_temperature=0.0,
        tolerance=1e-12,
        nonlinear_tolerance=1e-9,
    )
    load = operators.distributed(operators.cell_mean((k * eigenvalue + sink) * exact))
    exchanges = {"blood": Exchange(volume * sink, 0.0)}
    temperature = steady(problem, np.zeros(space.count), np.full(space.cell_count, k), exchanges, load)
    return norm(space, volume, temperature - exact)


def test_axisymmetric_manufactured_solution_converges_with_second_order() -> None:
    errors = [axisymmetric_steady_error(n) for n in (8, 16, 32)]
    assert 1.8 <= observed_order(errors) <= 2.2


HEAT_CAPACITY = 1.0


def manufactured(r: Floats, z: Floats, time: float) -> tuple[Floats, Floats]:
    """AN08: theta = 23 cos(r) sin(z) exp(-t) and the source that makes it solve the equation with k(theta)."""
    k0, a, decay = 0.512, 0.02, 23.0 * np.exp(-time)
    theta = decay * np.cos(r) * np.sin(z)
    dr, dz = -decay * np.sin(r) * np.sin(z), decay * np.cos(r) * np.cos(z)
    over_r = np.where(r > 1e-12, dr / np.maximum(r, 1e-12), -decay * np.sin(z))
    laplacian = -theta + over_r - theta
    conduction = k0 * (1 + a * theta) * laplacian + k0 * a * (dr**2 + dz**2)
    return theta, -HEAT_CAPACITY * theta - conduction


def nonlinear_solution(n: int, steps: int) -> tuple[Floats, float]:
    """AN08 at t = 1 and its L2 error; k is frozen at the extrapolated middle of each step, as the product does."""
    domain = half_plane(np.pi / 2, np.pi, n, 2 * n)
    space = discretised(domain, scale=1.0)
    operators = EdgeOperators(space)
    r, z = space.points.T
    volume = operators.distributed(np.ones(space.cell_count))
    problem = HeatProblem(
        operators,
        LinearEnthalpy(volume * HEAT_CAPACITY),
        fixed_nodes=surface_nodes(space, domain, "side", "top", "bottom"),
        fixed_temperature=0.0,
        tolerance=1e-12,
        nonlinear_tolerance=1e-9,
    )
    duration = 1.0 / steps
    before, now = (manufactured(r, z, time)[0] for time in (-duration, 0.0))
    for step in range(steps):
        middle = now + 0.5 * (now - before)
        load = operators.distributed(operators.cell_mean(manufactured(r, z, (step + 0.5) * duration)[1]))
        conductivity = 0.512 * (1 + 0.02 * operators.cell_mean(middle))
        result = problem.step(now, duration, guesses=[now, now], conductivity=conductivity, exchanges={}, load=load)
        before, now = now, result.temperature
    return now, norm(space, volume, now - manufactured(r, z, 1.0)[0])


def test_nonlinear_manufactured_solution_converges_with_second_order_in_space() -> None:
    errors = [nonlinear_solution(n, 64)[1] for n in (8, 16, 32)]
    assert 1.8 <= observed_order(errors) <= 2.2


def nonlinear_error_against_fine_time_steps(step_counts: list[int]) -> list[float]:
    """Differences at t = 1 to a solution with many steps on the same mesh, so that only time errors remain."""
    solutions = {steps: nonlinear_solution(12, steps)[0] for steps in (*step_counts, 256)}
    return [float(np.abs(solutions[steps] - solutions[256]).max()) for steps in step_counts]


def test_nonlinear_manufactured_solution_converges_with_second_order_in_time() -> None:
    errors = nonlinear_error_against_fine_time_steps([4, 8, 16])
    assert 1.8 <= observed_order(errors) <= 2.2
