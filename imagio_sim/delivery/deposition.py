# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which share of what is given stays where."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from math import fsum

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.delivery.territory import Territory

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Deposition:
    """Shares of the amount given: by voxel (i, j, k) of a grid, in the lungs, and elsewhere; together they are 1."""

    grid: Grid
    share: Floats
    lung_share: float
    elsewhere_share: float

    @property
    def total(self) -> float:
        """Sum of all shares, in extended precision: 1 to round-off."""
        return fsum(chain(self.share[self.share > 0.0], (self.lung_share, self.elsewhere_share)))

    def share_in(self, mask: Mask) -> float:
        """Share of the amount in the voxels (i, j, k) of a mask."""
        return fsum(self.share[mask & (self.share > 0.0)])

    def rearranged(self, weight: Floats) -> Deposition:
        """The same amounts in tissue, lungs and elsewhere; what is in tissue in proportion to weights (i, j, k)."""
        return _scaled(self.grid, weight, self.lung_share, elsewhere_share=self.elsewhere_share)


def deposited_by_flow(territory: Territory, tumour: Mask, ratio: float, *, lung_share: float) -> Deposition:
    """What flows with the arterial blood stays where it ends.

    Parameters
    ----------
    tumour
        Voxels (i, j, k) that take ``ratio`` times as much per volume as the tissue beside them.
    lung_share
        Share that passes the organ.
    """
    weight = territory.share * np.where(tumour, ratio, 1.0)
    return _scaled(territory.grid, weight, lung_share, elsewhere_share=0.0)


def deposited_by_image(grid: Grid, uptake: Floats, *, unseen_share: float, lung_share: float) -> Deposition:
    """What an image shows (i, j, k), beyond the organ as well.

    ``unseen_share`` is that of the image's uptake which is not on the grid; it counts as elsewhere.
    """
    return _scaled(grid, uptake, lung_share, elsewhere_share=unseen_share * (1.0 - lung_share))


def _scaled(grid: Grid, weight: Floats, lung_share: float, *, elsewhere_share: float) -> Deposition:
    """Shares in proportion to the weights, so that all together are 1 to the last digit."""
    left = 1.0 - lung_share - elsewhere_share
    share = weight * (left / fsum(weight[weight > 0.0]))
    made = Deposition(grid, share, lung_share, elsewhere_share)
    # What round-off left over goes where most is, in which it is lost.
    share.flat[share.argmax()] += 1.0 - made.total
    return made
