# SPDX-License-Identifier: LGPL-3.0-or-later
"""The gathered operators against the UFL forms that define them, in 3-D and in the r-z half plane."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.solve.discretisation import EdgeOperators
from imagio_sim.solve.electric import ElectricProblem, RemoteGround
from imagio_sim.solve.linear import FreeMatrix
from tests.solve.conftest import Floats, discretised, surface_nodes

DOMAINS = {"tetrahedra": box(4, 20.0), "half plane": half_plane(10.0, 20.0, 6, 9)}


@pytest.fixture(params=DOMAINS, ids=list(DOMAINS))
def domain(request: pytest.FixtureRequest) -> Domain:
    return DOMAINS[request.param]


def weight(space) -> object:
    import ufl

    return 2 * ufl.pi * ufl.SpatialCoordinate(space.mesh)[0] if space.axisymmetric else ufl.as_ufl(1.0)


def cell_function(space, values: Floats) -> object:
    from dolfinx import fem

    function = fem.Function(fem.functionspace(space.mesh, ("DG", 0)))
    function.x.array[: space.cell_count] = values
    function.x.scatter_forward()
    return function


def test_stiffness_gathered_from_edges_equals_the_assembled_form(domain: Domain) -> None:
    import ufl
    from dolfinx import fem
    from dolfinx.fem.petsc import assemble_matrix

    space = discretised(domain)
    operators = EdgeOperators(space)
    conductivity = 1.0 + np.random.default_rng(2).random(domain.cells.shape[0])[space.input_cell]
    u, v = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
    k = cell_function(space, conductivity)
    reference = assemble_matrix(fem.form(weight(space) * k * ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx))
    reference.assemble()
    gathered = FreeMatrix(operators, np.zeros(space.count, dtype=bool))
    coupling = operators.edge_coupling(conductivity)
    gathered.fill(coupling, space.accumulated(-operators.edge_sum(coupling)))
    difference = reference.copy()
    difference.axpy(-1.0, gathered.matrix)
    assert difference.norm() < 1e-12 * reference.norm()


def test_overlap_gathered_on_edges_equals_the_assembled_mass_matrix(domain: Domain) -> None:
    import ufl
    from dolfinx import fem
    from dolfinx.fem.petsc import assemble_matrix

    space = discretised(domain)
    operators = EdgeOperators(space)
    density = 1.0 + np.random.default_rng(6).random(domain.cells.shape[0])[space.input_cell]
    u, v = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
    reference = assemble_matrix(fem.form(weight(space) * cell_function(space, density) * u * v * ufl.dx))
    reference.assemble()
    gathered = FreeMatrix(operators, np.zeros(space.count, dtype=bool))
    overlap = operators.edge_overlap(density)
    gathered.fill(overlap, operators.distributed(density) - space.accumulated(operators.edge_sum(overlap)))
    difference = reference.copy()
    difference.axpy(-1.0, gathered.matrix)
    assert difference.norm() < 1e-12 * reference.norm()


def test_distributed_density_equals_the_assembled_load(domain: Domain) -> None:
    import ufl
    from dolfinx import fem
    from dolfinx.fem.petsc import assemble_vector
    from petsc4py import PETSc

    space = discretised(domain)
    operators = EdgeOperators(space)
    density = np.random.default_rng(3).random(domain.cells.shape[0])[space.input_cell]
    v = ufl.TestFunction(space.space)
    reference = assemble_vector(fem.form(weight(space) * cell_function(space, density) * v * ufl.dx))
    reference.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
    assert operators.distributed(density)[: space.owned] == pytest.approx(reference.array, rel=1e-12)


def test_surface_share_adds_up_to_the_area(domain: Domain) -> None:
    space = discretised(domain)
    operators = EdgeOperators(space)
    name, area = ("side", 2 * np.pi * 10e-3 * 20e-3) if domain.axisymmetric else ("x_max", 20e-3**2)
    share = operators.surface_share(space.facets_of(domain.surfaces[name]))
    assert space.node_sum(share) == pytest.approx(area, rel=1e-12)


def test_joule_heat_of_the_potential_equals_its_conductance(domain: Domain) -> None:
    space = discretised(domain)
    operators = EdgeOperators(space)
    ends = ("bottom", "top") if domain.axisymmetric else ("z_min", "z_max")
    problem = ElectricProblem(
        operators,
        [surface_nodes(space, domain, ends[0])],
        grounded=surface_nodes(space, domain, ends[1]),
        remote_ground=None,
        tolerance=1e-12,
    )
    conductivity = np.full(space.cell_count, 0.3)
    solution = problem.solve(conductivity, 0.0)
    area = np.pi * 10e-3**2 if domain.axisymmetric else 20e-3**2
    assert solution.conductance[0, 0] == pytest.approx(0.3 * area / 20e-3, rel=1e-9)
    heat = problem.heat(solution, np.array([5.0]), conductivity)
    assert space.total(float(heat @ operators.cell_volume)) == pytest.approx(25 * solution.conductance[0, 0], rel=1e-9)


def test_gathered_fields_come_back_in_input_order(domain: Domain) -> None:
    space = discretised(domain)
    whole = space.gathered(space.points[:, 0].copy())
    if whole is not None:
        assert whole == pytest.approx(domain.points_mm[:, 0] * 1e-3)
    cells = space.gathered_cells(space.points[space.cells].mean(axis=1)[:, 0])
    if cells is not None:
        assert cells == pytest.approx(domain.points_mm[domain.cells].mean(axis=1)[:, 0] * 1e-3)


def test_remote_ground_of_a_flat_side_takes_the_solid_angle() -> None:
    """The nodal admittance over sigma is the flux of x/|x|^2 through the side."""
    domain = box(16, 20.0)
    space = discretised(domain)
    operators = EdgeOperators(space)
    centre = np.array([10e-3, 10e-3, 10e-3])
    ground = RemoteGround(operators, space.facets_of(domain.surfaces["x_max"]), centre)
    total = space.node_sum(space.accumulated(ground.admittance(np.ones(space.cell_count))))
    # integral over the side of d / (d^2 + y^2 + z^2), by a fine midpoint rule
    y = (np.arange(400) + 0.5) / 400 * 20e-3 - 10e-3
    exact = (10e-3 / (10e-3**2 + y[:, None] ** 2 + y[None, :] ** 2)).sum() * (20e-3 / 400) ** 2
    assert total == pytest.approx(exact, rel=5e-3)
