# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much of the contraction shows, by a ball whose shells move while they are heated (SH01)."""

from functools import cache

import pytest

from imagio_sim.tissue.contraction import contraction_table, with_range
from validation.verification.SH01_contraction_while_heated.ball import Heating, Outcome, burned, shown_share


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


def test_the_share_that_is_shown_lies_in_the_range_of_the_library() -> None:
    _, least, most = with_range(contraction_table().shown)
    assert shown_share(ball(0.0), ball(1.0)) == pytest.approx(least, abs=0.1)
    assert shown_share(ball(0.0), ball(1.0, 1.0)) == pytest.approx(most, abs=0.1)


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
