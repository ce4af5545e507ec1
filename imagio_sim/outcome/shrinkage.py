# SPDX-License-Identifier: LGPL-3.0-or-later
"""What would be measured of a zone after its tissue has contracted: an estimate, beside the zone itself.

The zone is computed in tissue that stays where it is. Real tissue contracts *while* it is heated: it is drawn towards
the applicator, the water it loses flows the other way with its heat, and the temperature in space is nearly that of
tissue at rest. What is cut open or seen on images afterwards is therefore little smaller than the zone (it shows a
``shown`` share of the contraction), or even larger than it, whereas the tissue that died had been larger in any case
(docs/decisions/0019). The share was derived for microwaves in liver without blood flow and is taken for all heat.

Each piece of the zone contracts alike in all directions by what its highest temperature says, and the shape is taken to
be that of the zone. Microwaves contract tissue more across the antenna than along it (Farina et al. 2014), which this
estimate does not know; nor does it know how other tissues than the one measured contract. Inflated lung loses its air
besides, most of which shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.outcome.zone import AblationZone
from imagio_sim.tissue.contraction import Collapse, contraction_table, with_range

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ContractedZone:
    """Estimated size after contraction.

    Attributes
    ----------
    length_ratio, least_ratio, most_ratio
        Measured length by that of the zone as it was solved: expected, least (the strongest contraction of the data, of
        which as much shows as may) and most (as little as may, which is above 1 where that is less than nothing).
    volume_ml
        Volume of dead tissue.
    long_axis_mm, short_axis_mm, transverse_axis_mm
        Axes of the zone times ``length_ratio``.
    measured_tissue
        The tissue whose measured contraction stands for that of all.
    """

    length_ratio: float
    least_ratio: float
    most_ratio: float
    volume_ml: float
    long_axis_mm: float
    short_axis_mm: float
    transverse_axis_mm: float
    measured_tissue: str


def contracted_zone(
    domain: Domain, zone: AblationZone, peak_temperature: Floats | None, *, aerated: Floats
) -> ContractedZone | None:
    """The estimate for a zone; None where nothing contracts.

    Parameters
    ----------
    peak_temperature
        Highest temperature (n,) [degC] of every node; None where it was not recorded.
    aerated
        Share of each cell (m,) that is the tissue which loses its air (:func:`aerated_share`).
    """
    if peak_temperature is None:
        return None
    table, volumes = contraction_table(), zone.dead_fraction * domain.cell_volumes_mm3
    hottest = peak_temperature[domain.cells].mean(axis=1)
    shown, fewest, most_shown = with_range(table.shown)
    airless = _airless_ratios(table.collapse, volumes, hottest, aerated)
    # Where the least that shows is negative, the zone is largest with the strongest contraction.
    weakest = table.most if fewest < 0.0 else table.least
    expected, least, most = (
        ratio * (1.0 - share * (1.0 - _length_ratio(volumes, contraction(hottest))))
        for ratio, share, contraction in zip(
            airless, (shown, most_shown, fewest), (table.linear, table.most, weakest), strict=True
        )
    )
    if expected >= 1.0:
        return None
    return ContractedZone(
        length_ratio=expected,
        least_ratio=least,
        most_ratio=most,
        volume_ml=zone.tissue_volume_ml * expected**3,
        long_axis_mm=zone.long_axis_mm * expected,
        short_axis_mm=zone.short_axis_mm * expected,
        transverse_axis_mm=zone.transverse_axis_mm * expected,
        measured_tissue=table.tissue,
    )


def aerated_share(sampled: Sampled) -> Floats:
    """Share of each cell (m,) that is lung with air in it."""
    name = contraction_table().collapse.tissue
    if name not in sampled.tissues:
        return np.zeros(len(sampled.fractions))
    return np.asarray(sampled.fractions[:, sampled.tissues.index(name)])


def _airless_ratios(
    collapse: Collapse, volumes: Floats, hottest: Floats, aerated: Floats
) -> tuple[float, float, float]:
    """Length after by length before the air is gone, as far as it shows: expected, least and most."""
    ratio, shortest, longest = with_range(collapse.length_ratio)
    shown, fewest, most_shown = with_range(collapse.shown)
    losing = aerated * (hottest > collapse.onset.value)
    expected, least, most = (
        1.0 - share * (1.0 - _length_ratio(volumes, losing * (1.0 - length)))
        for length, share in ((ratio, shown), (shortest, most_shown), (longest, fewest))
    )
    return expected, least, most


def _length_ratio(volumes: Floats, contraction: Floats) -> float:
    """Cubic root of the ratio of volumes, for a linear contraction (m,) of pieces (m,)."""
    lost = float(volumes @ (1.0 - (1.0 - contraction) ** 3))
    return float(np.cbrt(1.0 - lost / volumes.sum())) if lost > 0.0 else 1.0
