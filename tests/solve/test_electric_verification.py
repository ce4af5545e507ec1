# SPDX-License-Identifier: LGPL-3.0-or-later
"""The electric problem against concentric spheres, with the ground on the outer sphere and infinitely far away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import spherical_shell
from imagio_sim.solve.discretisation import EdgeOperators
from imagio_sim.solve.electric import ElectricProblem, RemoteGround
from tests.solve.conftest import Floats, discretised, norm, observed_order, polar_shell, surface_nodes

SIGMA = 0.2
INNER_MM = 5.0


@dataclass(frozen=True)
class Found:
    """Relative errors of potential (L2) and resistance, and the far field's share of the power."""

    potential: float
    resistance: float
    far_share: float


def solved(domain: Domain, *, outer_mm: float, remote: bool) -> Found:
    """1 V on the inner sphere; 0 V on the outer one or, with ``remote``, at infinity."""
    space = discretised(domain)
    operators = EdgeOperators(space)
    boundary = space.facets_of(domain.surfaces["boundary"])
    problem = ElectricProblem(
        operators,
        [surface_nodes(space, domain, "inner")],
        grounded=np.empty(0, np.int32) if remote else surface_nodes(space, domain, "boundary"),
        remote_ground=RemoteGround(operators, boundary, np.zeros(space.dimension)) if remote else None,
        tolerance=1e-12,
    )
    solution = problem.solve(np.full(space.cell_count, SIGMA), 0.0)
    inner, ground = INNER_MM * 1e-3, 0.0 if remote else 1e3 / outer_mm
    distance = np.linalg.norm(space.points, axis=1)
    exact: Floats = (1.0 / distance - ground) / (1.0 / inner - ground)
    resistance = (1.0 / inner - ground) / (4.0 * np.pi * SIGMA)
    volume = operators.distributed(np.ones(space.cell_count))
    conductance = solution.conductance[0, 0]
    return Found(
        norm(space, volume, solution.unit_potentials[0] - exact) / norm(space, volume, exact),
        abs(1.0 / conductance / resistance - 1.0),
        solution.far_conductance[0, 0] / conductance,
    )


@pytest.mark.parametrize("remote", [False, True], ids=["grounded sphere", "remote ground"])
def test_concentric_spheres_converge_with_second_order_to_the_closed_form(remote: bool) -> None:
    found = [solved(polar_shell(INNER_MM, 40.0, n), outer_mm=40.0, remote=remote) for n in (8, 16, 32)]
    assert 1.8 <= observed_order([one.potential for one in found]) <= 2.2
    assert 1.8 <= observed_order([one.resistance for one in found]) <= 2.2
    assert found[-1].potential < 5e-3
    assert found[-1].resistance < 5e-3


@cache
def tetrahedral_shell(n: int) -> Domain:
    return spherical_shell(INNER_MM, 15.0, 0.8 / n, 1.6 / n)


@pytest.mark.parametrize("remote", [False, True], ids=["grounded sphere", "remote ground"])
def test_concentric_spheres_of_tetrahedra_converge_with_second_order_as_well(remote: bool) -> None:
    found = [solved(tetrahedral_shell(n), outer_mm=15.0, remote=remote) for n in (1, 2)]
    assert 1.7 <= observed_order([one.potential for one in found]) <= 2.2
    assert 1.7 <= observed_order([one.resistance for one in found]) <= 2.2
    assert found[-1].potential < 5e-3
    assert found[-1].resistance < 5e-3


@pytest.mark.parametrize("outer_mm", [10.0, 20.0, 40.0])
def test_far_field_takes_the_share_of_the_power_that_the_spheres_say(outer_mm: float) -> None:
    """Beyond the radius b lies the resistance 1 / (4 pi sigma b) of the whole 1 / (4 pi sigma a)."""
    found = solved(polar_shell(INNER_MM, outer_mm, 24), outer_mm=outer_mm, remote=True)
    assert found.far_share == pytest.approx(INNER_MM / outer_mm, rel=5e-3)


def test_resistance_to_the_remote_ground_does_not_depend_on_the_region() -> None:
    found = [solved(polar_shell(INNER_MM, outer, 32), outer_mm=outer, remote=True) for outer in (15.0, 60.0)]
    assert max(one.resistance for one in found) < 5e-3
