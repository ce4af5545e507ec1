# SPDX-License-Identifier: LGPL-3.0-or-later
"""What stays where: nothing is lost, the tumour takes its multiple, and clusters hold every bead."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagio_sim.delivery.clusters import (
    ClusterSizes,
    _beads_in_voxels,
    _clusters_by_size,
    clustered,
    sampled_clusters,
)
from imagio_sim.delivery.deposition import Deposition, deposited_by_flow, deposited_by_image
from imagio_sim.delivery.territory import Territory
from tests.delivery.trees import SHAPE, block, grid

MEASURED = ClusterSizes(2.0, 453)


def tumour() -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[5:12, 5:12, 5:12] = True
    return mask


def territory() -> Territory:
    half = block().astype(float)
    half[20:] = 0.0
    half[19] *= 0.5
    return Territory(grid(), half)


@settings(max_examples=30, deadline=None)
@given(ratio=st.floats(0.1, 100.0), lung=st.floats(0.0, 0.5))
def test_all_shares_together_are_one_to_the_last_digit(ratio: float, lung: float) -> None:
    made = deposited_by_flow(territory(), tumour(), ratio, lung_share=lung)
    assert abs(made.total - 1.0) <= 2.0**-52
    assert made.lung_share == lung
    assert made.share.min() >= 0.0


def test_the_tumour_takes_so_many_times_as_much_per_volume() -> None:
    made = deposited_by_flow(territory(), tumour(), 6.0, lung_share=0.1)
    fed = (territory().share == 1.0) & ~tumour()
    assert made.share[tumour()].mean() == pytest.approx(6.0 * made.share[fed].mean(), rel=1e-9)
    assert made.share_in(tumour()) == pytest.approx(fsum(made.share[tumour()]), rel=1e-12)


def test_nothing_stays_where_the_artery_does_not_reach() -> None:
    made = deposited_by_flow(territory(), tumour(), 6.0, lung_share=0.0)
    assert not made.share[territory().share == 0.0].any()


def test_a_voxel_that_is_reached_by_half_takes_half() -> None:
    made = deposited_by_flow(territory(), np.zeros(SHAPE, dtype=bool), 6.0, lung_share=0.0)
    assert made.share[19, 5, 5] == pytest.approx(0.5 * made.share[10, 5, 5], rel=1e-9)


def test_an_image_is_the_deposition_itself_and_what_it_shows_beyond_the_grid_is_elsewhere() -> None:
    uptake = np.random.default_rng(1).random(SHAPE)
    made = deposited_by_image(grid(), uptake, unseen_share=0.25, lung_share=0.2)
    assert abs(made.total - 1.0) <= 2.0**-52
    assert made.elsewhere_share == pytest.approx(0.2)
    assert np.allclose(made.share, 0.6 * uptake / uptake.sum())


def deposition() -> Deposition:
    return deposited_by_flow(territory(), tumour(), 6.0, lung_share=0.07)


@pytest.mark.parametrize("beads", [0, 1, 17, 100_000])
def test_clusters_hold_exactly_the_beads_that_stay_in_the_tissue(beads: int) -> None:
    clusters = sampled_clusters(deposition(), beads, MEASURED, seed=4)
    assert clusters.counts.sum() == round(beads * 0.93)
    assert len(clusters.positions_mm) == len(clusters.counts)
    assert clusters.counts.min(initial=1) >= 1


def test_the_same_seed_gives_the_same_clusters_and_another_seed_others() -> None:
    one, same, other = (sampled_clusters(deposition(), 5000, MEASURED, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one.positions_mm, same.positions_mm)
    assert np.array_equal(one.counts, same.counts)
    assert not np.array_equal(one.counts[:50], other.counts[:50])


def test_clusters_lie_where_something_was_deposited_and_in_proportion_to_it() -> None:
    made = deposition()
    clusters = sampled_clusters(made, 400_000, ClusterSizes(3.0, 20), seed=1)
    index, inside = made.grid.nearest(clusters.positions_mm)
    assert inside.all()
    assert (made.share[tuple(index.T)] > 0.0).all()
    in_tumour = clusters.counts[tumour()[tuple(index.T)]].sum() / clusters.counts.sum()
    assert in_tumour == pytest.approx(made.share_in(tumour()) / 0.93, rel=0.02)


def test_clusters_of_a_part_hold_the_beads_of_that_part() -> None:
    made = deposition()
    clusters = sampled_clusters(made, 100_000, MEASURED, seed=1, within=tumour())
    assert clusters.counts.sum() == round(100_000 * made.share_in(tumour()))
    index, _ = made.grid.nearest(clusters.positions_mm)
    assert tumour()[tuple(index.T)].all()


def test_sizes_follow_the_power_law_and_its_mean() -> None:
    counts = sampled_clusters(deposition(), 2_000_000, MEASURED, seed=7).counts
    assert counts.mean() == pytest.approx(MEASURED.mean, rel=0.05)
    assert counts.max() <= 453
    share_of_single = (counts == 1).mean()
    assert share_of_single == pytest.approx(MEASURED.probabilities[0], rel=0.02)


def test_as_many_spheres_as_were_counted_make_one_cluster_of_the_largest_size_seen() -> None:
    """Resected liver: 3888 spheres, the largest cluster of 453; the exponent of the data file rests on this."""
    clusters = 3888 / MEASURED.mean
    so_large = ClusterSizes(2.0, 10_000).probabilities[452:].sum()
    assert 0.5 < clusters * so_large < 2.0


@pytest.mark.parametrize("beads", [0, 1, 17, 100_000, 60_000_000])
def test_a_clustered_deposition_holds_every_bead_and_every_share(beads: int) -> None:
    smooth = deposition()
    made, census = clustered(smooth, beads, MEASURED, seed=4)
    assert census.beads == round(beads * 0.93)
    assert abs(made.total - 1.0) <= 2.0**-52
    assert made.lung_share == smooth.lung_share
    assert not (made.share[smooth.share == 0.0] > 0.0).any()
    if census.beads:
        each = made.share / (made.share_in(made.share > 0.0) / census.beads)
        assert np.abs(each - np.round(each)).max() < 1e-3


def test_sixty_million_spheres_are_drawn_as_fast_as_a_hundred_thousand() -> None:
    """What is drawn is bounded by voxels and sizes, not by spheres: no more random numbers than a few per voxel."""

    class Counting(np.random.Generator):
        drawn = 0

        def random(self, *args: object, **named: object) -> np.ndarray:
            found = super().random(*args, **named)  # type: ignore[call-overload]
            Counting.drawn += np.size(found)
            return np.asarray(found)

    smooth = deposition()
    numbers = _clusters_by_size(55_800_000, MEASURED, Counting(np.random.PCG64(1)))
    _beads_in_voxels(numbers, MEASURED, smooth.share, Counting(np.random.PCG64(1)))
    assert numbers @ MEASURED.sizes == 55_800_000
    assert Counting.drawn < 60 * np.count_nonzero(smooth.share)


def test_clusters_that_are_counted_differ_as_those_that_are_placed() -> None:
    smooth = deposition()
    _, census = clustered(smooth, 200_000, MEASURED, seed=4)
    placed = sampled_clusters(smooth, 200_000, MEASURED, seed=5)
    index, _ = smooth.grid.nearest(placed.positions_mm)
    held = np.zeros(SHAPE)
    np.add.at(held, tuple(index.T), placed.counts)
    expected = smooth.share[smooth.share > 0.0] / 0.93 * 186_000
    spread = np.sqrt(((held[smooth.share > 0.0] - expected) ** 2 / expected).sum() / 186_000)
    assert census.relative_spread == pytest.approx(spread, rel=0.2)
    # Of a sum of clusters: the mean of the squared size by the mean size, for every bead that is expected.
    noise = (MEASURED.variance / MEASURED.mean + MEASURED.mean) * len(expected) / 186_000
    assert census.relative_spread == pytest.approx(np.sqrt(noise), rel=0.2)
    assert census.clusters == pytest.approx(len(placed.counts), rel=0.05)


def test_the_same_seed_gives_the_same_clustered_deposition() -> None:
    one, same, other = (clustered(deposition(), 5000, MEASURED, seed=seed)[0].share for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
