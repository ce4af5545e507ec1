# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the zone does to tissues and critical structures, and how much of it is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.surface import Samples, Surface
from imagio_sim.outcome.zone import AblationZone

UNKNOWN_SHARE_LIMIT = 0.05
"""Share of the zone in unlabelled or outside tissue above which the result carries a warning."""
_SPACING_MM = 1.0


@dataclass(frozen=True)
class StructureOutcome:
    """What happens to one critical structure.

    Attributes
    ----------
    volume_ml, collateral_volume_ml, collateral_fraction
        Its volume, the dead part of it, and that as a share.
    distance_mm
        Least distance of its surface to the zone, negative (the depth) where the zone reaches into it; None without
        a zone.
    peak_temperature, minimum_temperature, peak_thermal_dose
        Highest and lowest temperature [degC] and highest dose [CEM43 min] in it at any time; None for what
        was not recorded. What lies beyond the region stays at body temperature.
    """

    name: str
    volume_ml: float
    collateral_volume_ml: float
    collateral_fraction: float
    distance_mm: float | None
    peak_temperature: float | None
    minimum_temperature: float | None
    peak_thermal_dose: float | None


@dataclass(frozen=True, eq=False)
class ExtremeFields:
    """Nodal extremes over the whole run (n,): what any point has lived through; None where not recorded.

    ``body_temperature`` [degC] holds beyond the region.
    """

    body_temperature: float
    peak_temperature: NDArray[np.float64] | None = None
    minimum_temperature: NDArray[np.float64] | None = None
    peak_thermal_dose: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class UnknownShare:
    """Share of the region's and of the zone's volume that carries no label, or lies beyond the image."""

    region_unlabelled: float
    region_outside: float
    zone_unlabelled: float
    zone_outside: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence where much of the zone is not known."""
        share = self.zone_unlabelled + self.zone_outside
        if share <= UNKNOWN_SHARE_LIMIT:
            return ()
        where = f"without a label ({self.zone_unlabelled:.0%}) or beyond the image ({self.zone_outside:.0%})"
        return (f"{share:.0%} of the ablation zone lies in tissue {where}",)


def dead_volume_by_tissue(domain: Domain, sampled: Sampled, zone: AblationZone) -> dict[str, float]:
    """Dead volume [ml] of each tissue: cells count by the tissue's share of them."""
    dead = zone.dead_fraction * domain.cell_volumes_mm3
    return dict(zip(sampled.tissues, (float(v) / 1000.0 for v in dead @ sampled.fractions), strict=True))


def unknown_share(domain: Domain, sampled: Sampled, zone: AblationZone) -> UnknownShare:
    """How much of region and zone rests on assumptions about tissue."""
    volumes = domain.cell_volumes_mm3
    dead = zone.dead_fraction * volumes

    def share(fraction: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
        total = float(weights.sum())
        return float(fraction @ weights) / total if total > 0 else 0.0

    return UnknownShare(
        region_unlabelled=share(sampled.unlabelled_fraction, volumes),
        region_outside=share(sampled.outside_fraction, volumes),
        zone_unlabelled=share(sampled.unlabelled_fraction, dead),
        zone_outside=share(sampled.outside_fraction, dead),
    )


def structure_outcome(
    name: str,
    surfaces: Mapping[str, Surface],
    zone: AblationZone,
    level: NDArray[np.float64],
    probe: Probe,
    extremes: ExtremeFields,
) -> StructureOutcome:
    """Evaluate one critical structure.

    Parameters
    ----------
    surfaces
        Closed surface of each label the structure consists of.
    zone, level
        Ablation zone and the nodal death level (n,) it was made from.
    """
    volume = sum(surface.volume_mm3 for surface in surfaces.values())
    shell = np.concatenate([surface.samples(_SPACING_MM).points_mm for surface in surfaces.values()])
    inside = _near(probe.domain, [surface.interior_samples(_SPACING_MM) for surface in surfaces.values()])
    collateral = float(inside.weights[probe.dead(level, inside.points_mm)].sum())
    everywhere, body = np.concatenate([shell, inside.points_mm]), extremes.body_temperature
    return StructureOutcome(
        name=name,
        volume_ml=volume / 1000.0,
        collateral_volume_ml=collateral / 1000.0,
        collateral_fraction=min(collateral / volume, 1.0),
        distance_mm=_distance(zone, level, probe, shell, inside.points_mm),
        peak_temperature=_extreme(np.max, extremes.peak_temperature, probe, everywhere, body),
        minimum_temperature=_extreme(np.min, extremes.minimum_temperature, probe, everywhere, body),
        peak_thermal_dose=_extreme(np.max, extremes.peak_thermal_dose, probe, everywhere, 0.0),
    )


def _near(domain: Domain, samples: list[Samples]) -> Samples:
    """Keep the samples within the box of the region; farther ones are untouched."""
    points = np.concatenate([s.points_mm for s in samples])
    low, high = domain.points_mm.min(axis=0), domain.points_mm.max(axis=0)
    kept = ((points >= low) & (points <= high)).all(axis=1)
    return Samples(points[kept], np.concatenate([s.weights for s in samples])[kept])


def _distance(
    zone: AblationZone,
    level: NDArray[np.float64],
    probe: Probe,
    shell: NDArray[np.float64],
    interior: NDArray[np.float64],
) -> float | None:
    if len(zone.surface.triangles) == 0:
        return None
    inside = shell[probe.dead(level, shell)]
    if len(inside):
        return -float(zone.surface.distance_mm(inside).max())
    if probe.dead(level, interior).any():
        # The whole zone lies within the structure.
        return -float(zone.surface.distance_mm(interior[probe.dead(level, interior)]).max())
    return zone.surface.closest_approach(shell)[0]


def _extreme(
    pick: Callable[[NDArray[np.float64]], np.float64],
    field: NDArray[np.float64] | None,
    probe: Probe,
    points_mm: NDArray[np.float64],
    beyond: float,
) -> float | None:
    if field is None:
        return None
    values = probe.values(field, points_mm)
    return float(pick(np.where(np.isnan(values), beyond, values)))
