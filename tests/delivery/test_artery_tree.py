# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arteries as a tree: from a label and from centre lines, with the direction of flow."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.delivery.artery_tree import (
    FARTHEST_TIP_MM,
    ArteryTree,
    CentreLineOfArtery,
    tree_of_label,
    tree_of_lines,
)
from imagio_sim.errors import InputError
from tests.delivery.trees import FORK, LEFT, RIGHT, SHAPE, TRUNK, arteries, at, grid

WHERE = "case.yaml: arteries"


def of_label(**changes: object) -> ArteryTree:
    return tree_of_label(arteries(), grid(), inlet_mm=changes.get("inlet_mm"), where=WHERE)  # type: ignore[arg-type]


def line(*points: tuple[float, float, float], radius: float = 0.0) -> CentreLineOfArtery:
    return CentreLineOfArtery(np.array(points, dtype=float), np.full(len(points), radius))


def ends_of(tree: ArteryTree) -> set[tuple[float, ...]]:
    return {tuple(point) for point in tree.points_mm[tree.terminals].tolist()}


def test_a_fork_has_the_ends_of_its_branches_as_terminals() -> None:
    tree = of_label()
    assert {tuple(at(LEFT)), tuple(at(RIGHT))} <= ends_of(tree)
    assert len(tree.terminals) <= 3  # the trunk's blind end behind the inlet is one, if thinning leaves it


def test_blood_enters_where_the_arteries_are_widest() -> None:
    tree = of_label()
    assert np.linalg.norm(tree.points_mm[0] - at(TRUNK)) < 10.0
    assert tree.parent[0] == -1
    assert (tree.parent[1:] < np.arange(1, len(tree.parent))).all()


def test_a_branch_has_only_its_own_end_downstream() -> None:
    tree = of_label()
    half_way = tree.at_tip(at((FORK + LEFT) // 2), where=WHERE)
    below = tree.points_mm[tree.downstream(half_way)]
    assert tuple(at(LEFT)) in {tuple(point) for point in below.tolist()}
    assert below[:, 0].max() < at(FORK)[0]


def test_the_fork_has_both_ends_downstream() -> None:
    tree = of_label()
    below = tree.points_mm[tree.downstream(tree.at_tip(at(FORK), where=WHERE))]
    assert {tuple(at(LEFT)), tuple(at(RIGHT))} <= {tuple(point) for point in below.tolist()}


def test_an_inlet_turns_the_flow_round() -> None:
    tree = of_label(inlet_mm=at(LEFT))
    assert np.allclose(tree.points_mm[0], at(LEFT))
    below = tree.points_mm[tree.downstream(tree.at_tip(at((FORK + RIGHT) // 2), where=WHERE))]
    assert below[:, 0].min() > at(FORK)[0]


def test_a_twig_within_the_trunk_is_dropped_and_a_branch_is_not() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[18:23, 2:28, 8:13] = True
    mask[23, 14, 10] = True  # ends a voxel beyond the wall
    assert len(tree_of_label(mask, grid(), inlet_mm=at(TRUNK), where=WHERE).terminals) == 1
    mask[23:36, 14, 10] = True
    assert len(tree_of_label(mask, grid(), inlet_mm=at(TRUNK), where=WHERE).terminals) == 2


def test_the_same_label_gives_the_same_tree() -> None:
    one, other = of_label(), of_label()
    assert np.array_equal(one.points_mm, other.points_mm)
    assert np.array_equal(one.parent, other.parent)


def test_a_piece_that_blood_does_not_reach_is_no_part_of_the_tree() -> None:
    mask = arteries()
    mask[2:6, 27, 4] = True
    tree = tree_of_label(mask, grid(), inlet_mm=None, where=WHERE)
    assert ends_of(tree) == ends_of(of_label())


def test_a_tip_away_from_all_arteries_is_refused_with_the_distance() -> None:
    with pytest.raises(
        InputError, match=r"case\.yaml: tip: .*within 10 mm of an artery, got a tip 1\d\.\d mm"
    ) as refused:
        of_label().at_tip(at(LEFT) - [FARTHEST_TIP_MM + 3.0, 0.0, 0.0], where="case.yaml: tip")
    assert "frame" in refused.value.remedy


def test_a_tip_just_near_enough_goes_to_the_nearest_artery() -> None:
    tree = of_label()
    point = tree.at_tip(at(LEFT) - [FARTHEST_TIP_MM - 0.5, 0.0, 0.0], where=WHERE)
    assert np.allclose(tree.points_mm[point], at(LEFT))


def test_a_label_without_a_voxel_is_refused() -> None:
    with pytest.raises(InputError, match="at least one voxel"):
        tree_of_label(np.zeros(SHAPE, dtype=bool), grid(), inlet_mm=None, where=WHERE)


def test_centre_lines_meet_where_one_begins_in_another() -> None:
    trunk, branch = line((0, 0, 0), (0, 40, 0)), line((1, 20, 0), (20, 30, 0))
    tree = tree_of_lines([branch, trunk], where=WHERE)  # the order of the file says nothing
    assert ends_of(tree) == {(0.0, 40.0, 0.0), (20.0, 30.0, 0.0)}
    assert (tree.parent == -1).sum() == 1
    above, below = (tree.downstream(tree.at_tip(np.array([0.0, y, 0.0]), where=WHERE)) for y in (10.0, 30.0))
    assert above[tree.terminals].all()
    assert below[tree.terminals].sum() == 1


def test_a_line_within_the_radius_of_another_leaves_it() -> None:
    wide = tree_of_lines([line((0, 0, 0), (0, 40, 0), radius=5.0), line((4, 20, 0), (20, 20, 0))], where=WHERE)
    thin = tree_of_lines([line((0, 0, 0), (0, 40, 0), radius=1.0), line((4, 20, 0), (20, 20, 0))], where=WHERE)
    assert (wide.parent == -1).sum() == 1
    assert (thin.parent == -1).sum() == 2


def test_lines_from_a_common_inlet_share_their_trunk() -> None:
    """As programs write them that trace each outlet back to the inlet."""
    one, other = line((0, 0, 0), (0, 40, 0), (20, 60, 0)), line((0.3, 0, 0), (0.3, 40, 0), (-20, 60, 0))
    tree = tree_of_lines([one, other], where=WHERE)
    assert (tree.parent == -1).sum() == 1
    assert len(tree.terminals) == 2
    for tip in ((0.0, 20.0, 0.0), (0.3, 20.0, 0.0)):
        assert tree.downstream(tree.at_tip(np.array(tip), where=WHERE))[tree.terminals].all()
    branch = tree.downstream(tree.at_tip(np.array([10.0, 50.0, 0.0]), where=WHERE))
    assert branch[tree.terminals].sum() == 1


def test_a_line_given_twice_counts_once() -> None:
    one = line((0, 0, 0), (0, 40, 0))
    assert len(tree_of_lines([one, one], where=WHERE).terminals) == 1


def test_lines_that_run_in_a_circle_are_refused() -> None:
    with pytest.raises(InputError, match="run in a circle"):
        tree_of_lines([line((0, 0, 0), (20, 0, 0)), line((20, 0, 0), (10, 10, 0), (0, 0, 0))], where=WHERE)


def test_a_file_without_a_line_is_refused() -> None:
    with pytest.raises(InputError, match="at least one centre line, got no line"):
        tree_of_lines([], where=WHERE)
