# SPDX-License-Identifier: LGPL-3.0-or-later
"""What gives a drug to tissue: a bead or a vessel full of beads, and the share of tissue that is its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.particles import Particles
from imagio_sim.physics.bead import Shape


@dataclass(frozen=True)
class Core:
    """A bead, or a length of one metre of vessel full of beads.

    Attributes
    ----------
    shape
        ``sphere`` or ``cylinder``; amounts are per bead or per metre of vessel.
    radius
        [m].
    load, capacity
        Drug at the start and sites [mol].
    half_saturation, exchange_rate
        C_h [mol/m3] and k [1/s] of the ion exchange.
    unbound
        Drug that was given with it but not bound [mol]; blood carries it away at once.
    """

    shape: Shape
    radius: float
    load: float
    capacity: float
    half_saturation: float
    exchange_rate: float
    unbound: float

    @property
    def dose(self) -> float:
        """Drug that was given with it [mol]."""
        return self.load + self.unbound

    @classmethod
    def of_bead(cls, particles: Particles, drug: str, *, dose_mg_per_ml: float) -> Core:
        """A mean bead, loaded with a dose [mg] per volume of settled beads [ml]."""
        return cls._filled(particles, drug, dose_mg_per_ml, "sphere", 0.5 * particles.loaded_diameter(drug), 1.0)

    @classmethod
    def of_vessel(cls, particles: Particles, drug: str, *, dose_mg_per_ml: float, radius: float) -> Core:
        """A vessel of a radius [m] full of loaded beads, as densely packed as settled ones."""
        shrunk = particles.mean_volume * particles.loading(drug).value("diameter_ratio") ** 3
        beads_per_metre = particles.value("packing") * math.pi * radius**2 / shrunk
        return cls._filled(particles, drug, dose_mg_per_ml, "cylinder", radius, beads_per_metre)

    @classmethod
    def _filled(
        cls, particles: Particles, drug: str, dose_mg_per_ml: float, shape: Shape, radius: float, beads: float
    ) -> Core:
        loading, settled = particles.loading(drug), particles.mean_volume / particles.value("packing")
        dose = beads * load_drug(drug).amount_of(dose_mg_per_ml * settled * 1e6)
        unbound = loading.value("unbound_share") * dose
        return cls(
            shape,
            radius,
            dose - unbound,
            beads * loading.capacity * settled,
            loading.value("half_saturation"),
            loading.value("exchange_rate"),
            unbound,
        )


@dataclass(frozen=True)
class FickianBead:
    """A bead that drug diffuses out of.

    Attributes
    ----------
    radius
        [m].
    load
        Drug at the start [mol], the same everywhere in the bead.
    diffusivity
        Of the drug in the bead [m2/s].
    partition
        Concentration in the bead over that in the fluid at its surface, in equilibrium.
    """

    radius: float
    load: float
    diffusivity: float
    partition: float

    @property
    def shape(self) -> Shape:
        """A sphere."""
        return "sphere"

    @property
    def dose(self) -> float:
        """Drug that was given with it [mol]: what it holds."""
        return self.load


def cell_radius_of(density: float, *, radius: float, shape: Shape) -> float:
    """Outer radius [m] of a unit cell.

    Parameters
    ----------
    density
        Beads per volume of tissue [1/m3], or length of filled vessel per volume of tissue [m/m3].
    radius
        Of the core [m]; it takes no tissue's place, because beads lie where blood was.
    """
    if shape == "sphere":
        return float((radius**3 + 3.0 / (4.0 * math.pi * density)) ** (1.0 / 3.0))
    return float((radius**2 + 1.0 / (math.pi * density)) ** 0.5)
