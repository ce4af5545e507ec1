# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ablative margins on the target's surface, and coverage of its volume.

The margin of a point of the target's surface is its distance to the surface of the ablation zone, positive inside
the zone and negative where the target is uncovered: the quantitative ablation margin (QAM) of Sandu et al. 2021,
Front. Oncol. 11:623098. Their rule for subcapsular targets is followed as in the authors' own code
(github.com/artorg-unibe-ch/qam, ``exclusion_distance`` = 5 mm): the target's surface within 5 mm of the organ's
surface may be left out, because no ablation can reach a margin beyond the capsule. The least margin that remains is
the minimal ablative margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.surface import Samples, Surface
from imagio_sim.outcome.zone import AblationZone

SUBCAPSULAR_MM = 5.0
"""Distance from the organ's surface within which margins may be left out (Sandu et al. 2021)."""
SURFACE_SPACING_MM = 0.6
COVERAGE_SAMPLES = 100_000


@dataclass(frozen=True, eq=False)
class Margins:
    """Margins of a target.

    Attributes
    ----------
    points_mm, areas_mm2
        Points (n, 3) on the target's surface and the area (n,) each stands for.
    margins_mm
        Signed margin (n,) of each; -inf if there is no zone at all.
    counted
        Whether the point counts (n,), false within the subcapsular distance.
    """

    points_mm: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]
    margins_mm: NDArray[np.float64]
    counted: NDArray[np.bool_]

    @property
    def minimal_mm(self) -> float | None:
        """Minimal ablative margin; None without a zone, or when no point counts."""
        counted = self.margins_mm[self.counted]
        return float(counted.min()) if len(counted) and np.isfinite(counted.min()) else None

    @property
    def minimal_anywhere_mm(self) -> float | None:
        """Minimal margin with the subcapsular surface included."""
        least = self.margins_mm.min()
        return float(least) if np.isfinite(least) else None

    @property
    def minimal_point_mm(self) -> NDArray[np.float64] | None:
        """Where the minimal ablative margin is found (3,)."""
        if self.minimal_mm is None:
            return None
        return np.asarray(self.points_mm[np.where(self.counted, self.margins_mm, np.inf).argmin()])

    @property
    def subcapsular_fraction(self) -> float:
        """Share of the surface that is left out."""
        return float(self.areas_mm2[~self.counted].sum() / self.areas_mm2.sum())

    def surface_fraction(self, lower_mm: float, upper_mm: float) -> float | None:
        """Share of the counted surface with lower <= margin < upper; None when no point counts."""
        areas = self.areas_mm2[self.counted]
        if not areas.sum() > 0:
            return None
        margins = self.margins_mm[self.counted]
        return float(areas[(margins >= lower_mm) & (margins < upper_mm)].sum() / areas.sum())


@dataclass(frozen=True, eq=False)
class Coverage:
    """How much of the target's volume is dead; ``samples`` and ``dead`` (n,) allow further statistics."""

    volume_mm3: float
    samples: Samples
    dead: NDArray[np.bool_]

    @property
    def fraction(self) -> float:
        """Covered share of the volume, 0 to 1."""
        return float(self.samples.weights[self.dead].sum() / self.samples.weights.sum())

    @property
    def residual_mm3(self) -> float:
        """Volume of living target."""
        return (1.0 - self.fraction) * self.volume_mm3


def ablative_margins(
    target: Surface,
    zones: Mapping[str, AblationZone],
    levels: Mapping[str, NDArray[np.float64]],
    probe: Probe,
    *,
    capsule: Surface | None,
    subcapsular_mm: float = SUBCAPSULAR_MM,
) -> dict[str, Margins]:
    """Signed margins on the target's surface, for the zone of each death model.

    Parameters
    ----------
    target
        Closed surface of the target.
    zones, levels
        The ablation zones and the nodal death levels (n,) they were made from, by model; the level decides the sign.
    capsule
        Surface of the organ, to leave out the target's surface near it; None counts all of it.
    """
    samples = target.samples(SURFACE_SPACING_MM)
    counted: NDArray[np.bool_] = np.ones(len(samples.weights), dtype=bool)
    if capsule is not None:
        counted = np.asarray(capsule.distance_mm(samples.points_mm) > subcapsular_mm)
    dead = dead_by_model(levels, probe, samples.points_mm)
    return {
        name: Margins(samples.points_mm, samples.weights, _signed(samples.points_mm, zone, dead[name]), counted)
        for name, zone in zones.items()
    }


def dead_by_model(
    levels: Mapping[str, NDArray[np.float64]], probe: Probe, points_mm: NDArray[np.float64]
) -> dict[str, NDArray[np.bool_]]:
    """Whether points (n, 3) lie in the zone of each death model; their cells are looked for once."""
    dead = probe.dead(np.column_stack(list(levels.values())), points_mm)
    return {name: dead[:, column] for column, name in enumerate(levels)}


def signed_depth(
    points_mm: NDArray[np.float64], zone: AblationZone, level: NDArray[np.float64], probe: Probe
) -> NDArray[np.float64]:
    """Distance (n,) of points to the zone's surface, positive inside the zone, -inf without a zone."""
    return _signed(points_mm, zone, probe.dead(level, points_mm))


def _signed(points_mm: NDArray[np.float64], zone: AblationZone, dead: NDArray[np.bool_]) -> NDArray[np.float64]:
    if len(zone.surface.triangles) == 0:
        return np.full(len(points_mm), -np.inf)
    distance = zone.surface.distance_mm(points_mm)
    return np.where(dead, distance, -distance)


def target_coverages(target: Surface, levels: Mapping[str, NDArray[np.float64]], probe: Probe) -> dict[str, Coverage]:
    """Covered share of the target's volume by death model, from about a hundred thousand points inside its surface."""
    volume = target.volume_mm3
    samples = target.interior_samples((volume / COVERAGE_SAMPLES) ** (1 / 3))
    dead = dead_by_model(levels, probe, samples.points_mm)
    return {name: Coverage(volume, samples, dead[name]) for name in levels}


def volume_histogram(
    values: NDArray[np.float64], weights: NDArray[np.float64], thresholds: Sequence[float]
) -> dict[float, float]:
    """Cumulative histogram: share of the volume where the value is at least each threshold; nan counts as below."""
    return {float(t): float(weights[values >= t].sum() / weights.sum()) for t in thresholds}
