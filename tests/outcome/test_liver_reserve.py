# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.outcome.liver_reserve import LiverReserve, Reached, liver_reserve

GRID = Grid((20, 10, 10), np.eye(4))
POINTS = GRID.to_lps(np.indices(GRID.shape).reshape(3, -1).T.astype(float))
LEFT = np.indices(GRID.shape)[0] < 10
VOXEL_ML = 0.001


def reserve(*reached: Reached, dead: np.ndarray | None = None) -> LiverReserve:
    nothing = np.zeros(len(POINTS), dtype=bool)
    return liver_reserve(["liver"], POINTS, VOXEL_ML, reached, nothing if dead is None else dead)


def test_an_untreated_organ_is_whole() -> None:
    found = reserve()
    assert (found.volume_ml, found.untreated_ml, found.perfused_ml) == pytest.approx((2.0, 2.0, 2.0))
    assert (found.territory_ml, found.embolised_ml, found.dead_ml) == (0.0, 0.0, 0.0)


def test_half_an_organ_loses_the_stopped_share_of_its_flow() -> None:
    found = reserve(Reached(GRID, LEFT.astype(float), 0.9))
    assert found.territory_ml == pytest.approx(1.0)
    assert found.untreated_ml == pytest.approx(1.0)
    assert found.embolised_ml == pytest.approx(0.9)
    assert found.perfused_ml == pytest.approx(1.1)


def test_two_infusions_into_one_territory_leave_the_product_of_what_each_leaves() -> None:
    half = Reached(GRID, LEFT.astype(float), 0.5)
    found = reserve(half, half)
    assert found.territory_ml == pytest.approx(1.0)
    assert found.perfused_ml == pytest.approx(1.0 + 0.25)


def test_what_is_dead_is_neither_perfused_nor_untreated() -> None:
    dead = LEFT.ravel()
    section = reserve(Reached(GRID, LEFT.astype(float), 0.5), dead=dead).section(mean_dose_Gy=12.0)
    assert section["dead_ml"] == pytest.approx(1.0)
    assert section["alive_share"] == pytest.approx(0.5)
    assert section["perfused_ml"] == section["untreated_ml"] == pytest.approx(1.0)
    assert section["mean_dose_Gy"] == 12.0


def test_infusions_that_stop_no_flow_leave_all_of_it() -> None:
    found = reserve(Reached(GRID, LEFT.astype(float), 0.0))
    assert found.perfused_ml == found.volume_ml
    assert found.territory_ml == pytest.approx(1.0)


def test_a_territory_on_another_grid_is_read_where_the_organ_lies() -> None:
    coarse = Grid((5, 5, 5), np.diag([4.0, 4.0, 4.0, 1.0]))
    found = reserve(Reached(coarse, np.ones(coarse.shape), 1.0))
    # Its voxels reach from -2 to 18 mm: two of the twenty layers lie beyond it.
    assert found.perfused_ml == pytest.approx(0.2)
