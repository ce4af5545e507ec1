# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much of the contraction shows, by a ball whose shells move while they are heated (SH01)."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from imagio_sim.tissue.contraction import contraction_table, with_range
from validation.verification.SH01_contraction_while_heated.ball import (
    COOLING,
    Ball,
    Heating,
    Outcome,
    burned,
    cells,
    moving,
    shown_share,
)


@cache
def ball(contraction: float, leaves: float = 0.0, shells: int = 40) -> Outcome:
    return burned(Heating(27.0, 360.0, contraction, 60.0, leaves), shells=shells)


def test_all_heat_is_found_again_while_shells_move_and_water_flows() -> None:
    for outcome in (ball(0.0), ball(1.0), ball(1.0, 1.0)):
        assert outcome.balance == pytest.approx(1.0, abs=1e-9)


def test_what_does_not_contract_was_as_large_before() -> None:
    assert ball(0.0).in_space_mm == ball(0.0).before_mm


def test_a_zone_in_space_is_that_of_tissue_at_rest_when_the_water_stays() -> None:
    assert ball(1.0).in_space_mm == pytest.approx(ball(0.0).in_space_mm, rel=0.02)
    assert ball(1.0).before_mm > 1.15 * ball(0.0).before_mm


def test_water_that_leaves_with_its_heat_makes_the_zone_smaller_but_not_by_all_the_contraction() -> None:
    still, moving = ball(0.0), ball(1.0, 1.0)
    assert 0.88 * still.in_space_mm < moving.in_space_mm < 0.95 * still.in_space_mm
    assert still.length_ratio < 0.83


def shares(still: Heating, leaves: float, shells: int = 40) -> list[float]:
    solved = burned(still, shells=shells)
    return [shown_share(solved, drawn) for drawn in moving(still, leaves=leaves, shells=shells)]


def test_the_share_that_is_shown_lies_in_the_range_of_the_library() -> None:
    _, least, most = with_range(contraction_table().shown)
    strongest = Heating(45.0, 600.0)
    assert least < min(shares(strongest, 0.0, shells=24)) < -0.1
    assert 0.3 < max(shares(strongest, 1.0, shells=24)) < most


@pytest.mark.slow
def test_the_range_of_the_library_is_that_of_every_row_and_its_value_lies_in_the_middle() -> None:
    value, least, most = with_range(contraction_table().shown)
    rows = [still for cooling in (0.0, COOLING) for still in cells(cooling=cooling)]
    stays, leaves = ([one for still in rows for one in shares(still, gone)] for gone in (0.0, 1.0))

    assert min(stays + leaves) == pytest.approx(least, abs=0.1)
    assert max(stays + leaves) == pytest.approx(most, abs=0.1)
    assert 0.5 * (np.mean(stays) + np.mean(leaves)) == pytest.approx(value, abs=0.05)


def test_a_zone_goes_on_growing_after_the_power_is_off_and_no_heat_is_lost() -> None:
    hot, cooled = (burned(Heating(27.0, 360.0, cooling=time), shells=40) for time in (0.0, COOLING))
    assert 1.0 < cooled.in_space_mm - hot.in_space_mm < 2.0
    assert cooled.balance == pytest.approx(1.0, abs=1e-9)


def test_steam_carries_heat_from_shells_that_boil_to_their_neighbours() -> None:
    heating = Heating(45.0, 120.0)
    with_steam, without = Ball(heating, 40), Ball(heating, 40)
    without.steam_diffusivity = 0.0
    for one in (with_steam, without):
        left = heating.duration
        while left > 0.0:
            left -= one.advance(left)
    dry = [1.0 - one.state()[1] for one in (with_steam, without)]

    outermost = np.flatnonzero(dry[1])[-1]
    assert dry[0][outermost] > 1.5 * dry[1][outermost]
    assert dry[0].max() < dry[1].max()


def test_tissue_that_was_warm_before_gets_a_larger_zone() -> None:
    cold = Heating(27.0, 100.0)
    assert burned(replace(cold, start=37.0), shells=24).in_space_mm > 1.15 * burned(cold, shells=24).in_space_mm


def test_the_ball_does_not_depend_on_its_shells() -> None:
    assert ball(1.0).in_space_mm == pytest.approx(ball(1.0, shells=80).in_space_mm, rel=0.006)


def test_half_the_contraction_moves_the_tissue_half_as_far() -> None:
    drawn = [ball(factor).before_mm - ball(factor).in_space_mm for factor in (0.5, 1.0)]
    assert drawn[0] == pytest.approx(0.5 * drawn[1], rel=0.15)


@cache
def lung(*, collapses: bool) -> Outcome:
    return burned(Heating(30.0, 100.0, tissue="lung_inflated", collapses=collapses), shells=40)


def test_lung_that_loses_its_air_shows_the_share_of_the_library() -> None:
    collapse = contraction_table().collapse
    shorter = 1.0 - lung(collapses=True).in_space_mm / lung(collapses=False).in_space_mm
    assert shorter == pytest.approx(collapse.shown.value * (1.0 - collapse.length_ratio.value), rel=0.1)


def test_air_carries_no_heat_away() -> None:
    assert lung(collapses=True).balance == pytest.approx(1.0, abs=1e-9)


def test_lung_that_was_deflated_before_gets_a_smaller_zone_than_it_would_without_collapse() -> None:
    deflated = burned(Heating(30.0, 100.0, tissue="lung_deflated"), shells=40).in_space_mm
    assert deflated < lung(collapses=True).in_space_mm < lung(collapses=False).in_space_mm
