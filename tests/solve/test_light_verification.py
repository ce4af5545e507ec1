# SPDX-License-Identifier: LGPL-3.0-or-later
"""Diffuse light against closed forms in an infinite medium: a sphere, a point and a long cylinder that shine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.special import k0, k1

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate, generate_axisymmetric
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.phantoms import spherical_shell
from imagio_sim.meshing.recipe import MeshRecipe, Resolution, RodShape, Sizes, sizes_for
from imagio_sim.meshing.region import Sphere
from imagio_sim.physics.laser import diffusion_coefficient, effective_attenuation
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.light import Beam, Diffuser, LightProblem, Opening, Optics, Rays, UnitLight
from tests.solve.conftest import Floats, discretised, norm, observed_order, polar_shell


@dataclass(frozen=True)
class Medium:
    """Uniform tissue; coefficients in 1/m."""

    absorption: float
    reduced_scattering: float

    @property
    def diffusion(self) -> float:
        return float(diffusion_coefficient(absorption=self.absorption, reduced_scattering=self.reduced_scattering))

    @property
    def decay(self) -> float:
        return float(effective_attenuation(absorption=self.absorption, reduced_scattering=self.reduced_scattering))

    @property
    def scattered(self) -> float:
        return self.reduced_scattering / (self.absorption + self.reduced_scattering)

    def on(self, space: Discretisation) -> Optics:
        return Optics(np.full(space.cell_count, self.absorption), np.full(space.cell_count, self.reduced_scattering))

    def point(self, distance: Floats) -> Floats:
        """Fluence rate per watt [1/m2] at distances [m] from a point."""
        return np.exp(-self.decay * distance) / (4.0 * np.pi * self.diffusion * distance)

    def sphere(self, distance: Floats, radius: float) -> Floats:
        """The same around a sphere that emits and takes nothing back."""
        return self.point(distance) * np.exp(self.decay * radius) / (1.0 + self.decay * radius)

    def cylinder(self, distance: Floats, radius: float, length: float) -> Floats:
        """The same around an endless cylinder that emits 1 W per ``length`` [m] and takes nothing back."""
        flux = 1.0 / (2.0 * np.pi * radius * length)
        return flux * k0(self.decay * distance) / (self.diffusion * self.decay * k1(self.decay * radius))


NATIVE, COAGULATED = Medium(50.0, 240.0), Medium(60.0, 1500.0)
MEDIA = pytest.mark.parametrize("medium", [NATIVE, COAGULATED], ids=["native", "coagulated"])


def relative_error(
    space: Discretisation, operators: EdgeOperators, found: Floats, exact: Floats, where: Floats
) -> float:
    volume = operators.distributed(np.ones(space.cell_count)) * where
    return norm(space, volume, found - exact) / norm(space, volume, exact)


def around_sphere(domain: Domain, medium: Medium, *, inner_mm: float, up_to_mm: float) -> tuple[float, float]:
    """L2 error of the fluence and the error of the power absorbed within a distance."""
    space = discretised(domain)
    operators = EdgeOperators(space)
    outer = Opening("boundary", space.facets_of(domain.surfaces["boundary"]), 1.0)
    shining = Diffuser(operators, space.facets_of(domain.surfaces["inner"]))
    light = LightProblem(operators, [shining], [outer], tolerance=1e-12).solve(medium.on(space))
    distance = np.linalg.norm(space.points, axis=1)
    exact = medium.sphere(distance, inner_mm * 1e-3)
    near = (distance < up_to_mm * 1e-3).astype(float)
    return relative_error(space, operators, light.fluence[0], exact, near), float(light.imbalance[0])


@MEDIA
def test_light_around_a_shining_sphere_converges_with_second_order(medium: Medium) -> None:
    found = [around_sphere(polar_shell(1.0, 40.0, n), medium, inner_mm=1.0, up_to_mm=10.0) for n in (16, 32, 64)]
    assert 1.8 <= observed_order([error for error, _ in found]) <= 2.2
    assert found[-1][0] < 3e-3
    assert max(abs(imbalance) for _, imbalance in found) < 1e-9


@cache
def tetrahedral_shell(n: int) -> Domain:
    return spherical_shell(2.0, 12.0, 0.8 / n, 1.6 / n)


def test_light_around_a_shining_sphere_of_tetrahedra_converges_with_second_order_as_well() -> None:
    found = [around_sphere(tetrahedral_shell(n), COAGULATED, inner_mm=2.0, up_to_mm=6.0) for n in (1, 2)]
    assert 1.6 <= observed_order([error for error, _ in found]) <= 2.4
    assert max(abs(imbalance) for _, imbalance in found) < 1e-9


LENGTH_MM, RADIUS_MM, SETBACK_MM = 60.0, 0.825, 5.0


def diffuser_recipe(resolution: Resolution) -> MeshRecipe:
    """A fibre of 1.65 mm whose diffuser is long enough to count as endless at its middle, as the product meshes it."""
    section = ("diffuser", SETBACK_MM, SETBACK_MM + LENGTH_MM)
    path = ((0.0, 0.0, 0.0), (0.0, 0.0, 120.0))
    rod = RodShape("L.shaft", path, RADIUS_MM, "flat", 0.0, (section,))
    focus = ((0.0, 0.0, SETBACK_MM), (0.0, 0.0, SETBACK_MM + LENGTH_MM))
    region = Sphere((0.0, 0.0, SETBACK_MM + LENGTH_MM / 2.0), LENGTH_MM / 2.0 + 20.0)
    return MeshRecipe(region, (rod,), (focus,), 15.0, sizes_for(resolution, reach_mm=15.0))


def beside_line(domain: Domain, medium: Medium) -> tuple[float, UnitLight]:
    """L2 error of the fluence around the middle of the diffuser up to 10 mm off its axis, and the solution."""
    space = discretised(domain)
    operators = EdgeOperators(space)
    outer = Opening("boundary", space.facets_of(domain.surfaces["boundary"]), 1.0)
    shining = Diffuser(operators, space.facets_of(domain.surfaces["L.shaft.diffuser"]))
    light = LightProblem(operators, [shining], [outer], tolerance=1e-10).solve(medium.on(space))
    distance, height = np.linalg.norm(space.points[:, :-1], axis=1), space.points[:, -1]
    exact = medium.cylinder(np.maximum(distance, 0.9e-3 * RADIUS_MM), RADIUS_MM * 1e-3, LENGTH_MM * 1e-3)
    where = (distance < 10e-3) & (np.abs(height - (SETBACK_MM + LENGTH_MM / 2.0) * 1e-3) < 8e-3)
    return relative_error(space, operators, light.fluence[0], exact, where.astype(float)), light


@pytest.mark.parametrize(("medium", "resolution"), [(NATIVE, "normal"), (NATIVE, "fine"), (COAGULATED, "fine")])
def test_light_of_a_line_source_meshed_as_the_product_does_is_within_one_percent(
    medium: Medium, resolution: Resolution
) -> None:
    error, light = beside_line(generate_axisymmetric(diffuser_recipe(resolution)).domain, medium)
    assert error < 0.01
    assert abs(light.imbalance[0]) < 1e-8


@pytest.mark.slow
def test_light_of_a_line_source_in_three_dimensions_is_within_one_percent_on_the_normal_mesh() -> None:
    error, _ = beside_line(generate(diffuser_recipe("normal")).domain, NATIVE)
    assert error < 0.01


def near_point(resolution: Resolution, radius_mm: float) -> Domain:
    """A ball without a fibre, as fine around its centre as the product is around an active surface."""
    sizes = sizes_for(resolution, reach_mm=15.0)
    growth = (sizes.zone_mm - sizes.surface_mm) / 4.5
    local = Sizes(sizes.surface_mm, sizes.surface_mm, sizes.zone_mm, growth, sizes.per_radius)
    return generate(MeshRecipe(Sphere((0.0, 0.0, 0.0), radius_mm), (), (((0.0, 0.0, 0.0),),), 0.5, local)).domain


def rays_at(domain: Domain, points_mm: Floats) -> Rays:
    """Points that scatter all they emit of their share, whatever the tissue."""
    cells = Locator(domain).cells(points_mm)
    count = len(points_mm)
    return Rays(points_mm[:, None] * 1e-3, np.array([1e9]), cells[:, None], np.full(count, 1.0 / count))


def around_point(domain: Domain, medium: Medium, *, between_mm: tuple[float, float]) -> float:
    """L2 error of the fluence of a point source inside a cell, between two distances."""
    space = discretised(domain)
    operators = EdgeOperators(space)
    source_mm = np.array([[0.05, 0.03, -0.04]])
    outer = Opening("boundary", space.facets_of(domain.surfaces["boundary"]), 1.0)
    problem = LightProblem(operators, [Beam(operators, rays_at(domain, source_mm))], [outer], tolerance=1e-10)
    light = problem.solve(medium.on(space))
    distance = np.linalg.norm(space.points - source_mm * 1e-3, axis=1)
    where = (distance > between_mm[0] * 1e-3) & (distance < between_mm[1] * 1e-3)
    exact = np.where(where, medium.scattered * medium.point(np.maximum(distance, 1e-6)), 0.0)
    return relative_error(space, operators, light.fluence[0], exact, where.astype(float))


def test_light_of_a_point_source_inside_a_cell_converges_with_second_order() -> None:
    found = [around_point(near_point(one, 8.0), COAGULATED, between_mm=(1.5, 5.0)) for one in ("coarse", "normal")]
    assert 1.4 <= observed_order(found, refinement=0.6 / 0.35) <= 2.6


@pytest.fixture(scope="module")
def fine_ball() -> Domain:
    return near_point("fine", 12.0)


@pytest.mark.slow
@MEDIA
def test_light_of_a_point_source_on_the_fine_mesh_is_within_one_percent(fine_ball: Domain, medium: Medium) -> None:
    assert around_point(fine_ball, medium, between_mm=(1.5, 6.0)) < 0.01
