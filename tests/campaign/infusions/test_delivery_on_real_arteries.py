# SPDX-License-Identifier: LGPL-3.0-or-later
"""Territories of a real hepatic artery, that of the UCL planning model, segmented to the hilum of the liver."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.geometry import read_anatomy
from imagio_sim.campaign.infusions.delivery import Delivered, delivered
from imagio_sim.plan import Scenario, scenario_of
from tests.scenarios.cases import SCENARIOS, require_data

pytestmark = [pytest.mark.data, pytest.mark.slow]

(SCENARIO,) = (path for path in SCENARIOS if path.stem == "liver_bland_embolisation")
TRUNK, SECTION, OTHER = [-41.0, -202.0, -297.0], [-54.0, -208.0, -292.0], [-68.0, -192.0, -295.0]
BRANCHES = ([-47.0, -198.0, -278.0], [-56.0, -205.0, -282.0], [-60.0, -224.0, -285.0])

Reach = Callable[..., Delivered]


@pytest.fixture(scope="module")
def reach() -> Reach:
    """What a catheter reaches whose tip is at a point."""
    require_data(SCENARIO)
    import yaml

    data = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))
    infusion = data["plans"]["section"]["infusions"][0]

    def scenario(tip: tuple[float, ...]) -> Scenario:
        territory = {"catheter": list(tip), "arteries": {"label": "arteries"}}
        data["plans"] = {"A": {"infusions": [{**infusion, "territory": territory}], "wait": "1 h"}}
        return scenario_of(data, base=SCENARIO.parent, where="arteries.yaml")

    anatomy: list[Anatomy] = []

    @cache
    def of(*tip: float) -> Delivered:
        made = scenario(tip)
        if not anatomy:
            anatomy.append(read_anatomy(made))
        return delivered(made, "A", anatomy[0])[0]

    return of


def test_the_proper_hepatic_artery_feeds_the_whole_liver(reach: Reach) -> None:
    one = reach(*TRUNK)
    assert np.array_equal(one.territory.share > 0.0, one.organ)
    assert one.territory.volume_ml == pytest.approx(2260.0, rel=0.01)


def test_its_two_branches_share_the_liver_without_rest(reach: Reach) -> None:
    both = reach(*SECTION).territory.share + reach(*OTHER).territory.share
    assert np.allclose(both, reach(*TRUNK).territory.share)


def test_what_the_branches_of_a_section_feed_adds_up_to_it(reach: Reach) -> None:
    parts = np.sum([reach(*tip).territory.share for tip in BRANCHES], axis=0)
    assert np.allclose(parts, reach(*SECTION).territory.share)


def test_the_tumour_hangs_on_the_section_beside_it(reach: Reach) -> None:
    section, other = reach(*SECTION), reach(*OTHER)
    assert section.territory.share[section.target].mean() > 0.99
    assert other.territory.share[other.target].mean() < 0.01
    assert reach(*BRANCHES[0]).territory.share[section.target].mean() == pytest.approx(0.56, abs=0.03)


def test_a_tip_beyond_the_end_of_a_branch_lies_in_it(reach: Reach) -> None:
    x, y, z = BRANCHES[2]
    assert np.array_equal(reach(x, y - 4.0, z).territory.share, reach(x, y, z).territory.share)


def test_everything_given_is_somewhere(reach: Reach) -> None:
    assert abs(reach(*SECTION).deposition.total - 1.0) <= 2.0**-52
