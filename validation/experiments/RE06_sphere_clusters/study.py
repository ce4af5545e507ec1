# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose on points of normal liver between clusters of resin spheres, against the quantiles found by histology.

Run as ``python3 -m validation.experiments.RE06_sphere_clusters.study``; writes the table to standard output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.delivery.clusters import Clusters, ClusterSizes, sampled_clusters
from imagio_sim.delivery.deposition import Deposition
from imagio_sim.delivery.dose_kernel import point_kernel
from imagio_sim.pharmacy.microspheres import load_microspheres
from imagio_sim.tissue.constants import library_constants

Floats = NDArray[np.float64]

DENSITY = 1060.0
BOX_MM, BIOPSY_MM = 24.0, 8.0
# Scale on which the density of spheres differs, beside their clusters.
BLOCK_MM = 8.0
# Mean of a lognormal dose of which 5 % lie below 10 and above 97 Gy.
MEAN_DOSE = 39.0
POINTS, BIOPSIES = 300, 8
# Of every set of unknown inputs as many biopsies as were cut, at fewer points: biopsies differ more than points do.
SAMPLES, BIOPSIES_CUT, POINTS_OF_A_BIOPSY = 24, 16, 40
SEED = 453

BETWEEN, BELOW = 0.90, 0.45
# Ten points more than 90 % cannot be missed: what lies outside is held against half and twice the measured share too.
OUTSIDE, FACTOR = 1.0 - BETWEEN, 2.0
RANGE_GY = (5.0, 1240.0)


class Quantiles(NamedTuple):
    """Doses [Gy]: mean, least, largest, and the shares of the points that histology gives."""

    mean: float
    least: float
    largest: float
    between: float
    below: float


def spheres_for(mean_dose: float) -> int:
    """Resin spheres in the box for a mean dose [Gy]."""
    resin = load_microspheres("sir_spheres")
    mass = (BOX_MM * 1e-3) ** 3 * DENSITY
    return round(mean_dose * mass / (resin.nuclide.energy_per_activity * resin.value("activity_per_sphere")))


def clusters_in_box(mean_dose: float, sizes: ClusterSizes, *, spread: float, seed: int) -> Clusters:
    """Clusters in a cube of liver; ``spread`` is the lognormal deviation of the density between blocks."""
    count = round(BOX_MM / BLOCK_MM)
    grid = Grid((count, count, count), np.diag([BLOCK_MM, BLOCK_MM, BLOCK_MM, 1.0]))
    weights = np.exp(spread * np.random.default_rng(seed).normal(size=grid.shape) - 0.5 * spread**2)
    spheres = round(spheres_for(mean_dose) * float(weights.mean()))
    return sampled_clusters(Deposition(grid, weights / weights.sum(), 0.0, 0.0), spheres, sizes, seed=seed)


def doses_at(points_mm: Floats, clusters: Clusters) -> Floats:
    """Dose (p,) [Gy] when all has decayed; within a cluster as at its surface, spheres packed by two thirds."""
    resin, kernel = load_microspheres("sir_spheres"), point_kernel("y90")
    reach = kernel.radius_with(0.999, DENSITY)
    radius_mm = 0.5e3 * resin.value("diameter") * np.cbrt(clusters.counts / 0.66)
    table_mm = np.geomspace(1e-3, reach, 4000)
    per_sphere = kernel.dose(table_mm, DENSITY) * resin.value("activity_per_sphere") / resin.nuclide.decay_constant
    near = cKDTree(clusters.positions_mm).query_ball_point(points_mm, reach)
    found = np.zeros(len(points_mm))
    # By place in the table, not between its entries: this is where the time goes.
    position, step = clusters.positions_mm, np.log(table_mm[1] / table_mm[0])
    for number, own in enumerate(near):
        distance = np.linalg.norm(position[own] - points_mm[number], axis=1)
        place = np.log(np.maximum(distance, radius_mm[own]) / table_mm[0]) / step
        found[number] = clusters.counts[own] @ per_sphere[np.minimum(place.astype(int), len(table_mm) - 1)]
    return found


def quantiles(
    mean_dose: float, sizes: ClusterSizes, *, spread: float, seed: int = SEED, points: int = POINTS
) -> Quantiles:
    """Of the dose on points of a biopsy in the middle of the box."""
    clusters = clusters_in_box(mean_dose, sizes, spread=spread, seed=seed)
    middle = np.full(3, 0.5 * (BOX_MM - BLOCK_MM))
    within = np.random.default_rng(seed + 1).uniform(-0.5, 0.5, size=(points, 3)) * BIOPSY_MM
    doses = doses_at(middle + within, clusters)
    low, high = (float(number) for number in ("10", "97"))
    return Quantiles(
        float(doses.mean()),
        float(doses.min()),
        float(doses.max()),
        float(np.mean((doses >= low) & (doses <= high))),
        float(np.mean(doses < 30.0)),
    )


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both shares together, and what lies outside, over sizes of clusters, mean dose and spread between blocks."""
    return verdicts(sampled(case), case.unknown_text)


def verdicts(found: Sequence[Quantiles], unknown: str) -> tuple[Verdict, ...]:
    """A set of inputs keeps the tolerance where it keeps it with both shares; each alone may do so with other sets."""
    farthest = [max(abs(one.between - BETWEEN), abs(one.below - BELOW)) for one in found]
    outside = [1.0 - one.between for one in found]
    return (
        judged("larger miss of both shares", "", farthest, within=(0.0, 0.1), reference=0.0, unknown=unknown),
        judged(
            "outside 10 to 97 Gy",
            "",
            outside,
            within=(OUTSIDE / FACTOR, OUTSIDE * FACTOR),
            reference=OUTSIDE,
            unknown=unknown,
            why="half to twice: bounded on both sides after the first run, for 10 points cannot be missed upwards",
        ),
    )


def sampled(case: ValidationCase) -> list[Quantiles]:
    """Of all biopsies together, for every set of the unknown inputs."""
    largest = int(library_constants()["largest_cluster"].value)
    found = []
    for one in case.samples(SAMPLES, seed=SEED):
        sizes = ClusterSizes(one["exponent of cluster sizes"], largest)
        spread = one["spread of density between blocks of 8 mm"]
        mean_dose = one["mean dose of the liver"]
        each = [
            quantiles(mean_dose, sizes, spread=spread, seed=SEED + n, points=POINTS_OF_A_BIOPSY)
            for n in range(BIOPSIES_CUT)
        ]
        found.append(Quantiles(*np.mean(each, axis=0)))
    return found


def main() -> None:
    """Print the table."""
    largest = int(library_constants()["largest_cluster"].value)
    print("| exponent | spread between 8 mm blocks | mean (Gy) | range (Gy) | 10 to 97 Gy | below 30 Gy |")
    print("|---|---|---|---|---|---|")
    for exponent in (1.6, 2.0, 2.5):
        for spread in (0.0, 0.7, 1.0):
            each = [
                quantiles(MEAN_DOSE, ClusterSizes(exponent, largest), spread=spread, seed=SEED + n)
                for n in range(BIOPSIES)
            ]
            found = Quantiles(*np.mean(each, axis=0))
            print(
                f"| {exponent:g} | {spread:g} | {found.mean:.0f} | {min(one.least for one in each):.0f} to "
                f"{max(one.largest for one in each):.0f} | {100 * found.between:.0f} % | {100 * found.below:.0f} % |"
            )


if __name__ == "__main__":
    main()
