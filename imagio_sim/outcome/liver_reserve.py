# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is left of the organ that infusions feed: reached, embolised, dead and perfused parts of it, without the target.

Counted by voxels of the organ, each by its centre in the zone and by its shares of the territories; the organ reaches
beyond the mesh, where nothing is dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.outcome.result import LiverReserveResult, LowestReserveResult

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Reached:
    """Which share (i, j, k) of each voxel of a grid an infusion reaches, and how much arterial flow it stops there."""

    grid: Grid
    share: Floats
    occlusion: float

    def at(self, points_mm: Floats) -> Floats:
        """The share (n,) at points (n, 3) in LPS mm; 0 beyond the grid."""
        voxel, inside = self.grid.nearest(points_mm)
        return np.where(inside, self.share[tuple(voxel.T)], 0.0)


@dataclass(frozen=True)
class LiverReserve:
    """Parts of an organ without its target [ml].

    Attributes
    ----------
    volume_ml
        All of it.
    territory_ml, untreated_ml
        What at least one infusion reaches; what none reaches and that is alive.
    embolised_ml
        Its volume times the share of its arterial flow that was stopped.
    dead_ml
        What any agent has killed.
    perfused_ml
        What is alive, times the share of its arterial flow that is left.
    """

    organ: tuple[str, ...]
    volume_ml: float
    territory_ml: float
    untreated_ml: float
    embolised_ml: float
    dead_ml: float
    perfused_ml: float

    def section(self, mean_dose_Gy: float | None = None, lowest: LowestReserve | None = None) -> LiverReserveResult:
        """The part of the result, of the end of a plan and of when least was left."""
        return {
            "organ": list(self.organ),
            "volume_ml": self.volume_ml,
            "territory_ml": self.territory_ml,
            "untreated_ml": self.untreated_ml,
            "embolised_ml": self.embolised_ml,
            "dead_ml": self.dead_ml,
            "perfused_ml": self.perfused_ml,
            "alive_share": 1.0 - self.dead_ml / self.volume_ml,
            "perfused_share": self.perfused_ml / self.volume_ml,
            "mean_dose_Gy": mean_dose_Gy,
            "lowest": None if lowest is None else lowest.section(),
        }


@dataclass(frozen=True)
class LowestReserve:
    """The reserve of the part of a plan in which least is perfused, and from when to when that is [s]."""

    reserve: LiverReserve
    begin: float
    end: float

    def section(self) -> LowestReserveResult:
        """The part of the result."""
        return {
            "from_s": self.begin,
            "until_s": self.end,
            "embolised_ml": self.reserve.embolised_ml,
            "dead_ml": self.reserve.dead_ml,
            "perfused_ml": self.reserve.perfused_ml,
            "perfused_share": self.reserve.perfused_ml / self.reserve.volume_ml,
        }


def liver_reserve(
    organ: Sequence[str], points_mm: Floats, voxel_ml: float, reached: Sequence[Reached], dead: Mask
) -> LiverReserve:
    """Count the parts of an organ.

    Parameters
    ----------
    organ
        Its labels.
    points_mm, voxel_ml
        Centres (n, 3) of its voxels without the target, in LPS mm, and the volume of each.
    reached
        What the infusions reach.
    dead
        Whether each voxel (n,) is dead.
    """
    fed: Floats = np.zeros(len(points_mm))
    flow: Floats = np.ones(len(points_mm))
    for one in reached:
        share = one.at(points_mm)
        fed = np.maximum(fed, share)
        flow = flow * (1.0 - one.occlusion * share)
    return LiverReserve(
        organ=tuple(organ),
        volume_ml=len(points_mm) * voxel_ml,
        territory_ml=float(fed.sum()) * voxel_ml,
        untreated_ml=float((1.0 - fed)[~dead].sum()) * voxel_ml,
        embolised_ml=float((1.0 - flow).sum()) * voxel_ml,
        dead_ml=float(dead.sum()) * voxel_ml,
        perfused_ml=float(flow[~dead].sum()) * voxel_ml,
    )
