# SPDX-License-Identifier: LGPL-3.0-or-later
"""What there is to show of one plan, and the colours it is shown in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Image, LabelVolume
from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.outcome.margins import Margins
from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.zone import AblationZone

NOTICE = "Simulated. Research use only, not for clinical decisions."

# Okabe and Ito's palette (Color Universal Design, 2008): told apart with every common colour vision.
ZONE_COLOUR = "#56B4E9"
VESSEL_COLOUR = "#CC79A7"
STRUCTURE_COLOUR = "#E69F00"
ORGAN_COLOUR = "#C4A484"
NEEDLE_COLOUR = "#404040"
TARGET_COLOUR = "#F0E442"


@dataclass(frozen=True)
class MarginBand:
    """A band of margins: from ``lower_mm`` up, shown in one colour."""

    lower_mm: float
    label: str
    colour: str


MARGIN_BANDS = (
    MarginBand(-np.inf, "uncovered (< 0 mm)", "#D55E00"),
    MarginBand(0.0, "margin 0–5 mm", "#F0E442"),
    MarginBand(5.0, "margin 5–10 mm", "#009E73"),
    MarginBand(10.0, "margin ≥ 10 mm", "#0072B2"),
)


def in_millimetres(value: float) -> str:
    """A length as text, with a true minus sign."""
    return f"{value:.1f} mm".replace("-", "−")


def band_of(margins_mm: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index into :data:`MARGIN_BANDS` of each margin (n,)."""
    return np.asarray(np.searchsorted([band.lower_mm for band in MARGIN_BANDS], margins_mm, side="right") - 1)


NO_SURFACES: Mapping[str, Surface] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Scene:
    """One plan and its outcome.

    Attributes
    ----------
    title
        Case and plan.
    zone, zone_name, level, probe
        The deciding zone, what it is called, the nodal death level (n,) it was made from, and what reads it at points.
    target, margins
        Target and its margins; None without a target.
    organ, vessels, structures
        Surfaces for context; names of critical structures are shown.
    image
        CT, or None: the labels are shown instead.
    roles
        Role of each label.
    """

    title: str
    zone: AblationZone
    zone_name: str
    level: NDArray[np.float64]
    probe: Probe
    applicators: Sequence[PlacedApplicator]
    labels: LabelVolume
    roles: Mapping[str, str]
    target: Surface | None = None
    margins: Margins | None = None
    organ: Surface | None = None
    vessels: Mapping[str, Surface] = NO_SURFACES
    structures: Mapping[str, Surface] = NO_SURFACES
    image: Image | None = None

    @cached_property
    def centre_mm(self) -> NDArray[np.float64]:
        """Middle of what matters (3,): the target's, else the zone's, else the tip of the first applicator."""
        if self.target is not None:
            return self.target.centroid_mm
        if self.zone.centroid_mm is not None:
            return self.zone.centroid_mm
        return np.array(self.applicators[0].tip_mm) if self.applicators else np.zeros(3)

    @cached_property
    def reach_mm(self) -> float:
        """Distance from the centre to the farthest point of zone and target, at least 20 mm."""
        surfaces = [surface for surface in (self.zone.surface, self.target) if surface and len(surface.triangles)]
        far = [float(np.linalg.norm(surface.points_mm - self.centre_mm, axis=1).max()) for surface in surfaces]
        return max([20.0, *far])
