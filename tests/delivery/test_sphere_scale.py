# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose at points between clusters of spheres, which voxels cannot show: validation/experiments/RE06_sphere_clusters."""

import numpy as np
import pytest

from imagio_sim.delivery.clusters import Clusters, ClusterSizes
from imagio_sim.delivery.dose_kernel import point_kernel
from imagio_sim.pharmacy.microspheres import load_microspheres
from validation.experiments.RE06_sphere_clusters.study import (
    BOX_MM,
    DENSITY,
    Quantiles,
    clusters_in_box,
    doses_at,
    spheres_for,
    verdicts,
)

MIDDLE = np.full(3, 0.5 * (BOX_MM - 8.0))


def points(count: int) -> np.ndarray:
    return MIDDLE + np.random.default_rng(1).uniform(-3.0, 3.0, size=(count, 3))


def test_one_sphere_gives_its_activity_times_the_kernel() -> None:
    resin = load_microspheres("sir_spheres")
    one = Clusters(np.zeros((1, 3)), np.array([1]))
    decays = resin.value("activity_per_sphere") / resin.nuclide.decay_constant
    expected = float(point_kernel("y90").dose(1.0, DENSITY)) * decays
    assert doses_at(np.array([[1.0, 0.0, 0.0]]), one)[0] == pytest.approx(expected, rel=0.01)
    assert doses_at(np.array([[12.0, 0.0, 0.0]]), one)[0] == 0.0


def test_evenly_strewn_spheres_give_the_mean_dose() -> None:
    single = clusters_in_box(20.0, ClusterSizes(2.0, 1), spread=0.0, seed=3)
    assert single.counts.sum() == spheres_for(20.0)
    doses = doses_at(points(40), single)
    assert doses.mean() == pytest.approx(20.0, rel=0.1)


def test_larger_clusters_make_the_dose_more_uneven() -> None:
    spreads = []
    for sizes in (ClusterSizes(2.0, 1), ClusterSizes(1.6, 453)):
        doses = doses_at(points(40), clusters_in_box(10.0, sizes, spread=0.0, seed=3))
        spreads.append(np.quantile(doses, 0.9) / np.quantile(doses, 0.1))
    assert spreads[1] > 1.2 * spreads[0]


def test_both_shares_have_to_be_right_at_once() -> None:
    """Here each share alone is within ten points in half of the sets, and in none of them both are."""
    one, other = Quantiles(39.0, 5.0, 900.0, 0.90, 0.70), Quantiles(39.0, 5.0, 900.0, 0.70, 0.45)
    both, _ = verdicts([one, other] * 5, "the mean dose")
    assert both.verdict == "disagree"
    both, _ = verdicts([Quantiles(39.0, 5.0, 900.0, 0.92, 0.40)], "")
    assert both.verdict == "agree"


@pytest.mark.parametrize(("between", "verdict"), [(1.0, "disagree"), (0.92, "agree"), (0.78, "disagree")])
def test_too_even_a_dose_fails_as_too_uneven_a_one_does(between: float, verdict: str) -> None:
    _, outside = verdicts([Quantiles(39.0, 5.0, 900.0, between, 0.45)], "")
    assert outside.verdict == verdict
