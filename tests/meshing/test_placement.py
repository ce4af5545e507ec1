# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.meshing.recipe import recipe_for
from tests.meshing.needles import ball_points, expandable, needle

TARGET = ball_points((0.0, 0.0, 0.0), 12.0)


def test_applicators_that_cross_are_refused() -> None:
    across = needle("B", tip=(-40.0, 0.3, 0.0), entry=(60.0, 0.3, 0.0))
    with pytest.raises(InputError, match=r"applicators A and B: .*cross each other; move the entry or the tip"):
        recipe_for([needle(), across], TARGET, reach_mm=20.0)


def test_applicators_closer_than_can_be_meshed_are_refused() -> None:
    beside = needle("B", tip=(1.6, 0.0, -10.0), entry=(1.6, 0.0, 90.0))
    with pytest.raises(InputError, match=r"a gap of 0\.10 mm"):
        recipe_for([needle(), beside], TARGET, reach_mm=20.0)


def test_rods_of_one_applicator_may_touch() -> None:
    recipe_for([expandable()], TARGET, reach_mm=10.0)


def test_an_applicator_far_from_the_target_is_refused() -> None:
    with pytest.raises(InputError, match=r"applicator A: .*a tip 88 mm from the target; check the coordinates"):
        recipe_for([needle(tip=(0.0, 0.0, 100.0), entry=(0.0, 0.0, 190.0))], TARGET, reach_mm=20.0)


def test_an_applicator_inside_a_large_target_is_near_it() -> None:
    recipe_for([needle()], ball_points((0.0, 0.0, 0.0), 60.0), reach_mm=20.0)


def test_an_active_section_at_the_edge_of_the_region_is_refused() -> None:
    with pytest.raises(InputError, match=r"applicator A: .*at least 2 mm inside the region"):
        recipe_for([needle()], ball_points((0.0, 0.0, 0.0), 5.0), reach_mm=20.0, margin_mm=1.0)


def test_a_region_without_a_target_is_possible() -> None:
    recipe_for([needle()], np.empty((0, 3)), reach_mm=20.0)
