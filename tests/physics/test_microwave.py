# SPDX-License-Identifier: LGPL-3.0-or-later
"""Terms of the microwave problem against a short dipole and textbook values of coaxial lines."""

from typing import Any

import basix.ufl
import numpy as np
import pytest
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import LinearProblem
from mpi4py import MPI

from imagio_sim.physics import microwave

FREQUENCY = 2.45e9
EPSILON = 43.03 - 12.4j
WAVE = microwave.wave_number(FREQUENCY)
INDEX = np.sqrt(EPSILON)


def dipole(x: Any) -> Any:
    """Circulation r H_phi of a short dipole on the axis at the origin, of any strength."""
    distance = np.hypot(x[0], x[1])
    wave = WAVE * INDEX
    return 1e-3 * x[0] ** 2 / distance**2 * np.exp(-1j * wave * distance) * (1j * wave + 1.0 / distance)


def dipole_error(cells: int) -> float:
    """Relative L2 error in a rectangle off the axis beside the dipole, with its exact values on the boundary."""
    domain = mesh.create_rectangle(MPI.COMM_WORLD, [[0.005, 0.005], [0.025, 0.025]], [cells, cells])
    space = fem.functionspace(domain, basix.ufl.element("Lagrange", "triangle", 2, shape=(2,)))
    given_values = fem.Function(space)
    given_values.interpolate(lambda x: np.stack([dipole(x).real, dipole(x).imag]))
    domain.topology.create_connectivity(1, 2)
    facets = mesh.exterior_facet_indices(domain.topology)
    given = fem.dirichletbc(given_values, fem.locate_dofs_topological(space, 1, facets))
    radius = ufl.SpatialCoordinate(domain)[0]
    trial, test = (tuple(ufl.split(argument)) for argument in (ufl.TrialFunction(space), ufl.TestFunction(space)))
    inverse = microwave.inverse((EPSILON.real, EPSILON.imag))
    shared = {"wave_number": WAVE, "radius": radius, "weight": 2.0 * np.pi * radius}
    form = microwave.propagation(trial, test, inverse_permittivity=inverse, **shared) * ufl.dx
    nothing = fem.Constant(domain, 0.0) * (test[0] + test[1]) * ufl.dx
    solution = LinearProblem(form, nothing, bcs=[given], petsc_options={"ksp_type": "preonly", "pc_type": "lu"}).solve()
    finer = fem.functionspace(domain, basix.ufl.element("Lagrange", "triangle", 5, shape=(2,)))
    exact = fem.Function(finer)
    exact.interpolate(lambda x: np.stack([dipole(x).real, dipole(x).imag]))
    difference = fem.assemble_scalar(fem.form(ufl.inner(solution - exact, solution - exact) * ufl.dx))
    size = fem.assemble_scalar(fem.form(ufl.inner(exact, exact) * ufl.dx))
    return float(np.sqrt(difference / size))


def test_the_field_of_a_short_dipole_is_found_with_third_order() -> None:
    errors = [dipole_error(cells) for cells in (4, 8, 16)]
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all((orders > 2.7) & (orders < 3.4))
    assert errors[-1] < 1e-3


def test_a_line_whose_radii_are_as_two_and_a_third_to_one_has_50_ohm_in_air() -> None:
    assert microwave.line_impedance(1.0, 2.3026, 1.0) == pytest.approx(50.0, rel=1e-3)
    assert microwave.line_impedance(1.0, 2.3026, 4.0) == pytest.approx(25.0, rel=1e-3)


def test_the_field_of_a_line_carries_the_power_it_was_made_for() -> None:
    inner, outer, permittivity = 0.135e-3, 0.47e-3, 2.03
    amplitude = microwave.line_field(7.0, inner, outer, permittivity)
    current = 2.0 * np.pi * amplitude
    assert 0.5 * microwave.line_impedance(inner, outer, permittivity) * current**2 == pytest.approx(7.0)


def test_copper_has_the_surface_resistance_of_textbooks() -> None:
    # 2.6e-7 ohm times the root of the frequency.
    assert microwave.surface_resistance(1e9, 5.8e7) == pytest.approx(2.61e-7 * np.sqrt(1e9), rel=0.005)


def test_a_thin_cable_loses_more_and_a_better_metal_less() -> None:
    def lost(scale: float, conductivity: float) -> float:
        return microwave.line_attenuation(
            0.135e-3 * scale,
            0.47e-3 * scale,
            2.03,
            loss_tangent=2e-4,
            conductivity=conductivity,
            frequency=FREQUENCY,
        )

    assert lost(0.5, 5.8e7) > lost(1.0, 5.8e7) > lost(1.0, 6.2e7)
    # 0.19 Np/m or 1.6 dB/m.
    assert 8.686 * lost(1.0, 5.8e7) == pytest.approx(1.68, abs=0.1)


def test_an_inverse_is_one() -> None:
    real, imaginary = microwave.inverse((EPSILON.real, EPSILON.imag))
    assert complex(real, imaginary) * EPSILON == pytest.approx(1.0)
