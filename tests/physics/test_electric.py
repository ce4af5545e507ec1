# SPDX-License-Identifier: LGPL-3.0-or-later
"""Terms of the electric problem in limits with a closed form."""

from typing import Any

import numpy as np
import pytest
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import LinearProblem
from mpi4py import MPI

from imagio_sim.physics import electric

CENTRE = (0.1, -0.2, 0.15)


def monopole(x: Any) -> Any:
    return 1.0 / np.sqrt(sum((x[axis] - CENTRE[axis]) ** 2 for axis in range(3)))


def monopole_error(cells: int) -> float:
    """Relative L2 error in a cube beside a point electrode: one face at the exact potential, the rest remote ground."""
    cube = mesh.create_box(MPI.COMM_WORLD, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]], [cells] * 3)
    space = fem.functionspace(cube, ("P", 1))
    trial, test = ufl.TrialFunction(space), ufl.TestFunction(space)
    exact = fem.Function(space)
    exact.interpolate(monopole)
    face = fem.locate_dofs_geometrical(space, lambda x: np.isclose(x[0], 1.0))
    term = electric.conduction(trial, test, electrical_conductivity=0.3, weight=1.0) * ufl.dx
    term += remote(cube, trial, test, conductivity=0.3) * ufl.ds(metadata={"quadrature_degree": 4})
    problem = LinearProblem(
        term,
        fem.Constant(cube, 0.0) * test * ufl.dx,
        bcs=[fem.dirichletbc(exact, face)],
        petsc_options={"ksp_type": "preonly", "pc_type": "lu"},
    )
    solution = problem.solve()
    x = ufl.SpatialCoordinate(cube)
    truth = 1.0 / ufl.sqrt(sum((x[axis] - CENTRE[axis]) ** 2 for axis in range(3)))
    degree = {"quadrature_degree": 4}
    difference = fem.assemble_scalar(fem.form((solution - truth) ** 2 * ufl.dx(metadata=degree)))
    size = fem.assemble_scalar(fem.form(truth**2 * ufl.dx(metadata=degree)))
    return float(np.sqrt(difference / size))


def remote(domain: mesh.Mesh, potential: Any, test: Any, *, conductivity: float) -> Any:
    return electric.remote_ground(
        potential,
        test,
        electrical_conductivity=conductivity,
        position=ufl.SpatialCoordinate(domain),
        normal=ufl.FacetNormal(domain),
        centre=ufl.as_vector(CENTRE),
        weight=1.0,
    )


def test_the_remote_ground_keeps_a_point_electrodes_field_on_a_region_of_any_shape() -> None:
    errors = [monopole_error(cells) for cells in (2, 4, 8)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert ((orders > 1.8) & (orders < 2.2)).all()
    assert errors[-1] < 2e-3


def test_on_a_sphere_the_remote_ground_is_potential_over_radius() -> None:
    disc = mesh.create_unit_square(MPI.COMM_WORLD, 1, 1)
    x, radius = ufl.SpatialCoordinate(disc), 3.0
    direction = ufl.as_vector((0.6, 0.8))
    general = electric.remote_ground(
        2.0,
        1.0,
        electrical_conductivity=0.3,
        position=x * 0.0 + radius * direction,
        normal=direction,
        centre=ufl.as_vector((0.0, 0.0)),
        weight=1.0,
    )
    assert fem.assemble_scalar(fem.form(general * ufl.dx(disc))) == pytest.approx(0.3 * 2.0 / radius)


def test_uniform_field_heats_by_conductivity_times_field_squared() -> None:
    half_plane = mesh.create_rectangle(MPI.COMM_WORLD, [[0.0, 0.0], [0.02, 0.05]], [4, 4])
    space = fem.functionspace(half_plane, ("P", 1))
    potential = fem.Function(space)
    potential.interpolate(lambda x: 200.0 * x[1])
    weight = 2.0 * ufl.pi * ufl.SpatialCoordinate(half_plane)[0]
    heat = electric.joule_heat(potential, electrical_conductivity=0.3)
    power = fem.assemble_scalar(fem.form(heat * weight * ufl.dx))
    assert power == pytest.approx(0.3 * 200.0**2 * np.pi * 0.02**2 * 0.05)


def test_power_is_the_conduction_term_tested_with_the_potential_itself() -> None:
    cube = mesh.create_unit_cube(MPI.COMM_WORLD, 2, 2, 2)
    space = fem.functionspace(cube, ("P", 1))
    potential = fem.Function(space)
    potential.interpolate(lambda x: x[0] ** 2 + x[1] * x[2])
    heat = electric.joule_heat(potential, electrical_conductivity=0.3) * ufl.dx
    work = electric.conduction(potential, potential, electrical_conductivity=0.3, weight=1.0) * ufl.dx
    assert fem.assemble_scalar(fem.form(heat)) == pytest.approx(fem.assemble_scalar(fem.form(work)))
