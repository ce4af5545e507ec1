# SPDX-License-Identifier: LGPL-3.0-or-later
"""Placements that cannot be meant: applicators that cross, miss the region or are far from the target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator, Rod
from imagio_sim.errors import InputError
from imagio_sim.meshing.centre_line import arc_lengths, densified, distance_between, project, stretch
from imagio_sim.meshing.region import Region

# Tissue between two applicators thinner than this cannot be meshed, nor would anyone place them so.
_THINNEST_TISSUE_MM = 0.2
# Tissue that must remain between an active section and the outside of the region.
_INSIDE_MM = 2.0
# An applicator farther from the target than this many reaches does nothing to it.
_FARTHEST_REACHES = 2.0


def check_clearance(applicators: Sequence[PlacedApplicator]) -> None:
    """Refuse applicators whose solids meet; rods of one applicator may touch."""
    for one, other in combinations([applicator for applicator in applicators if applicator.rods], 2):
        gap = min(_gap_mm(first, second) for first in one.rods for second in other.rods)
        if gap < _THINNEST_TISSUE_MM:
            raise InputError(
                f"applicators {one.name} and {other.name}",
                found="applicators that cross each other" if gap < 0.0 else f"a gap of {gap:.2f} mm",
                allowed=f"at least {_THINNEST_TISSUE_MM} mm of tissue between two applicators",
                remedy="move the entry or the tip of one of them",
            )


def _gap_mm(first: Rod, second: Rod) -> float:
    """Tissue between two rods; negative where they cross."""
    return distance_between(first.path_mm, second.path_mm) - first.radius_mm - second.radius_mm


def check_near_target(
    applicators: Sequence[PlacedApplicator], target_points_mm: NDArray[np.float64], *, reach_mm: float
) -> None:
    """Refuse an applicator that is too far from the target to act on it."""
    if len(target_points_mm) == 0:
        return
    centre = target_points_mm.mean(axis=0)
    target_radius = float(np.linalg.norm(target_points_mm - centre, axis=1).max())
    allowed = _FARTHEST_REACHES * reach_mm
    for applicator in (one for one in applicators if one.rods):
        gap = min(_distance_to_ball(rod, centre, target_radius, allowed) for rod in applicator.rods)
        if gap > allowed:
            raise InputError(
                f"applicator {applicator.name}",
                found=f"a tip {gap:.0f} mm from the target",
                allowed=f"at most {allowed:.0f} mm, {_FARTHEST_REACHES:g} times the reach of {applicator.device}",
                remedy="check the coordinates of entry and tip and their frame (RAS or LPS)",
            )


def _distance_to_ball(rod: Rod, centre: NDArray[np.float64], radius: float, distal_mm: float) -> float:
    """Distance of a rod's distal part to the ball around the target."""
    distal = stretch(rod.path_mm, 0.0, min(distal_mm, float(arc_lengths(rod.path_mm)[-1])))
    return float(project(distal, centre[None])[0][0]) - radius


def check_within(applicators: Sequence[PlacedApplicator], region: Region) -> None:
    """Refuse an applicator whose electrodes, or whose tip, do not lie inside the region."""
    for applicator in (one for one in applicators if one.rods):
        depth = -max(float(region.signed_distance_mm(_must_be_inside(rod)).max()) for rod in applicator.rods)
        if depth < _INSIDE_MM:
            raise InputError(
                f"applicator {applicator.name}",
                found="an active section outside the region of interest"
                if depth < 0.0
                else f"{depth:.1f} mm inside it",
                allowed=f"active sections at least {_INSIDE_MM:g} mm inside the region around target and applicators",
                remedy="move the applicator towards the target or enlarge the region",
            )


def _must_be_inside(rod: Rod) -> NDArray[np.float64]:
    """Points (n, 3) of the electrode sections, or the distal end of a rod without."""
    length = float(arc_lengths(rod.path_mm)[-1])
    stretches = [stretch(rod.path_mm, s.start_mm, min(s.end_mm, length)) for s in rod.sections if s.active]
    return np.vstack([densified(path, 1.0) for path in stretches] or [np.array(rod.path_mm[:1])])
