# SPDX-License-Identifier: LGPL-3.0-or-later
"""Terms of the bioheat equation in limits with a closed form."""

from typing import Any

import numpy as np
import pytest
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import LinearProblem
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.physics import bioheat


@pytest.fixture(scope="module")
def space() -> Any:
    return fem.functionspace(mesh.create_unit_cube(MPI.COMM_WORLD, 3, 3, 3), ("P", 1))


def assembled(integrand: Any, measure: Any = ufl.dx) -> NDArray[np.float64]:
    return np.array(fem.assemble_vector(fem.form(integrand * measure)).array)


def total(integrand: Any, measure: Any = ufl.dx) -> float:
    return float(fem.assemble_scalar(fem.form(integrand * measure)))


def test_blood_at_tissue_temperature_exchanges_nothing(space: Any) -> None:
    temperature = fem.Function(space)
    temperature.x.array[:] = 37.0
    term = bioheat.pennes_sink(
        temperature,
        ufl.TestFunction(space),
        perfusion_rate=0.01,
        blood_heat_capacity=3.8e6,
        arterial_temperature=37.0,
        weight=1.0,
    )
    np.testing.assert_allclose(assembled(term), 0.0, atol=1e-9)


def test_blood_takes_heat_from_hotter_tissue(space: Any) -> None:
    temperature = fem.Function(space)
    temperature.x.array[:] = 47.0
    term = bioheat.pennes_sink(
        temperature,
        ufl.TestFunction(space),
        perfusion_rate=0.01,
        blood_heat_capacity=3.8e6,
        arterial_temperature=37.0,
        weight=1.0,
    )
    assert assembled(term).sum() == pytest.approx(-0.01 * 3.8e6 * 10.0)


def test_uniform_temperature_conducts_nothing_and_conduction_is_symmetric(space: Any) -> None:
    trial, test = ufl.TrialFunction(space), ufl.TestFunction(space)
    term = bioheat.conduction(trial, test, thermal_conductivity=0.5, weight=1.0)
    matrix = fem.assemble_matrix(fem.form(term * ufl.dx)).to_scipy()
    np.testing.assert_allclose(matrix @ np.ones(matrix.shape[0]), 0.0, atol=1e-12)
    assert abs(matrix - matrix.T).max() < 1e-14


def test_heat_stored_over_a_step_is_the_rise_of_enthalpy(space: Any) -> None:
    before, after = fem.Function(space), fem.Function(space)
    before.x.array[:], after.x.array[:] = 1.0e6, 4.0e6
    term = bioheat.heat_storage(after, before, ufl.TestFunction(space), time_step=2.0, weight=1.0)
    assert assembled(term).sum() * 2.0 == pytest.approx(3.0e6)


def test_a_source_deposits_its_power_and_a_surface_its_flux(space: Any) -> None:
    temperature = fem.Function(space)
    temperature.x.array[:] = 37.0
    source = bioheat.volumetric_source(5.0e4, ufl.TestFunction(space), weight=1.0)
    exchange = bioheat.surface_exchange(
        temperature,
        ufl.TestFunction(space),
        heat_transfer_coefficient=10.0,
        outside_temperature=25.0,
        weight=1.0,
    )
    assert assembled(source).sum() == pytest.approx(5.0e4)
    assert assembled(exchange, ufl.ds).sum() == pytest.approx(-6.0 * 10.0 * 12.0)


def slab_error(cells: int) -> float:
    """Largest error [K] at the nodes of a perfused slab: hot on one face, insulated on the other (fin solution)."""
    slab = mesh.create_interval(MPI.COMM_WORLD, cells, [0.0, 0.03])
    space = fem.functionspace(slab, ("P", 1))
    trial, test = ufl.TrialFunction(space), ufl.TestFunction(space)
    blood: dict[str, float] = {"perfusion_rate": 0.01, "blood_heat_capacity": 3.8e6, "arterial_temperature": 37.0}
    residual = bioheat.conduction(trial, test, thermal_conductivity=0.5, weight=1.0)
    residual -= bioheat.pennes_sink(trial, test, **blood, weight=1.0)
    hot = fem.dirichletbc(60.0, fem.locate_dofs_geometrical(space, lambda x: np.isclose(x[0], 0.0)), space)
    left, right = ufl.system(residual * ufl.dx)
    solution = LinearProblem(left, right, bcs=[hot], petsc_options={"ksp_type": "preonly", "pc_type": "lu"}).solve()
    x = space.tabulate_dof_coordinates()[:, 0]
    reach = np.sqrt(0.5 / (0.01 * 3.8e6))
    exact = 37.0 + 23.0 * np.cosh((0.03 - x) / reach) / np.cosh(0.03 / reach)
    return float(np.abs(solution.x.array - exact).max())


def test_a_perfused_slab_converges_with_second_order_to_the_fin_solution() -> None:
    errors = [slab_error(cells) for cells in (20, 40, 80)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert ((orders > 1.9) & (orders < 2.1)).all()


def test_the_weight_turns_the_half_plane_into_a_cylinder() -> None:
    half_plane = mesh.create_rectangle(MPI.COMM_WORLD, [[0.0, 0.0], [0.02, 0.05]], [4, 4])
    space = fem.functionspace(half_plane, ("P", 1))
    weight = 2.0 * ufl.pi * ufl.SpatialCoordinate(half_plane)[0]
    source = bioheat.volumetric_source(1.0e6, ufl.TestFunction(space), weight=weight)
    assert assembled(source).sum() == pytest.approx(1.0e6 * np.pi * 0.02**2 * 0.05)
