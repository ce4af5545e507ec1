# SPDX-License-Identifier: LGPL-3.0-or-later
"""The field of a pulse against closed forms, and the laws it must obey."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import ufl
from dolfinx import fem
from scipy.optimize import brentq

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import spherical_shell
from imagio_sim.physics.arithmetic import UFL
from imagio_sim.physics.electric import conduction
from imagio_sim.physics.electroporation import permeabilised_share, pulsed_conductivity
from imagio_sim.solve.circuit import Output
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.electric import ElectricProblem, RemoteGround
from imagio_sim.solve.electroporation_field import DipoleBoundary, PairProblem, PulsedTissue, PulseField
from tests.solve.conftest import Floats, discretised, norm, observed_order, polar_shell, surface_nodes
from tests.solve.cylinders import Cylinders

NEEDLES = Cylinders(radius_mm=0.5, distance_mm=15.0, theta=0.6)
VOLTAGE = 2250.0
LIVER = {"intact": 0.08, "electroporated": 0.32, "onset_field": 35e3, "saturation_field": 70e3}


def tissue(space: Discretisation, **changes: float) -> PulsedTissue:
    """Liver everywhere, never pulsed before."""
    values = {**LIVER, "remembered": 0.0, **changes}
    return PulsedTissue(**{name: np.full(space.cell_count, value) for name, value in values.items()})


def constant(space: Discretisation) -> PulsedTissue:
    """Tissue that does not care for the field."""
    return tissue(space, electroporated=LIVER["intact"])


def pair_problem(domain: Domain, space: Discretisation, *names: str) -> PairProblem:
    """Pulses between two surfaces in a region with an insulated outside."""
    driven, returned = (surface_nodes(space, domain, name) for name in names)
    return PairProblem(EdgeOperators(space), driven, returned, boundary=None, tolerance=1e-12)


@dataclass(frozen=True)
class Found:
    """Relative errors of the potential and the field (volume-weighted) and of the current."""

    potential: float
    field: float
    current: float


def against_cylinders(domain: Domain, height: float) -> Found:
    space = discretised(domain)
    operators = EdgeOperators(space)
    found = pair_problem(domain, space, "right", "left").solve(constant(space), VOLTAGE)
    volume = operators.distributed(np.ones(space.cell_count))
    potential = VOLTAGE * NEEDLES.potential(space.points)
    centres = space.points[space.cells].mean(axis=1)
    field = VOLTAGE * NEEDLES.field(centres)
    wrong = np.sqrt(space.total(float((found.field - field) ** 2 @ operators.cell_volume)))
    right = np.sqrt(space.total(float(field**2 @ operators.cell_volume)))
    current = VOLTAGE * NEEDLES.conductance * LIVER["intact"] * height
    return Found(
        norm(space, volume, found.potential - potential) / norm(space, volume, potential),
        float(wrong / right),
        abs(found.current / current - 1.0),
    )


def test_two_cylinders_converge_with_second_order_to_the_closed_form() -> None:
    found = [against_cylinders(NEEDLES.domain(n), 1.0) for n in (12, 24, 48)]
    assert 1.8 <= observed_order([one.potential for one in found]) <= 2.2
    assert 1.8 <= observed_order([one.current for one in found]) <= 2.2
    assert found[-1].potential < 1e-3
    assert found[-1].current < 2e-3


def against_nodal_field(n: int) -> float:
    """Relative error (L2) of the field as the nodes have it, the mean of their cells."""
    domain = NEEDLES.domain(n)
    space = discretised(domain)
    operators = EdgeOperators(space)
    volume = operators.distributed(np.ones(space.cell_count))
    found = pair_problem(domain, space, "right", "left").solve(constant(space), VOLTAGE)
    exact = VOLTAGE * NEEDLES.field(space.points)
    return norm(space, volume, operators.distributed(found.field) / volume - exact) / norm(space, volume, exact)


def test_the_field_at_the_nodes_is_within_one_percent_and_better_than_first_order() -> None:
    errors = [against_nodal_field(n) for n in (24, 48, 96)]
    assert 1.3 <= observed_order(errors) <= 2.1
    assert errors[1] < 1e-2
    assert errors[2] < 2e-3


def test_a_slab_with_insulated_ends_has_the_field_of_long_cylinders() -> None:
    found = [against_cylinders(NEEDLES.slab(n, 5.0), 5e-3) for n in (8, 16, 32)]
    assert 1.7 <= observed_order([one.potential for one in found]) <= 2.3
    assert 1.7 <= observed_order([one.current for one in found]) <= 2.3
    assert found[-1].potential < 1e-2
    assert found[-1].current < 1e-2


def shell_current(n: int, inner_mm: float = 1.0, outer_mm: float = 10.0) -> Floats:
    """Current between two spheres in tissue that opens: computed, and by integrating sigma(E) E r^2 = constant."""
    domain = polar_shell(inner_mm, outer_mm, n)
    space = discretised(domain)
    found = pair_problem(domain, space, "inner", "boundary").solve(tissue(space), 800.0)
    radius = np.linspace(inner_mm, outer_mm, 20001) * 1e-3
    strengths = np.geomspace(1.0, 1e7, 40001)
    law = PulsedTissue(*(np.full(len(strengths), LIVER[name]) for name in LIVER), np.zeros(len(strengths)))
    density = law.conductivity(strengths) * strengths
    current = brentq(
        lambda k: np.trapezoid(np.interp(k / radius**2, density, strengths), radius) - 800.0, 1e-8, 1.0, rtol=1e-12
    )
    return np.array([found.current, 4.0 * np.pi * current])


def test_current_between_spheres_converges_to_the_closed_form_of_the_nonlinear_problem() -> None:
    found = [shell_current(n) for n in (12, 24, 48)]
    errors = [abs(computed / exact - 1.0) for computed, exact in found]
    assert 1.7 <= observed_order(errors) <= 2.3
    assert errors[-1] < 2e-3


@cache
def plane() -> tuple[Domain, Discretisation]:
    """The region between two cylinders, coarse."""
    domain = NEEDLES.domain(12)
    return domain, discretised(domain)


def solved(voltage: float = VOLTAGE, **changes: float) -> PulseField:
    domain, space = plane()
    return pair_problem(domain, space, "right", "left").solve(tissue(space, **changes), voltage)


def test_tissue_that_never_opens_conducts_in_proportion() -> None:
    never = {"onset_field": 1e7, "saturation_field": 2e7}
    assert solved(2.0 * VOLTAGE, **never).current == pytest.approx(2.0 * solved(**never).current, rel=1e-9)
    assert solved(1e-3).current == pytest.approx(1e-3 / VOLTAGE * solved(**never).current, rel=1e-9)


def test_tissue_that_opens_conducts_more_than_in_proportion() -> None:
    assert solved().current > 1.2 * solved(electroporated=LIVER["intact"]).current
    assert solved(2.0 * VOLTAGE).current > 2.05 * solved().current


def test_tissue_that_earlier_pulses_left_open_conducts_as_electroporated() -> None:
    constant_high = solved(intact=LIVER["electroporated"])
    assert solved(remembered=1.0).current == pytest.approx(constant_high.current, rel=1e-9)
    assert solved().current < solved(remembered=0.5).current < constant_high.current


def test_power_of_the_pair_is_the_heat_in_the_tissue() -> None:
    found = solved()
    volume = EdgeOperators(plane()[1]).cell_volume
    assert float(found.heat @ volume) == pytest.approx(found.current * found.voltage, rel=1e-6)


def test_reversing_the_pair_changes_nothing_but_the_sign() -> None:
    domain, space = plane()
    turned = pair_problem(domain, space, "left", "right").solve(tissue(space), VOLTAGE)
    np.testing.assert_allclose(turned.potential, -solved().potential, atol=1e-4 * VOLTAGE)
    np.testing.assert_allclose(turned.field, solved().field, rtol=1e-4)


def test_the_solution_does_not_depend_on_where_it_starts() -> None:
    domain, space = plane()
    problem = pair_problem(domain, space, "right", "left")
    again = problem.solve(tissue(space), VOLTAGE, guess=solved(300.0).potential)
    np.testing.assert_allclose(again.field, solved().field, rtol=1e-4)


def test_a_field_that_opens_tissue_at_once_is_found_as_well() -> None:
    found = solved(electroporated=8.0, onset_field=40e3, saturation_field=40.1e3)
    assert found.current > solved().current
    volume = EdgeOperators(plane()[1]).cell_volume
    assert float(found.heat @ volume) == pytest.approx(found.current * found.voltage, rel=1e-5)


@cache
def three_spheres() -> tuple[Domain, Discretisation, tuple[np.ndarray, ...]]:
    """A shell whose inner sphere is cut into two electrodes by a gap and holds a third around its equator."""
    domain = spherical_shell(5.0, 15.0, 1.2, 2.5)
    space = discretised(domain)
    nodes = surface_nodes(space, domain, "inner")
    height = space.points[nodes, 2] * 1e3
    side = space.points[nodes, 0] > 0.0
    parts = (nodes[(height > 2.5) & side], nodes[(height > 2.5) & ~side], nodes[height < 1.0])
    return domain, space, tuple(part.astype(np.int32) for part in parts)


def test_an_idle_electrode_floats_as_the_circuit_of_linear_tissue_says() -> None:
    _, space, (driven, returned, idle) = three_spheres()
    operators = EdgeOperators(space)
    electric = ElectricProblem(
        operators, [driven, returned, idle], grounded=np.empty(0, np.int32), remote_ground=None, tolerance=1e-12
    )
    linear = electric.solve(np.full(space.cell_count, LIVER["intact"]), 0.0)
    potentials = floating_potentials(linear.conductance, Output(0, 1))
    problem = PairProblem(operators, driven, returned, idle=[idle], boundary=None, tolerance=1e-12)
    found = problem.solve(constant(space), 1.0)
    expected = potentials @ linear.unit_potentials
    np.testing.assert_allclose(found.potential, expected - expected[driven[0]] + 0.5, atol=1e-7)
    assert np.ptp(found.potential[idle]) == 0.0


def floating_potentials(conductance: Floats, output: Output) -> Floats:
    """Potentials of all conductors for 1 V between two, the others without a net current."""
    others = [one for one in range(len(conductance)) if one not in (output.driven, output.returned)]
    potentials = np.zeros(len(conductance))
    potentials[output.driven] = 1.0
    potentials[others] = np.linalg.solve(conductance[np.ix_(others, others)], -conductance[others, output.driven])
    return potentials


def half_spheres(outer_mm: float, *, outside: str) -> float:
    """Current of the two halves of a sphere at +-1 V in regions of different size, per kind of outside."""
    domain = polar_shell(5.0, outer_mm, 12 if outer_mm < 30.0 else 24)
    space = discretised(domain)
    operators = EdgeOperators(space)
    nodes = surface_nodes(space, domain, "inner")
    height = space.points[nodes, 1] * 1e3
    driven, returned = nodes[height > 1.0], nodes[height < -1.0]
    ground = RemoteGround(operators, space.facets_of(domain.surfaces["boundary"]), np.zeros(2))
    boundary = {"insulated": None, "dipole": DipoleBoundary(ground, 3)}[outside]
    found = PairProblem(operators, driven, returned, boundary=boundary, tolerance=1e-12).solve(constant(space), 2.0)
    volume = operators.cell_volume
    inside = float(found.heat @ volume)
    assert inside + found.far_power == pytest.approx(found.current * found.voltage, rel=1e-9)
    return found.current


def test_with_a_dipole_outside_the_region_does_not_matter_and_with_an_insulated_one_it_does() -> None:
    kept = half_spheres(10.0, outside="dipole") / half_spheres(80.0, outside="dipole")
    cut = half_spheres(10.0, outside="insulated") / half_spheres(80.0, outside="insulated")
    assert kept == pytest.approx(1.0, abs=0.02)
    assert cut < 0.95


def test_the_field_balances_the_symbolic_form() -> None:
    """The current that the weak form leaves at each node is zero off the electrodes, and the pair's on them."""
    domain, space = plane()
    found = solved()
    potential = fem.Function(space.space)
    potential.x.array[:] = found.potential
    test, strength = ufl.TestFunction(space.space), ufl.sqrt(ufl.inner(ufl.grad(potential), ufl.grad(potential)))
    share = permeabilised_share(
        strength, onset_field=LIVER["onset_field"], saturation_field=LIVER["saturation_field"], xp=UFL
    )
    sigma = pulsed_conductivity(share, intact=LIVER["intact"], electroporated=LIVER["electroporated"])
    form = conduction(potential, test, electrical_conductivity=sigma, weight=1.0)
    residual = fem.assemble_vector(fem.form(form * ufl.dx(metadata={"quadrature_degree": 0}))).array
    driven, returned = (surface_nodes(space, domain, name) for name in ("right", "left"))
    assert residual[driven].sum() == pytest.approx(found.current, rel=1e-6)
    assert residual[returned].sum() == pytest.approx(-found.current, rel=1e-6)
    residual[np.concatenate([driven, returned])] = 0.0
    assert np.abs(residual).max() < 1e-4 * found.current
