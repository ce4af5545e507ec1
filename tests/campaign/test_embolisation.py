# SPDX-License-Identifier: LGPL-3.0-or-later
"""What closed arterioles leave of the perfusion: limits, tissues, repeated embolisation, and arteries that reopen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.geometry import StageGeometry, read_anatomy
from imagio_sim.campaign.infusions.delivery import delivered
from imagio_sim.campaign.modalities import StageSetting
from imagio_sim.campaign.modalities.embolisation import perfusion_factor, sources
from imagio_sim.meshing.domain import Sampled
from imagio_sim.meshing.phantoms import box
from imagio_sim.solve.sources.ischaemia import IschaemiaSpec
from imagio_sim.tissue.library import load_tissue
from tests.campaign.embolised import ALL, HALF_WAY_LEFT, TREE, bland, patient

LIVER, HCC = (load_tissue(name).value("arterial_share") for name in ("liver", "hcc"))
TISSUES = ("fat", "hcc", "liver")
SIDE = 36.0
"""The mesh is a cube within the left half of the liver and beyond, cells of 4 mm."""


def setting(folder: Path, *stages: dict[str, Any], stage: int = 0, mix: tuple[float, ...] = (0, 0, 1)) -> StageSetting:
    """The mesh of a stage with the same tissues in every cell."""
    scenario = patient(folder, *stages)
    anatomy = read_anatomy(scenario)
    domain = box(9, SIDE)
    cells = len(domain.cells)
    nothing = np.zeros(cells)
    sampled = Sampled(TISSUES, np.tile(np.array(mix, float), (cells, 1)), nothing, nothing, nothing, nothing)
    went = delivered(scenario, "A", anatomy)
    geometry = StageGeometry((), domain, sampled, 0.0, (), None, anatomy, went)
    return StageSetting(scenario, "A", stage, geometry, {})


def beads(**changes: Any) -> dict[str, Any]:
    return {"infusions": [bland(ALL, **changes)], "wait": "1 h"}


def inside(where: StageSetting) -> np.ndarray:
    """Cells that lie wholly in the organ and touch no artery, which is no part of it."""
    points = where.geometry.domain.points_mm[where.geometry.domain.cells]
    return np.asarray((points > 6.0).all(axis=(1, 2)) & (points[:, :, 2] < 14.0).all(axis=1))


@pytest.mark.parametrize(
    ("mix", "lost"), [((0, 0, 1), 0.9 * LIVER), ((0, 1, 0), 0.9 * HCC), ((1, 0, 0), 0.0)], ids=["liver", "hcc", "fat"]
)
def test_tissue_loses_the_arterial_share_of_its_blood(mix: tuple[float, ...], lost: float, tmp_path: Path) -> None:
    where = setting(tmp_path, beads(), mix=mix)
    assert perfusion_factor(where)[inside(where)] == pytest.approx(1.0 - lost, abs=1e-6)


def test_a_mixed_cell_loses_what_its_tissues_lose(tmp_path: Path) -> None:
    where = setting(tmp_path, beads(), mix=(0.0, 0.25, 0.75))
    flow = 0.25 * load_tissue("hcc").value("perfusion_rate"), 0.75 * load_tissue("liver").value("perfusion_rate")
    left = (flow[0] * (1 - 0.9 * HCC) + flow[1] * (1 - 0.9 * LIVER)) / sum(flow)
    assert perfusion_factor(where)[inside(where)] == pytest.approx(left, abs=1e-6)


def test_at_the_organs_surface_the_organs_part_of_a_cell_is_reached_whole(tmp_path: Path) -> None:
    """Otherwise fat beside the liver would be embolised, and the rim of the liver would not."""
    where = setting(tmp_path, beads(), mix=(0.5, 0.0, 0.5))
    fat, liver = 0.5 * load_tissue("fat").value("perfusion_rate"), 0.5 * load_tissue("liver").value("perfusion_rate")
    left = (fat + liver * (1.0 - 0.9 * LIVER)) / (fat + liver)
    assert perfusion_factor(where)[inside(where)] == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_portal_blood_stays_however_much_is_closed(share: float, tmp_path: Path) -> None:
    where = setting(tmp_path, beads(occlusion=share))
    factor = perfusion_factor(where)
    assert factor.min() >= 1.0 - LIVER - 1e-9
    assert factor[inside(where)] == pytest.approx(1.0 - share * LIVER, abs=1e-6)


def test_nothing_is_lost_where_the_catheter_does_not_reach(tmp_path: Path) -> None:
    right = {"infusions": [bland({"sphere": {"centre": [70, 30, 20], "diameter": "1 cm"}})], "wait": "1 h"}
    assert perfusion_factor(setting(tmp_path, right)) == pytest.approx(1.0)


def test_a_second_embolisation_closes_that_share_of_what_the_first_left_open(tmp_path: Path) -> None:
    where = setting(tmp_path, beads(occlusion="60 %"), beads(occlusion="50 %", name="again"), stage=1)
    assert perfusion_factor(where)[inside(where)] == pytest.approx(1.0 - 0.8 * LIVER, abs=1e-6)


def test_gelatin_is_gone_after_weeks_and_the_artery_is_open_again(tmp_path: Path) -> None:
    def after(wait: str) -> np.ndarray:
        first = {"infusions": [bland(ALL, particles="gelatin_pledgets")], "wait": wait}
        where = setting(tmp_path, first, {"wait": "1 h"}, stage=1)
        return np.asarray(perfusion_factor(where)[inside(where)])

    assert after("1 day") == pytest.approx(1.0 - 0.9 * LIVER, abs=1e-6)
    assert after("8 weeks") == pytest.approx(1.0)


def test_what_is_not_embolised_stays_as_it_is(tmp_path: Path) -> None:
    where = setting(tmp_path, {"wait": "1 h"})
    assert (perfusion_factor(where) == 1.0).all()
    assert sources(where) == ()


def test_ischaemia_knows_each_tissue_and_how_long_it_has_been_closed(tmp_path: Path) -> None:
    where = setting(tmp_path, beads(), beads(name="again"), stage=1, mix=(0.2, 0.3, 0.5))
    (spec,) = sources(where)
    assert isinstance(spec, IschaemiaSpec)
    assert {(part.tissue, part.elapsed) for part in spec.closed} == {
        ("hcc", 3600.0), ("liver", 3600.0), ("hcc", 0.0), ("liver", 0.0)
    }  # fmt: skip
    assert {part.supply for part in spec.closed} == {1.0 - HCC, 1.0 - LIVER}
    closed = sum(part.share[inside(where)].mean() for part in spec.closed if part.tissue == "hcc")
    assert closed == pytest.approx(0.3 * 0.99, rel=1e-6)


def test_a_branch_starves_its_side_only(tmp_path: Path) -> None:
    """The mesh ends before the middle, so a catheter in the left branch closes all of it, one in the right none."""
    by_branch = {"infusions": [bland({"catheter": HALF_WAY_LEFT, "arteries": TREE})], "wait": "1 h"}
    where = setting(tmp_path, by_branch)
    assert perfusion_factor(where)[inside(where)] == pytest.approx(1.0 - 0.9 * LIVER, abs=1e-6)
