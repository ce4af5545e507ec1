# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which tissue is reached: exact halves of a symmetric organ, balls, images, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.delivery.artery_tree import CentreLineOfArtery, tree_of_label, tree_of_lines
from imagio_sim.delivery.territory import (
    Territory,
    territory_of_ball,
    territory_of_catheter,
    territory_of_image,
    territory_of_mask,
)
from imagio_sim.errors import InputError
from tests.delivery.trees import FORK, LEFT, MIDDLE, RIGHT, SHAPE, TRUNK, Mask, arteries, at, block, grid

WHERE = "case.yaml: territory"
NOWHERE = np.zeros(SHAPE, dtype=bool)


def reached_from(tip: np.ndarray, fed: Mask | None = None, spacing: float = 2.0) -> Territory:
    tree = tree_of_label(arteries(), grid(spacing), inlet_mm=at(TRUNK, spacing), where=WHERE)
    organ = block() if fed is None else fed
    return territory_of_catheter(tree, at(tip, spacing), organ, organ, grid(spacing), where=WHERE)


def test_each_branch_of_a_fork_feeds_exactly_half_of_a_symmetric_organ() -> None:
    left, right = (reached_from((FORK + end) // 2) for end in (LEFT, RIGHT))
    assert left.share.sum() == 0.5 * block().sum()
    assert np.array_equal(left.share, right.share[::-1])
    assert (left.share[1:MIDDLE, 1:-1, 1:-1] == 1.0).all()


def test_a_voxel_as_near_to_both_branches_is_reached_by_half() -> None:
    assert (reached_from((FORK + LEFT) // 2).share[MIDDLE, 1:-1, 1:-1] == 0.5).all()


def test_the_branches_of_a_fork_feed_all_of_the_organ_together_and_nothing_else() -> None:
    left, right, both = (reached_from(tip) for tip in ((FORK + LEFT) // 2, (FORK + RIGHT) // 2, FORK))
    assert np.allclose(left.share + right.share, both.share)
    assert np.array_equal(both.share > 0.0, block())


def test_a_gap_in_the_organ_is_gone_round() -> None:
    """A wall between a far corner and the branch that is nearer in a straight line gives it to the other branch."""
    fed = block()
    fed[14:MIDDLE, 20, 1:-1] = False
    fed[14, 20:, 1:-1] = False
    behind = (MIDDLE - 2, 28, 10)
    assert reached_from((FORK + LEFT) // 2).share[behind] == 1.0
    assert reached_from((FORK + LEFT) // 2, fed).share[behind] == 0.0


def test_tissue_apart_from_the_organ_follows_what_is_nearest_to_it() -> None:
    fed = block()
    fed[:, 22:24, :] = False  # an island beyond it
    share = reached_from((FORK + LEFT) // 2, fed).share
    assert (share[2, 25:29, 10] == 1.0).all()
    assert (share[-3, 25:29, 10] == 0.0).all()


def test_the_volume_counts_shares() -> None:
    territory = reached_from((FORK + LEFT) // 2)
    assert territory.volume_ml == pytest.approx(0.5 * block().sum() * 8.0 / 1000.0)


def test_a_finer_grid_gives_the_same_half() -> None:
    shares = [reached_from((FORK + LEFT) // 2, spacing=spacing).share.mean() for spacing in (1.0, 3.0)]
    assert shares[0] == pytest.approx(shares[1])


def test_without_obstacles_territories_are_those_of_straight_distances_but_for_the_grids_metric() -> None:
    """The plane halfway between two ends; ways on a grid are up to 13 % too long, by their direction."""
    ends = np.array([[12.0, 30.0, 20.0], [62.0, 44.0, 14.0]])
    root = np.array([[40.0, 0.0, 20.0]])
    lines = [CentreLineOfArtery(np.concatenate([root, end[None]]), np.zeros(2)) for end in ends]
    tree = tree_of_lines(lines, where=WHERE)
    own = territory_of_catheter(tree, ends[0], block(), block(), grid(), where=WHERE).share
    index = np.argwhere(block())
    distances = [np.linalg.norm(grid().to_lps(index.astype(float)) - end, axis=1) for end in ends]
    straight = distances[0] < distances[1]
    wrong = np.abs(own[tuple(index.T)] - straight) > 0.5
    assert 0.0 < wrong.mean() < 0.03
    assert np.abs(distances[0] - distances[1])[wrong].max() < 0.13 * max(map(np.max, distances))


def test_a_branch_that_ends_far_from_the_organ_is_refused() -> None:
    far = np.zeros(SHAPE, dtype=bool)
    far[36:40, 1:30, 1:20] = True
    with pytest.raises(InputError, match=r"branch ends within 10 mm of the organ, got an artery that ends 52 mm"):
        reached_from(LEFT, far)


def test_what_the_facts_say_is_what_was_found() -> None:
    facts = reached_from((FORK + LEFT) // 2).facts
    assert facts["terminals"] == 1
    assert facts["organ_share"] == pytest.approx(0.5)
    assert facts["tip_moved_mm"] < 2.0


def test_a_ball_is_clipped_to_the_organ() -> None:
    centre, grid_of = at(np.array([20, 0, 10])), grid()
    territory = territory_of_ball(centre, 24.0, block(), grid_of, where=WHERE)
    half_a_ball = 0.5 * 4.0 / 3.0 * np.pi * 12.0**3 / 1000.0
    assert territory.volume_ml == pytest.approx(half_a_ball, rel=0.15)
    assert not territory.share[~block()].any()


def test_a_territory_beside_the_organ_is_refused() -> None:
    with pytest.raises(InputError, match="holds nothing of the organ"):
        territory_of_ball(np.array([500.0, 0.0, 0.0]), 24.0, block(), grid(), where=WHERE)
    with pytest.raises(InputError, match="holds nothing of the organ"):
        territory_of_mask(NOWHERE, grid(), where=WHERE)


def image(values: np.ndarray, spacing: float = 2.0, moved: float = 0.0) -> Image:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = moved
    return Image(values.astype(np.float32), Grid(values.shape, affine), "uptake.nii.gz")


def test_an_image_reaches_what_took_up_more_than_the_threshold() -> None:
    values = np.zeros(SHAPE)
    values[5:15, 5:25, 5:15], values[25:35, 5:25, 5:15] = 10.0, 1.0
    all_of_it, most = (territory_of_image(image(values), share, block(), grid(), where=WHERE) for share in (0.0, 0.2))
    assert all_of_it.share.sum() == 2 * most.share.sum() == 2 * 10 * 20 * 10
    assert most.uptake is not None
    assert most.uptake.sum() == 10.0 * 2000


def test_an_image_on_another_grid_of_the_same_frame_is_read_where_the_voxels_are() -> None:
    fine = np.zeros(tuple(2 * count for count in SHAPE))
    fine[10:30, 10:50, 10:30] = 1.0
    territory = territory_of_image(image(fine, 1.0, moved=-0.5), 0.4, block(), grid(), where=WHERE)
    assert territory.share.sum() == 10 * 20 * 10


def test_uptake_beyond_the_grid_is_known() -> None:
    values = np.zeros((SHAPE[0] + 10, *SHAPE[1:]))
    values[5:15, 5:25, 5:15] = 3.0
    values[44:49, 5:25, 5:15] = 2.0
    territory = territory_of_image(image(values), 0.0, block(), grid(), where=WHERE)
    assert territory.unseen_share == pytest.approx(10.0 / 40.0)


@pytest.mark.parametrize(
    ("values", "moved", "says"),
    [
        (np.ones(SHAPE), 1000.0, "holds nothing of the organ"),
        (np.zeros(SHAPE), 0.0, "no uptake within the organ"),
        (-np.ones(SHAPE), 0.0, "no uptake within the organ"),
        (np.full(SHAPE, np.nan), 0.0, "no numbers"),
    ],
)
def test_an_image_that_cannot_be_meant_is_refused(values: np.ndarray, moved: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        territory_of_image(image(values, moved=moved), 0.0, block(), grid(), where=WHERE)
