# SPDX-License-Identifier: LGPL-3.0-or-later
"""The field of an antenna against closed forms of coaxial lines, the symbolic forms and itself."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import LinearProblem
from mpi4py import MPI

from imagio_sim.meshing.antenna import AntennaMesh, AntennaSizes, antenna_mesh
from imagio_sim.physics import microwave
from imagio_sim.solve import versions
from imagio_sim.solve.microwave_field import AntennaField, AntennaProblem
from tests.solve.antennas import (
    DIELECTRIC,
    FREQUENCY,
    INNER_MM,
    LINE,
    OUTER_MM,
    coaxial_line,
    filled,
    lossy,
    single_slot,
)

WAVE = microwave.wave_number(FREQUENCY) * np.sqrt(DIELECTRIC)
LINE_IMPEDANCE = microwave.line_impedance(INNER_MM, OUTER_MM, DIELECTRIC)


def solved(line: AntennaMesh, **options: Any) -> tuple[AntennaProblem, AntennaField]:
    problem = AntennaProblem(line, LINE, frequency=FREQUENCY, **options)
    return problem, problem.solve(filled(line, tissue=DIELECTRIC, far=DIELECTRIC))


def short_circuit_errors(cells: int, length_mm: float = 100.0) -> tuple[float, float]:
    """Relative error of E_r in the cells, and of the input impedance, of a line with a short circuit at its end."""
    line = coaxial_line(length_mm, cells, end="metal")
    _, field = solved(line)
    corners = line.points_mm[line.cells] * 1e-3
    r, z = corners[..., 0], corners[..., 1] + length_mm * 1e-3
    amplitude = 2.0 * microwave.line_field(1.0, INNER_MM * 1e-3, OUTER_MM * 1e-3, DIELECTRIC)
    impedance = microwave.VACUUM_IMPEDANCE / np.sqrt(DIELECTRIC)
    turned = np.exp(-1j * WAVE * length_mm * 1e-3)
    exact = impedance * amplitude / r * -1j * np.sin(WAVE * z) * turned
    error = np.linalg.norm(field.electric[..., 0] - exact) / np.linalg.norm(exact)
    seen = LINE_IMPEDANCE * (1.0 + field.reflection) / (1.0 - field.reflection)
    expected = 1j * LINE_IMPEDANCE * np.tan(WAVE * length_mm * 1e-3)
    return float(error), float(abs(seen - expected) / abs(expected))


def test_field_and_impedance_of_a_shorted_line_converge_to_the_closed_form() -> None:
    errors = np.array([short_circuit_errors(cells) for cells in (10, 20, 40)])
    orders = np.log2(errors[:-1] / errors[1:])
    assert errors[-1, 0] < 0.005
    assert errors[-1, 1] < 0.005
    # Quadratic elements: the field, a derivative, has order 2, the impedance, a functional, twice that.
    assert np.all((orders[:, 0] > 1.8) & (orders[:, 0] < 2.2))
    assert np.all((orders[:, 1] > 3.6) & (orders[:, 1] < 4.4))


def test_a_matched_line_reflects_nothing_and_passes_all_power() -> None:
    _, field = solved(coaxial_line(60.0, 30, end="outer"))
    assert abs(field.reflection) < 1e-4
    assert field.radiated == pytest.approx(1.0, abs=1e-4)


def test_a_step_of_the_dielectric_reflects_as_transmission_lines_do() -> None:
    line = coaxial_line(40.0, 40, end="outer")
    field = AntennaProblem(line, LINE, frequency=FREQUENCY).solve(filled(line, tissue=DIELECTRIC, far=10.0))
    step = (np.sqrt(DIELECTRIC) - np.sqrt(10.0)) / (np.sqrt(DIELECTRIC) + np.sqrt(10.0))
    expected = step * np.exp(-2j * WAVE * 20e-3)
    assert abs(field.reflection - expected) < 1e-3 * abs(expected)


def test_metal_walls_take_what_the_attenuation_of_a_line_says() -> None:
    copper, length = 5.8e7, 30.0
    resistance = microwave.surface_resistance(FREQUENCY, copper)
    _, field = solved(coaxial_line(length, 30, end="outer", across=8), wall_resistance=resistance)
    attenuation = microwave.line_attenuation(
        INNER_MM * 1e-3,
        OUTER_MM * 1e-3,
        DIELECTRIC,
        loss_tangent=0.0,
        conductivity=copper,
        frequency=FREQUENCY,
    )
    assert field.walls == pytest.approx(1.0 - np.exp(-2.0 * attenuation * length * 1e-3), rel=0.02)


def test_a_lossy_dielectric_takes_what_the_attenuation_of_a_line_says() -> None:
    line, tangent = coaxial_line(60.0, 60, end="outer"), 0.02
    lossy_line = DIELECTRIC * (1.0 - 1j * tangent)
    field = AntennaProblem(line, LINE, frequency=FREQUENCY).solve(filled(line, tissue=lossy_line, far=lossy_line))
    through = np.exp(-WAVE * tangent * 60e-3)
    assert field.cell_powers.sum() == pytest.approx(1.0 - through, rel=0.01)


def test_the_matrix_is_that_of_the_symbolic_forms() -> None:
    line = coaxial_line(20.0, 12, end="outer")
    materials = {"tissue": lossy(2.5, 0.05), "far": lossy(30.0, 1.0)}
    problem = AntennaProblem(line, LINE, frequency=FREQUENCY, wall_resistance=0.5)
    field = problem.solve(filled(line, **materials))
    symbolic = _symbolic(line, filled(line, **materials), resistance=0.5)
    assert field.cell_powers.sum() == pytest.approx(symbolic["dissipated"], rel=1e-9)
    assert field.radiated == pytest.approx(symbolic["radiated"], rel=1e-9)


def _symbolic(line: AntennaMesh, permittivity: np.ndarray, *, resistance: float) -> dict[str, float]:
    """Powers from the forms of ``physics.microwave``, assembled and solved by DOLFINx."""
    domain = versions.create_simplex_mesh(MPI.COMM_SELF, line.cells, line.points_mm * 1e-3)
    import basix.ufl

    space = fem.functionspace(domain, basix.ufl.element("Lagrange", "triangle", 2, shape=(2,)))
    constant = fem.functionspace(domain, ("DG", 0))
    of_cell = permittivity[domain.topology.original_cell_index]

    def coefficient(values: np.ndarray) -> tuple[fem.Function, fem.Function]:
        parts = fem.Function(constant), fem.Function(constant)
        parts[0].x.array[:], parts[1].x.array[:] = values.real, values.imag
        return parts

    bottom, top = line.points_mm[:, 1].min() * 1e-3, 0.0
    places = {1: lambda x: np.isclose(x[1], top), 2: lambda x: np.isclose(x[1], bottom)}
    marked = {tag: mesh.locate_entities_boundary(domain, 1, place) for tag, place in places.items()}
    domain.topology.create_connectivity(1, 2)
    rest = np.setdiff1d(mesh.exterior_facet_indices(domain.topology), np.concatenate(list(marked.values())))
    marked[3] = rest
    facets = np.concatenate(list(marked.values()))
    tags = np.concatenate([np.full(len(found), tag, dtype=np.int32) for tag, found in marked.items()])
    order = np.argsort(facets)
    ds = ufl.Measure("ds", domain, subdomain_data=mesh.meshtags(domain, 1, facets[order], tags[order]))
    ds, dx = ds(metadata={"quadrature_degree": 15}), ufl.dx(metadata={"quadrature_degree": 6})
    radius = ufl.SpatialCoordinate(domain)[0]
    shared = {"wave_number": microwave.wave_number(FREQUENCY), "radius": radius, "weight": 2.0 * np.pi * radius}
    trial, test = (tuple(ufl.split(argument)) for argument in (ufl.TrialFunction(space), ufl.TestFunction(space)))
    epsilon, index = coefficient(of_cell), coefficient(1.0 / np.sqrt(of_cell))
    behind = (1.0 / np.sqrt(DIELECTRIC), 0.0)
    left = microwave.propagation(trial, test, inverse_permittivity=microwave.inverse(epsilon), **shared) * dx
    left += microwave.outgoing(trial, test, inverse_index=behind, **shared) * ds(1)
    left += microwave.outgoing(trial, test, inverse_index=index, **shared) * ds(2)
    left += microwave.wall(trial, test, resistance=resistance, **shared) * ds(3)
    incident = microwave.line_field(1.0, INNER_MM * 1e-3, OUTER_MM * 1e-3, DIELECTRIC)
    right = microwave.feed(test, incident=incident, permittivity=DIELECTRIC, **shared) * ds(1)
    solver = {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"}
    solution = tuple(ufl.split(LinearProblem(left, right, petsc_options=solver).solve()))
    heat = microwave.dissipation(solution, permittivity=epsilon, frequency=FREQUENCY, radius=radius)
    gone = microwave.radiated(solution, inverse_index=index, radius=radius)
    return {
        "dissipated": fem.assemble_scalar(fem.form(2.0 * np.pi * radius * heat * dx)),
        "radiated": fem.assemble_scalar(fem.form(2.0 * np.pi * radius * gone * ds(2))),
    }


def slot_field(factor: float = 1.0, **permittivity: complex) -> AntennaField:
    recipe = single_slot(sizes=AntennaSizes().scaled(factor))
    made = antenna_mesh(recipe)
    return AntennaProblem(made, recipe.port, frequency=FREQUENCY).solve(filled(made, **permittivity))


def test_all_power_of_the_single_slot_is_accounted_for() -> None:
    field = slot_field()
    assert abs(field.imbalance) < 1e-6
    assert field.reflected < 0.02
    assert field.cell_powers.sum() > 0.96


def test_power_of_the_single_slot_does_not_depend_on_the_mesh() -> None:
    shares = [slot_field(factor).cell_powers.sum() for factor in (1.6, 0.8)]
    assert shares[0] == pytest.approx(shares[1], abs=0.002)


def test_heat_at_the_vertices_is_never_negative_and_keeps_each_cells_power() -> None:
    recipe = single_slot()
    made = antenna_mesh(recipe)
    field = AntennaProblem(made, recipe.port, frequency=FREQUENCY).solve(filled(made))
    corners = made.points_mm[made.cells] * 1e-3
    area = 0.5 * np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    # Exact integral of the product of two linear functions, density and 2 pi r.
    mixed = (field.heat * corners[..., 0]).sum(axis=1) + field.heat.sum(axis=1) * corners[..., 0].sum(axis=1)
    assert field.heat.min() >= 0.0
    assert np.allclose(2.0 * np.pi * area * mixed / 12.0, field.cell_powers, rtol=1e-6, atol=1e-12)


def test_a_line_into_dry_tissue_reflects_more_and_heats_less_than_into_wet_tissue() -> None:
    wet, dry = slot_field(), slot_field(tissue=lossy(4.0, 0.05))
    assert dry.reflected > 2.0 * wet.reflected
    assert dry.cell_powers.sum() < wet.cell_powers.sum()


def test_a_wave_that_goes_on_into_a_longer_line_is_turned_by_its_length() -> None:
    phases = [np.angle(solved(coaxial_line(length, 40, end="metal"))[1].reflection) for length in (40.0, 45.0, 50.0)]
    for shorter, longer in pairwise(phases):
        assert np.exp(1j * (longer - shorter)) == pytest.approx(np.exp(-2j * WAVE * 5e-3), abs=1e-4)
