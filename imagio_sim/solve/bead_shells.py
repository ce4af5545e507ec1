# SPDX-License-Identifier: LGPL-3.0-or-later
"""The tissue around beads at every node of a mesh, as a few shells of a unit cell.

A drug travels some tenths of a millimetre from a bead, while cells take it up by a law that saturates and die by one
that is not linear either; the mean over a node's tissue follows neither. So every node carries a unit cell (a bead, or
a vessel full of them, with its share of tissue) cut into shells, between which the drug diffuses. With few beads a
share of tissue is at most :data:`WIDEST` wide: beyond that distance a drug does not get before it is washed out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagio_sim.physics.bead import Shape
from imagio_sim.solve.discretisation import Floats

SHELLS = 8
"""Shells around a bead."""
WIDEST = 2e-3
"""Largest outer radius of a unit cell [m]."""
# Beads closer than this many radii touch.
_CROWDED = 1.15
_MEASURE = {"sphere": (3, 4.0 * np.pi), "cylinder": (2, 2.0 * np.pi)}


def fewest(shape: Shape) -> float:
    """Beads per volume of tissue [1/m3], or metres of vessel [1/m2], below which unit cells do not fill the tissue."""
    power, turn = _MEASURE[shape]
    return float(power / (turn * WIDEST**power))


@dataclass(frozen=True, eq=False)
class Shells:
    """Shells of the unit cells at the nodes (count,).

    Attributes
    ----------
    share
        Of the tissue, by shell from the bead outwards (s, count); they sum to one.
    transfer
        From the bead's surface to the first shell (count,) [1/s]: per bead density and difference in concentration,
        amount per volume of tissue.
    exchange
        Between neighbouring shells (s - 1, count) [1/s], the same.
    distances
        From the bead's surface to the middle of each shell (s, count) [m].
    """

    share: Floats
    transfer: Floats
    exchange: Floats
    distances: Floats

    @classmethod
    def none(cls, count: int) -> Shells:
        """Tissue without beads: one shell that is everything."""
        return cls(np.ones((1, count)), np.zeros(count), np.zeros((0, count)), np.zeros((1, count)))

    @classmethod
    def around(cls, number: Floats, radius: float, *, conductance: Floats, shape: Shape) -> Shells:
        """Shells around beads.

        Parameters
        ----------
        number
            Of beads per volume of tissue (count,) [1/m3], or metres of vessel [1/m2].
        radius
            Of a bead or vessel [m].
        conductance
            Flux per gradient of the free concentration (count,) [m2/s].
        """
        power, turn = _MEASURE[shape]
        per_bead = power / (turn * np.maximum(number, np.finfo(float).tiny))
        outer = np.clip((radius**power + per_bead) ** (1.0 / power), _CROWDED * radius, WIDEST)
        faces = radius * (outer / radius) ** np.linspace(0.0, 1.0, SHELLS + 1)[:, None]
        volumes = np.diff(faces**power, axis=0)
        middles = np.sqrt(faces[1:] * faces[:-1])
        cells = power / (turn * (outer**power - radius**power))
        first = turn * _conductance(np.full_like(outer, radius), middles[0], power)
        between = turn * _conductance(middles[:-1], middles[1:], power)
        return cls(
            volumes / volumes.sum(axis=0),
            number * first * conductance,
            cells * between * conductance,
            middles - radius,
        )

    def mean(self, values: Floats) -> Floats:
        """Mean (count,) over the tissue of values in the shells (s, count)."""
        return np.asarray((self.share * values).sum(axis=0))


def _conductance(near: Floats, far: Floats, power: int) -> Floats:
    """Steady flow between two radii, per difference in concentration, angle and conductance of the tissue."""
    if power == 3:
        return np.asarray(near * far / (far - near))
    return np.asarray(1.0 / np.log(far / near))
