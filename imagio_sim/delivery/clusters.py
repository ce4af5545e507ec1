# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads and microspheres in the clusters in which they lodge, drawn from a deposition; for what voxels cannot show.

Sizes follow a power law, p(n) proportional to n^-exponent from 1 to the largest cluster: few clusters hold most of the
beads, as histology after radio-embolisation shows (Hoegberg et al. 2015, doi 10.1186/s40658-015-0113-4). Clusters lie
in the voxels by chance, in proportion to what is deposited there, and anywhere within a voxel.
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
    def mean(self) -> float:
        """Beads in a cluster, on average."""
        return float(self.probabilities @ np.arange(1, self.largest + 1))


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
