# SPDX-License-Identifier: LGPL-3.0-or-later
"""Devices without rods: what they ask of the region and of the cells."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.meshing.recipe import (
    CELLS_PER_WIDTH,
    Detail,
    Support,
    recipe_for,
    recipe_from_json,
    recipe_to_json,
)

OUTSIDE = (
    PlacedApplicator("one", "hifu_array_256", (), (0.0, 0.0, 120.0), (0.0, 0.0, 0.0)),
    PlacedApplicator("other", "hifu_array_256", (), (0.0, 90.0, 90.0), (0.0, 0.0, 0.0)),
)
FOCUS = ((0.0, 0.0, -4.0), (0.0, 0.0, 4.0))
SKIN = (10.0, 0.0, 70.0)
SUPPORT = Support((Detail(FOCUS, 1.2),), ((SKIN, 15.0),))
TARGET = np.array([[-5.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 5.0, 0.0]])


def test_the_region_holds_what_is_asked_for_and_its_margin() -> None:
    without = recipe_for(OUTSIDE, TARGET, reach_mm=10.0)
    with_support = recipe_for(OUTSIDE, TARGET, reach_mm=10.0, support=SUPPORT)
    assert without.region.signed_distance_mm([SKIN])[0] > 0.0
    assert with_support.region.signed_distance_mm([SKIN])[0] <= -15.0


def test_a_detail_has_so_many_cells_across_as_the_resolution_says() -> None:
    for resolution, count in CELLS_PER_WIDTH.items():
        (spot,) = recipe_for(OUTSIDE, TARGET, reach_mm=10.0, resolution=resolution, support=SUPPORT).spots
        assert spot.path_mm == FOCUS
        assert spot.size_mm == pytest.approx(1.2 / count)
    (half,) = recipe_for(OUTSIDE, TARGET, reach_mm=10.0, support=SUPPORT, size_factor=0.5).spots
    assert half.size_mm == pytest.approx(0.6 / CELLS_PER_WIDTH["normal"])


def test_without_a_target_the_mesh_is_fine_where_the_details_are() -> None:
    recipe = recipe_for(OUTSIDE[:1], np.empty((0, 3)), reach_mm=10.0, support=SUPPORT)
    assert recipe.focus_mm == (FOCUS,)
    assert recipe.rods == ()


def test_a_recipe_with_spots_survives_its_text() -> None:
    recipe = recipe_for(OUTSIDE, TARGET, reach_mm=10.0, support=SUPPORT)
    assert recipe_from_json(recipe_to_json(recipe)) == recipe
