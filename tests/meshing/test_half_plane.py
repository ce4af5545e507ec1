# SPDX-License-Identifier: LGPL-3.0-or-later
"""Recipes in the half plane, and what is sampled onto its cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.half_plane import in_half_plane
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.meshing.recipe import AxisymmetricRecipe
from imagio_sim.meshing.sample import barycentric_lattice, sample
from tests.meshing.made_anatomy import MadeAnatomy
from tests.meshing.needles import needle, small_recipe


def test_heights_are_counted_from_the_tip_or_from_where_it_is_said_to_be() -> None:
    recipe = small_recipe(needle())
    (plain,), (risen,) = (in_half_plane(AxisymmetricRecipe(recipe, height)).rods for height in (0.0, 7.0))
    assert plain.path_mm[0] == (0.0, 0.0, 0.0)
    assert risen.path_mm[0] == (0.0, 7.0, 0.0)
    assert risen.length_mm == pytest.approx(recipe.rods[0].length_mm)


def test_a_risen_needle_gives_the_same_mesh_higher_up() -> None:
    recipe = small_recipe(needle(), radius=15.0)
    plain, risen = (generate(AxisymmetricRecipe(recipe, height)).domain for height in (0.0, 7.0))
    assert set(risen.surfaces) == set(plain.surfaces)
    assert risen.cell_volumes_mm3.sum() == pytest.approx(plain.cell_volumes_mm3.sum(), rel=1e-3)
    electrode = [mesh.points_mm[mesh.surfaces["A.needle.active"]][:, :, 1] for mesh in (plain, risen)]
    assert electrode[1].min() - electrode[0].min() == pytest.approx(7.0)


def test_without_a_needle_the_half_plane_is_that_of_the_z_axis() -> None:
    recipe = replace(small_recipe(radius=10.0), rods=())
    domain = generate(AxisymmetricRecipe(recipe)).domain
    assert set(domain.surfaces) == {"axis", "boundary"}
    assert domain.cell_volumes_mm3.sum() == pytest.approx(4.0 / 3.0 * np.pi * 10.0**3, rel=0.02)


def test_two_needles_have_no_half_plane() -> None:
    recipe = small_recipe(needle())
    with pytest.raises(InputError, match="2 rods"):
        in_half_plane(AxisymmetricRecipe(replace(recipe, rods=recipe.rods * 2)))


def test_points_in_space_and_in_the_half_plane_lead_to_each_other() -> None:
    domain = half_plane(10.0, 20.0, 4, 4)
    assert domain.located(domain.points_in_space_mm) == pytest.approx(domain.points_mm)
    assert domain.located(np.array([[3.0, -4.0, 7.0]])) == pytest.approx(np.array([[5.0, 7.0]]))


def test_edges_count_by_what_they_sweep() -> None:
    domain = half_plane(10.0, 20.0, 4, 8)
    areas = {name: domain.facet_areas_mm2(facets).sum() for name, facets in domain.surfaces.items()}
    assert areas["side"] == pytest.approx(2.0 * np.pi * 10.0 * 20.0)
    assert areas["top"] == pytest.approx(np.pi * 10.0**2)
    assert areas["axis"] == 0.0


def layered(domain: Domain, tissue_at: str) -> float:
    """Volume [mm3] of the second of two tissues, divided at r = 3.3 mm or z = 7.7 mm."""

    def tissue(points: np.ndarray) -> np.ndarray:
        inner = np.hypot(points[:, 0], points[:, 1]) < 3.3
        return np.where(inner if tissue_at == "radius" else points[:, 2] < 7.7, 2, 1)

    sampled = sample(domain, MadeAnatomy(("fat", "liver", "tumour"), tissue))
    assert sampled.fractions.sum(axis=1) == pytest.approx(1.0)
    return float(domain.cell_volumes_mm3 @ sampled.fractions[:, 2])


def test_layers_keep_their_volume_of_revolution() -> None:
    domain = half_plane(10.0, 20.0, 20, 40)
    assert layered(domain, "radius") == pytest.approx(np.pi * 3.3**2 * 20.0, rel=1e-2)
    assert layered(domain, "height") == pytest.approx(np.pi * 10.0**2 * 7.7, rel=1e-2)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_the_lattice_of_a_triangle_is_inside_and_balanced(order: int) -> None:
    weights = barycentric_lattice(order, 3)
    assert len(weights) == order * (order + 1) // 2
    assert weights.min() > 0.0
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert weights.mean(axis=0) == pytest.approx(1.0 / 3.0)
