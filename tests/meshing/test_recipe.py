# SPDX-License-Identifier: LGPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.devices.applicator import PlacedApplicator, Rod, Section
from imagio_sim.errors import InputError
from imagio_sim.meshing.recipe import (
    AxisymmetricRecipe,
    Recipe,
    RodShape,
    ShellRecipe,
    reach_for,
    recipe_for,
    recipe_from_json,
    recipe_to_json,
    sizes_for,
)
from imagio_sim.meshing.region import Box, Capsule, Sphere
from tests.meshing.needles import ball_points, expandable, needle, placed, small_recipe

TARGET = ball_points((0.0, 0.0, 0.0), 12.0)


def three_centimetre_needle() -> PlacedApplicator:
    rod = Rod("needle", ((0.0, 0.0, 0.0), (0.0, 0.0, 150.0)), 0.75, "cone", 2.0, (Section("active", 0.0, 30.0, "a"),))
    return placed("A", (rod,), (0.0, 0.0, -15.0), (0.0, 0.0, 100.0))


@pytest.mark.parametrize(
    "recipe",
    [
        ShellRecipe(5.0, 60.0, 0.5, 5.0),
        small_recipe(needle(), expandable()),
        AxisymmetricRecipe(small_recipe(needle())),
        replace(small_recipe(needle()), region=Capsule((0.0, 0.0, 0.0), (0.0, 0.0, 5.0), 20.0)),
        replace(small_recipe(needle()), region=Box((-20.0, -20.0, -20.0), (20.0, 20.0, 20.0))),
    ],
)
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    assert recipe_from_json(recipe_to_json(recipe)) == recipe


def test_cooling_and_wiring_do_not_change_the_mesh() -> None:
    applicator = needle()
    (rod,) = applicator.rods
    warmer = replace(rod, sections=(replace(rod.sections[0], coolant_temperature=25.0),))
    other = replace(applicator, rods=(warmer,))
    assert recipe_for([applicator], TARGET, reach_mm=10.0) == recipe_for([other], TARGET, reach_mm=10.0)


def test_a_three_centimetre_needle_has_a_region_of_sixty_millimetres() -> None:
    recipe = recipe_for([three_centimetre_needle()], ball_points((0, 0, 0), 15.0), reach_mm=20.0)
    assert isinstance(recipe.region, Sphere)
    assert recipe.region.radius_mm == pytest.approx(60.0, abs=0.5)


def test_the_region_can_be_scaled_and_given_a_margin() -> None:
    plain = recipe_for([needle()], TARGET, reach_mm=20.0)
    larger = recipe_for([needle()], TARGET, reach_mm=20.0, region_factor=1.25)
    assert larger.region.bounding_radius_mm == pytest.approx(1.25 * plain.region.bounding_radius_mm)
    close = recipe_for([needle()], TARGET, reach_mm=20.0, shape="sphere", margin_mm=15.0)
    assert close.region.bounding_radius_mm == pytest.approx(27.0, abs=1.0)


def test_the_size_factor_scales_every_size() -> None:
    plain = recipe_for([needle()], TARGET, reach_mm=20.0).sizes
    finer = recipe_for([needle()], TARGET, reach_mm=20.0, size_factor=0.5).sizes
    assert finer == plain.scaled(0.5)
    assert finer.zone_mm == plain.zone_mm / 2.0


def test_a_device_of_long_reach_gets_larger_cells_in_its_zone() -> None:
    assert sizes_for("normal", reach_mm=40.0).zone_mm == 2.0 * sizes_for("normal", reach_mm=20.0).zone_mm


def test_an_unknown_resolution_is_refused() -> None:
    with pytest.raises(InputError, match="coarse, normal, fine"):
        sizes_for("finest", reach_mm=20.0)  # type: ignore[arg-type]


def test_tines_reach_less_far_beyond_themselves_than_a_needle() -> None:
    rods = expandable(turn=12.0).rods
    straight = Rod("needle", ((0.0, 0.0, 0.0), (0.0, 0.0, 150.0)), 0.75, "cone", 2.0, (Section("a", 0.0, 30.0, "a"),))
    assert reach_for([straight], largest_zone_mm=50.0) == pytest.approx(20.0)
    assert reach_for(rods, largest_zone_mm=50.0) == 8.0


def test_without_applicators_the_mesh_is_fine_around_the_target() -> None:
    recipe = recipe_for([], TARGET, reach_mm=0.0)
    assert recipe.rods == ()
    assert recipe.focus_mm[0][0] == pytest.approx((0.0, 0.0, 0.0), abs=0.1)
    assert recipe.reach_mm >= 12.0


def test_a_rod_without_electrodes_is_active_near_its_tip() -> None:
    rod = Rod(
        "antenna",
        ((0.0, 0.0, 0.0), (0.0, 0.0, 150.0)),
        0.9,
        "cone",
        2.0,
        (Section("cooled", 0.0, 150.0, active=False),),
    )
    recipe = recipe_for([placed("M", (rod,), (0, 0, 0), (0, 0, 90))], TARGET, reach_mm=15.0)
    assert np.ptp(np.array(recipe.focus_mm[0])[:, 2]) == pytest.approx(30.0)


def test_sections_are_found_by_arc_length() -> None:
    shape = RodShape("A.rod", ((0, 0, 0), (0, 0, 50)), 1.0, "flat", 0.0, (("tip", 0.0, 10.0), ("ring", 20.0, 25.0)))
    assert shape.section_at(np.array([5.0, 15.0, 22.0, 40.0])).tolist() == [0, -1, 1, -1]
