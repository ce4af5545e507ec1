# SPDX-License-Identifier: LGPL-3.0-or-later
"""What would be measured of a zone after its tissue has contracted: an estimate, beside the zone itself.

The zone is computed, and compared with the target, in the tissue as it was before. What is cut open or seen on images
afterwards is smaller. Each piece of the zone contracts alike in all directions by what its highest temperature says;
the sum is the contracted volume, and its shape is taken to be that of the zone. Microwaves contract tissue more across
the antenna than along it (Farina et al. 2014), which this estimate does not know; nor does it know how other tissues
than the one measured contract, lung for example, which loses its air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.zone import AblationZone
from imagio_sim.tissue.contraction import contraction_table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ContractedZone:
    """Estimated size after contraction.

    Attributes
    ----------
    length_ratio, least_ratio, most_ratio
        Length after by length before: expected, with the strongest and with the weakest contraction of the data.
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


def contracted_zone(domain: Domain, zone: AblationZone, peak_temperature: Floats | None) -> ContractedZone | None:
    """The estimate for a zone; None where nothing contracts.

    Parameters
    ----------
    peak_temperature
        Highest temperature (n,) [degC] of every node; None where it was not recorded.
    """
    if peak_temperature is None:
        return None
    table, volumes = contraction_table(), zone.dead_fraction * domain.cell_volumes_mm3
    hottest = peak_temperature[domain.cells].mean(axis=1)
    expected, least, most = (
        _length_ratio(volumes, shares(hottest)) for shares in (table.linear, table.most, table.least)
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


def _length_ratio(volumes: Floats, contraction: Floats) -> float:
    """Cubic root of the ratio of volumes, for a linear contraction (m,) of pieces (m,)."""
    whole = float(volumes.sum())
    return float(np.cbrt(volumes @ (1.0 - contraction) ** 3 / whole)) if whole > 0.0 else 1.0
