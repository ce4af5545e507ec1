# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which tissue an infusion reaches: by labels, by an image of what was reached, by a ball, or by an artery tree.

With a tree, tissue belongs to the terminal of the arteries that is nearest to it along a path through the organ, and a
catheter reaches what belongs to the terminals downstream of its tip. Distances are geodesic on the voxel grid
(minimum-cost paths over 26 neighbours, scikit-image), which in directions between the grid's overstates a length by up
to 13 %; a voxel that is equally near to both sides is reached by half.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagio_sim.delivery.artery_tree import ArteryTree

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TERMINAL_REACH_MM = 10.0
"""A terminal farther from the organ does not feed it; segmented arteries may end short of the organ they enter."""
_SAME_DISTANCE_MM = 1e-6


@dataclass(frozen=True, eq=False)
class Territory:
    """The share (i, j, k) of each voxel of a grid that an artery feeds, 0 to 1.

    Attributes
    ----------
    uptake
        What an image says was taken up per volume (i, j, k), in any unit and also beyond the organ; None where no image
        says so.
    unseen_share
        Share of that image's uptake that lies beyond the grid; of an activity also what is below the threshold.
    facts
        How it was found, for the result.
    """

    grid: Grid
    share: Floats
    uptake: Floats | None = None
    unseen_share: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def volume_ml(self) -> float:
        """Volume of tissue that is reached."""
        return float(self.share.sum()) * self.grid.voxel_volume_mm3 / 1000.0


def territory_of_mask(reached: Mask, grid: Grid, *, where: str) -> Territory:
    """All of these voxels (i, j, k); refused where there is none."""
    if not reached.any():
        raise InputError(
            where,
            found="a territory that holds nothing of the organ or the target",
            allowed="a territory within the organ",
            remedy="check its place and frame (RAS or LPS), its labels, and organ",
        )
    return Territory(grid, reached.astype(float))


def territory_of_ball(centre_mm: Floats, diameter_mm: float, fed: Mask, grid: Grid, *, where: str) -> Territory:
    """The fed voxels (i, j, k) whose centres lie within a ball."""
    reached = np.zeros(grid.shape, dtype=bool)
    index = np.argwhere(fed)
    within = np.linalg.norm(grid.to_lps(index.astype(float)) - centre_mm, axis=1) <= 0.5 * diameter_mm
    reached[tuple(index[within].T)] = True
    return territory_of_mask(reached, grid, where=where)


def territory_of_image(
    image: Image, threshold: float, fed: Mask, grid: Grid, *, where: str, is_activity: bool = False
) -> Territory:
    """The fed voxels (i, j, k) that took up more than ``threshold`` of the image's maximum among them.

    The image is read at the voxels' centres, linearly; below zero counts as zero. What it shows beyond the organ is
    kept in ``uptake``, not in the share. Below the threshold a relative uptake is nothing, but an activity
    (``is_activity``) is there: it is not added to what lies above, but unseen.
    """
    uptake, covered = _read_at(image, grid, where)
    if not (fed & covered).any():
        raise InputError(
            where,
            found=f"an image that holds nothing of the organ: {image.grid.describe()}",
            allowed=f"an image in the frame of the labels, {grid.describe()}",
            remedy="register the image to the patient's, or name the image of this patient",
        )
    highest = float(uptake[fed].max())
    if highest <= 0.0:
        raise InputError(
            where, found="no uptake within the organ", allowed="values above zero there", remedy="check the image"
        )
    reached = fed & (uptake > threshold * highest)
    cut = np.where(uptake > threshold * highest, uptake, 0.0)
    facts = {"image_maximum": highest, "covered_share": float((fed & covered).sum() / fed.sum())}
    unseen = _unseen_share(image, threshold * highest, grid, is_activity=is_activity)
    return Territory(grid, reached.astype(float), cut, unseen, facts)


def _unseen_share(image: Image, least: float, grid: Grid, *, is_activity: bool) -> float:
    """Share of the image's values that is not above ``least`` within a grid; of an activity's all values above 0."""
    index = np.argwhere(image.values > max(least, 0.0))
    _, inside = grid.nearest(image.grid.to_lps(index.astype(float)))
    values = image.values[tuple(index.T)].astype(float)
    whole = np.maximum(image.values, 0.0).sum(dtype=float) if is_activity else values.sum()
    # Not below 0, which the order of summation could bring.
    return max(0.0, 1.0 - float(values[inside].sum() / whole))


def _read_at(image: Image, grid: Grid, where: str) -> tuple[Floats, Mask]:
    """Values (i, j, k) at the grid's voxel centres, 0 beyond the image, and where the image is."""
    from scipy.ndimage import map_coordinates

    if not np.isfinite(image.values).all():
        raise InputError(
            where,
            found="voxels that are no numbers",
            allowed="numbers in every voxel",
            remedy="set voxels without a value to 0",
        )
    centres = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float))
    _, inside = image.grid.nearest(centres)
    read = map_coordinates(image.values.astype(float), image.grid.to_index(centres).T, order=1, mode="nearest")
    values = np.where(inside, np.maximum(read, 0.0), 0.0)
    return values.reshape(grid.shape), np.asarray(inside).reshape(grid.shape)


def territory_of_catheter(
    tree: ArteryTree, tip_mm: Floats, fed: Mask, passable: Mask, grid: Grid, *, where: str
) -> Territory:
    """What the terminals downstream of a catheter's tip feed.

    Parameters
    ----------
    tip_mm
        (3,) LPS; it goes to the nearest artery.
    fed
        Voxels (i, j, k) of the organ and the target.
    passable
        Voxels through which a way may lead besides those: vessels and ducts within the organ.
    where
        Place of the catheter in the scenario.
    """
    point = tree.at_tip(tip_mm, where=where)
    ends = tree.terminals
    entries, gaps = _entries(tree.points_mm[ends], fed, grid)
    feeding = gaps <= TERMINAL_REACH_MM
    downstream = tree.downstream(point)[ends]
    if not (feeding & downstream).any():
        nearest = float(gaps[downstream].min())
        raise InputError(
            where,
            found=f"an artery that ends {nearest:.0f} mm from the organ",
            allowed=f"an artery of which a branch ends within {TERMINAL_REACH_MM:g} mm of the organ",
            remedy="check the tip, the artery's label and organ",
        )
    share = _shared(tree.points_mm[ends], entries, feeding, downstream, fed, passable, grid)
    tip = tree.points_mm[point]
    facts = {
        "tip_lps_mm": tuple(round(float(x), 1) for x in tip),
        "tip_moved_mm": float(np.linalg.norm(tip - tip_mm)),
        "terminals": int((feeding & downstream).sum()),
        "terminals_of_organ": int(feeding.sum()),
        "organ_share": float(share.sum() / fed.sum()),
    }
    return Territory(grid, share, facts=facts)


def _entries(ends_mm: Floats, fed: Mask, grid: Grid) -> tuple[NDArray[np.int64], Floats]:
    """Voxel (n, 3) at which each terminal meets the organ, and how far (n,) [mm] that is from it."""
    from scipy.spatial import cKDTree

    index = np.argwhere(fed)
    gaps, nearest = cKDTree(grid.to_lps(index.astype(float))).query(ends_mm)
    return index[nearest], np.asarray(gaps)


def _shared(
    ends_mm: Floats,
    entries: NDArray[np.int64],
    feeding: Mask,
    downstream: Mask,
    fed: Mask,
    passable: Mask,
    grid: Grid,
) -> Floats:
    """Share (i, j, k) of each fed voxel that belongs to the terminals downstream."""
    if downstream[feeding].all():
        return fed.astype(float)
    ways, starts = _with_gaps(fed | passable, ends_mm, entries, feeding, grid)
    own, other = (_path_lengths(ways, starts[feeding & side], grid.spacing_mm) for side in (downstream, ~downstream))
    with np.errstate(invalid="ignore"):  # of two infinite distances
        ahead = other - own
    share = np.where(np.abs(ahead) <= _SAME_DISTANCE_MM, 0.5, (ahead > 0.0).astype(float))
    return np.where(fed, _islands_joined(share, np.isfinite(np.minimum(own, other)), grid), 0.0)


def _with_gaps(
    ways: Mask, ends_mm: Floats, entries: NDArray[np.int64], feeding: Mask, grid: Grid
) -> tuple[Mask, NDArray[np.int64]]:
    """Ways (i, j, k) with a straight one from each terminal to the organ, and the voxel (n, 3) where each begins."""
    from skimage.draw import line_nd

    ways = ways.copy()
    starts, _ = grid.nearest(ends_mm)
    for number in np.flatnonzero(feeding):
        ways[line_nd(starts[number], entries[number], endpoint=True)] = True
    return ways, starts


def _path_lengths(ways: Mask, starts: NDArray[np.int64], spacing_mm: Floats) -> Floats:
    """Length [mm] of the shortest way (i, j, k) from any of the starts (n, 3); infinite where none leads."""
    from skimage.graph import MCP_Geometric

    paths = MCP_Geometric(np.where(ways, 1.0, -1.0), sampling=tuple(map(float, spacing_mm)))
    lengths, _ = paths.find_costs([tuple(map(int, start)) for start in np.unique(starts, axis=0)])
    return np.asarray(lengths)


def _islands_joined(share: Floats, reached: Mask, grid: Grid) -> Floats:
    """Share (i, j, k) where tissue to which no way leads takes that of the nearest to which one does."""
    from scipy.ndimage import distance_transform_edt

    if reached.all():
        return share
    nearest = distance_transform_edt(~reached, sampling=grid.spacing_mm, return_distances=False, return_indices=True)
    return np.asarray(share[tuple(nearest)])
