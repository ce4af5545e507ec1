# SPDX-License-Identifier: LGPL-3.0-or-later
"""Light on small domains: against its forms, in one dimension, and where every watt of it goes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sparse
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import assemble_matrix
from scipy.sparse.linalg import spsolve

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.physics import laser
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.light import BEAM, Beam, Diffuser, LightProblem, Opening, Optics, Rays
from tests.solve.conftest import Floats, discretised
from tests.solve.test_operators import cell_function, weight

DOMAINS = {"tetrahedra": (box(5, 10.0), "z_min", "z_max"), "half plane": (half_plane(5.0, 10.0, 6, 9), "bottom", "top")}
each_domain = pytest.mark.parametrize(("domain", "shining", "open_end"), DOMAINS.values(), ids=list(DOMAINS))
TIGHT = 1e-12


def uneven(space: Discretisation, domain: Domain) -> Optics:
    """Tissue whose optics vary from cell to cell."""
    random = np.random.default_rng(4).uniform(0.5, 1.5, (2, len(domain.cells)))[:, space.input_cell]
    return Optics(60.0 * random[0], 800.0 * random[1])


def lumped(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.diags(np.asarray(matrix.sum(axis=1)).ravel())


def assembled(form: object) -> sparse.csr_matrix:
    matrix = assemble_matrix(fem.form(form))
    matrix.assemble()
    return sparse.csr_matrix(matrix.getValuesCSR()[::-1])


@each_domain
def test_light_equals_the_solution_of_its_forms(domain: Domain, shining: str, open_end: str) -> None:
    space = discretised(domain)
    operators, optics = EdgeOperators(space), uneven(space, domain)
    opening = Opening(open_end, space.facets_of(domain.surfaces[open_end]), 0.7)
    fibre = Diffuser(operators, space.facets_of(domain.surfaces[shining]))
    fluence = LightProblem(operators, [fibre], [opening], tolerance=TIGHT).solve(optics).fluence[0]
    u, v, w = ufl.TrialFunction(space.space), ufl.TestFunction(space.space), weight(space)
    absorption, scattering = (cell_function(space, one) for one in (optics.absorption, optics.reduced_scattering))
    diffusion = laser.diffusion_coefficient(absorption=absorption, reduced_scattering=scattering)
    spread = assembled(laser.light_diffusion(u, v, diffusion=diffusion, weight=w) * ufl.dx)
    mass = assembled(laser.light_absorption(u, v, absorption=absorption, weight=w) * ufl.dx)
    height = 10e-3
    top = ufl.conditional(ufl.gt(ufl.SpatialCoordinate(space.mesh)[space.dimension - 1], 0.999 * height), 1.0, 0.0)
    escape = assembled(laser.light_escape(u, v, lost_share=0.7, weight=w * top) * ufl.ds)
    matrix = spread + 0.5 * (mass + lumped(mass)) + lumped(escape)
    share = operators.surface_share(space.facets_of(domain.surfaces[shining]))
    expected = spsolve(matrix.tocsc(), share / share.sum())
    assert fluence == pytest.approx(expected, rel=1e-8)


@each_domain
@pytest.mark.parametrize("lost_share", [0.0, 0.5, 1.0])
def test_what_is_emitted_is_absorbed_or_lost(domain: Domain, shining: str, open_end: str, lost_share: float) -> None:
    space = discretised(domain)
    operators, optics = EdgeOperators(space), uneven(space, domain)
    opening = Opening(open_end, space.facets_of(domain.surfaces[open_end]), lost_share)
    fibre = Diffuser(operators, space.facets_of(domain.surfaces[shining]))
    light = LightProblem(operators, [fibre], [opening], tolerance=TIGHT).solve(optics)
    assert light.imbalance == pytest.approx(0.0, abs=1e-9)
    heat = space.total(float(light.heat[0] @ operators.cell_volume))
    assert heat == pytest.approx(light.absorbed[0], rel=1e-12)
    assert (light.lost[open_end][0] > 0.0) == (lost_share > 0.0)


@pytest.mark.parametrize("reflected", [0.0, 0.5])
def test_light_through_a_slab_is_that_of_the_closed_form(reflected: float) -> None:
    """cosh and sinh between the flux that enters at 0 and the surface at L that loses c phi."""
    domain = half_plane(1.0, 6.0, 1, 96)
    space = discretised(domain)
    operators = EdgeOperators(space)
    opening = Opening("top", space.facets_of(domain.surfaces["top"]), 1.0 - reflected)
    fibre = Diffuser(operators, space.facets_of(domain.surfaces["bottom"]))
    optics = Optics(np.full(space.cell_count, 60.0), np.full(space.cell_count, 800.0))
    light = LightProblem(operators, [fibre], [opening], tolerance=TIGHT).solve(optics)
    coefficients = {"absorption": 60.0, "reduced_scattering": 800.0}
    diffusion, decay = laser.diffusion_coefficient(**coefficients), laser.effective_attenuation(**coefficients)
    flux, length, loss = 1.0 / (np.pi * 1e-6), 6e-3, (1.0 - reflected) / (2.0 * (1.0 + reflected))
    conductance = diffusion * decay
    lossy = np.array([[0.0, -conductance], [
        loss * np.cosh(decay * length) + conductance * np.sinh(decay * length),
        loss * np.sinh(decay * length) + conductance * np.cosh(decay * length),
    ]])  # fmt: skip
    even, odd = np.linalg.solve(lossy, [flux, 0.0])
    height = space.points[:, 1]
    exact = even * np.cosh(decay * height) + odd * np.sinh(decay * height)
    assert light.fluence[0] == pytest.approx(exact, rel=2e-3)


def on_axis(domain: Domain, depth_mm: Floats) -> Rays:
    """One ray down the axis of a half plane from its top."""
    height = domain.points_mm[:, 1].max()
    middle = 0.5 * (depth_mm[1:] + depth_mm[:-1])
    points_mm = np.column_stack([np.full(len(middle), 0.2), height - middle])
    cells = Locator(domain).cells(points_mm)
    return Rays(points_mm[None] * 1e-3, np.diff(depth_mm) * 1e-3, cells[None], np.ones(1))


def test_a_beam_decays_exponentially_and_leaves_nothing_behind() -> None:
    domain = half_plane(5.0, 10.0, 10, 20)
    space = discretised(domain)
    operators = EdgeOperators(space)
    optics = Optics(np.full(space.cell_count, 60.0), np.full(space.cell_count, 240.0))
    emission = Beam(operators, on_axis(domain, np.linspace(0.0, 10.0, 41))).emission(optics)
    entered = np.exp(-300.0 * 10e-3)
    assert emission.escaped == pytest.approx(entered, rel=1e-12)
    assert space.node_sum(emission.diffuse) == pytest.approx(0.8 * (1.0 - entered), rel=1e-12)
    assert space.total(float(emission.absorbed.sum())) == pytest.approx(0.2 * (1.0 - entered), rel=1e-12)


def test_a_beam_that_leaves_the_mesh_escapes_with_what_is_left_of_it() -> None:
    domain = half_plane(5.0, 10.0, 10, 20)
    space = discretised(domain)
    operators = EdgeOperators(space)
    optics = Optics(np.full(space.cell_count, 60.0), np.full(space.cell_count, 240.0))
    fibre = Beam(operators, on_axis(domain, np.linspace(0.0, 20.0, 81)))
    light = LightProblem(operators, [fibre], [], tolerance=TIGHT).solve(optics)
    assert light.lost[BEAM][0] == pytest.approx(np.exp(-300.0 * 10e-3), rel=1e-12)
    assert light.imbalance == pytest.approx(0.0, abs=1e-9)


def test_coagulated_tissue_ahead_stops_a_beam_sooner() -> None:
    domain = half_plane(5.0, 10.0, 10, 20)
    space = discretised(domain)
    operators = EdgeOperators(space)
    native = Optics(np.full(space.cell_count, 50.0), np.full(space.cell_count, 240.0))
    coagulated = Optics(np.full(space.cell_count, 60.0), np.full(space.cell_count, 1500.0))
    share = (operators.cell_mean(space.points[:, 1]) > 8e-3).astype(float)
    rays = on_axis(domain, np.linspace(0.0, 10.0, 41))
    before, after = (Beam(operators, rays).emission(one) for one in (native, native.mixed(coagulated, share)))
    assert after.escaped == pytest.approx(before.escaped * np.exp(-(1560.0 - 290.0) * 2e-3), rel=1e-6)


def test_light_of_two_fibres_is_solved_apart_and_adds_up() -> None:
    domain = half_plane(5.0, 10.0, 6, 9)
    space = discretised(domain)
    operators = EdgeOperators(space)
    optics = uneven(space, domain)
    ends = [Diffuser(operators, space.facets_of(domain.surfaces[name])) for name in ("bottom", "top")]
    both = LightProblem(operators, ends, [], tolerance=TIGHT).solve(optics)
    joint = np.concatenate([domain.surfaces["bottom"], domain.surfaces["top"]])
    one = LightProblem(operators, [Diffuser(operators, space.facets_of(joint))], [], tolerance=TIGHT).solve(optics)
    assert both.fluence.mean(axis=0) == pytest.approx(one.fluence[0], rel=1e-8)


def test_light_decays_at_the_right_rate_even_where_cells_are_half_a_decay_length() -> None:
    """What the mean of the lumped and the consistent mass matrix is for: either alone is off by 1 %."""
    domain = half_plane(40.0, 40.0, 40, 40)
    space = discretised(domain)
    operators = EdgeOperators(space)
    optics = Optics(np.full(space.cell_count, 50.0), np.full(space.cell_count, 1617.0))
    fibre = Diffuser(operators, space.facets_of(domain.surfaces["bottom"]))
    light = LightProblem(operators, [fibre], [], tolerance=TIGHT).solve(optics)
    decay = laser.effective_attenuation(absorption=50.0, reduced_scattering=1617.0)
    assert decay * 1e-3 == pytest.approx(0.5, rel=1e-3)
    height, inner = space.points[:, 1], space.points[:, 0] < 20e-3
    layers = [float(light.fluence[0][inner & np.isclose(height, z * 1e-3)].mean()) for z in range(5, 15)]
    rates = [np.log(near / far) / 1e-3 for near, far in pairwise(layers)]
    assert np.mean(rates) == pytest.approx(decay, rel=2e-3)
