# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads and microspheres in the clusters in which they lodge, drawn from a deposition; for what voxels cannot show.

Sizes follow a power law, p(n) proportional to n^-exponent from 1 to the largest cluster: few clusters hold most of the
beads, as histology after radio-embolisation shows (Hoegberg et al. 2015, doi 10.1186/s40658-015-0113-4). Clusters lie
in the voxels by chance, in proportion to what is deposited there, and anywhere within a voxel.

:func:`sampled_clusters` places every one of them; :func:`clustered` only counts how many beads each voxel gets, which
costs as much for sixty million resin spheres as for a hundred thousand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagio_sim.delivery.deposition import Deposition

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class ClusterSizes(NamedTuple):
    """Exponent of the power law and beads in the largest cluster."""

    exponent: float
    largest: int

    @property
    def probabilities(self) -> Floats:
        """Of a cluster of 1, 2, ... beads (largest,)."""
        weights = np.arange(1, self.largest + 1, dtype=float) ** -self.exponent
        return np.asarray(weights / weights.sum())

    @property
    def sizes(self) -> Counts:
        """Of clusters: 1, 2, ... (largest,)."""
        return np.arange(1, self.largest + 1)

    @property
    def mean(self) -> float:
        """Beads in a cluster, on average."""
        return float(self.probabilities @ self.sizes)

    @property
    def variance(self) -> float:
        """Of the beads in a cluster."""
        return float(self.probabilities @ self.sizes**2) - self.mean**2


class Clusters(NamedTuple):
    """Where clusters lie (n, 3) [LPS mm] and how many beads each holds (n,)."""

    positions_mm: Floats
    counts: Counts


def sampled_clusters(
    deposition: Deposition,
    beads: int,
    sizes: ClusterSizes,
    *,
    seed: int,
    within: NDArray[np.bool_] | None = None,
) -> Clusters:
    """Clusters of the beads that stay in the tissue; the same seed gives the same clusters.

    Parameters
    ----------
    beads
        Given in all. Those in the tissue are this number times the share that stays there, to the nearest whole bead;
        the clusters hold exactly so many.
    within
        Voxels (i, j, k) of which alone the clusters are wanted; default: all.
    """
    share = deposition.share if within is None else np.where(within, deposition.share, 0.0)
    voxels = np.flatnonzero(share)
    total = round(beads * deposition.share_in(share > 0.0))
    generator = np.random.default_rng(seed)
    counts = _sizes_of(total, sizes, generator)
    heights = np.cumsum(share.flat[voxels])
    drawn = np.searchsorted(heights, generator.random(len(counts)) * heights[-1], side="right") if total else counts
    index = np.stack(np.unravel_index(voxels[np.minimum(drawn, len(voxels) - 1)], share.shape), axis=-1)
    place = index + generator.random(index.shape) - 0.5
    return Clusters(deposition.grid.to_lps(place), counts)


class Census(NamedTuple):
    """What was drawn: beads in tissue, clusters that hold them, beads in the largest of these.

    ``relative_spread`` is how much the beads of a voxel differ from those that were to be expected there, by those
    (root mean square over the beads).
    """

    beads: int
    clusters: int
    largest: int
    relative_spread: float


def clustered(deposition: Deposition, beads: float, sizes: ClusterSizes, *, seed: int) -> tuple[Deposition, Census]:
    """A deposition whose particles lie in clusters, and what was drawn; the same seed gives the same one.

    Parameters
    ----------
    beads
        Given in all. Those in the tissue are this number times the share that stays there, to the nearest whole bead.

    Returns
    -------
    Deposition
        With the shares of lungs and elsewhere that it had; voxels (i, j, k) share the rest as they share the beads.
    Census
        Beads are all counted. Without any the deposition is as it was.
    """
    total = round(beads * deposition.share_in(deposition.share > 0.0))
    if total == 0:
        return deposition, Census(0, 0, 0, 0.0)
    generator = np.random.default_rng(seed)
    numbers = _clusters_by_size(total, sizes, generator)
    held = _beads_in_voxels(numbers, sizes, deposition.share, generator)
    expected = deposition.share[deposition.share > 0.0]
    expected *= total / expected.sum()
    spread = np.sqrt(((held[deposition.share > 0.0] - expected) ** 2 / expected).sum() / total)
    census = Census(int(held.sum()), int(numbers.sum()), int(np.flatnonzero(numbers)[-1]) + 1, float(spread))
    return deposition.rearranged(held.astype(float)), census


def _clusters_by_size(total: int, sizes: ClusterSizes, generator: np.random.Generator) -> Counts:
    """How many clusters there are of each size (largest,), that together hold ``total`` beads.

    So many at once as surely hold no more than that, and the rest one by one.
    """
    spread = np.sqrt(total / sizes.mean * sizes.variance)
    at_once = max(0, int((total - 5.0 * spread) / sizes.mean))
    numbers = generator.multinomial(at_once, sizes.probabilities)
    while numbers @ sizes.sizes > total:
        numbers = generator.multinomial(at_once, sizes.probabilities)
    rest = _sizes_of(int(total - numbers @ sizes.sizes), sizes, generator)
    return np.asarray(numbers + np.bincount(rest, minlength=sizes.largest + 1)[1:])


def _beads_in_voxels(numbers: Counts, sizes: ClusterSizes, share: Floats, generator: np.random.Generator) -> Counts:
    """Beads in each voxel (i, j, k).

    Of sizes of which there are more clusters than voxels the voxels draw theirs, of the others each cluster its voxel:
    neither takes more draws than there are voxels.
    """
    voxels = np.flatnonzero(share)
    likely = share.flat[voxels] / share.flat[voxels].sum()
    common = numbers > len(voxels)
    beads: Counts = np.zeros(len(voxels), dtype=np.int64)
    for size in np.flatnonzero(common):
        beads += sizes.sizes[size] * generator.multinomial(numbers[size], likely)
    rare = np.repeat(sizes.sizes[~common], numbers[~common])
    heights = np.cumsum(likely)
    place = np.searchsorted(heights, generator.random(len(rare)) * heights[-1], side="right")
    beads += np.bincount(np.minimum(place, len(voxels) - 1), rare, len(voxels)).astype(np.int64)
    found: Counts = np.zeros(share.shape, dtype=np.int64)
    found.flat[voxels] = beads
    return found


def _sizes_of(total: int, sizes: ClusterSizes, generator: np.random.Generator) -> Counts:
    """Sizes of clusters that together hold ``total`` beads; the last one holds what is left."""
    heights = np.cumsum(sizes.probabilities)
    drawn: Counts = np.zeros(0, dtype=np.int64)
    while drawn.sum() < total:
        wanted = int(1.1 * (total - drawn.sum()) / sizes.mean) + 10
        more = np.searchsorted(heights, generator.random(wanted) * heights[-1], side="right") + 1
        drawn = np.concatenate([drawn, np.minimum(more, sizes.largest)])
    ends = np.cumsum(drawn)
    count = int(np.searchsorted(ends, total, side="left")) + 1 if total else 0
    counts = drawn[:count]
    if count:
        counts[-1] -= ends[count - 1] - total
    return counts
