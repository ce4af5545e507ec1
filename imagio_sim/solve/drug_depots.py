# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a drug in an organ is given by: the depots that hold it, how they give it, its constants, and the organ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from imagio_sim.physics.bead import Shape, release_rate
from imagio_sim.solve.discretisation import Floats


@dataclass(frozen=True, eq=False)
class BeadDepot:
    """Beads that exchange ions.

    Attributes
    ----------
    name
        Of the infusion.
    given
        Drug in all beads [mol] that are given in this stage; 0 in a later one.
    beads, capacity
        Number of beads and their sites [mol] in all.
    density
        Of a unit amount, per cell (m,) [1/m3].
    half_saturation, exchange_rate
        Of the exchange, C_h [mol/m3] and k [1/s].
    radius, shape
        Of a bead or the vessel that is full of them [m].
    unbound_share
        Share of the drug that is not bound when it is given; blood carries it away at once.
    """

    name: str
    given: float
    beads: float
    capacity: float
    density: Floats
    half_saturation: float
    exchange_rate: float
    radius: float
    shape: Shape
    unbound_share: float


@dataclass(frozen=True, eq=False)
class EmulsionDepot:
    """A drug in oil.

    Attributes
    ----------
    name, given, density
        As of beads.
    burst_share
        Share of it that is free at once.
    release_rate
        Rate at which the rest goes to the tissue [1/s].
    washout_rate
        Rate at which blood carries droplets away with what they hold, per cell (m,) [1/s], while capillaries are open.
    """

    name: str
    given: float
    density: Floats
    burst_share: float
    release_rate: float
    washout_rate: Floats


AnyDepot: TypeAlias = BeadDepot | EmulsionDepot


@dataclass(frozen=True, eq=False)
class Beads:
    """A :class:`BeadDepot` on the nodes (count,): sites [mol/m3] and what the tissue around them lets pass [1/s]."""

    half_saturation: float
    exchange_rate: float
    capacity: Floats
    transfer_rate: Floats
    in_first_shell: bool = True
    rate_in_blood: float = 0.0

    def rates(self, load: Floats, concentration: Floats) -> tuple[Floats, Floats, Floats]:
        """The rate of ``physics.bead`` as a part that the load gives and one that the fluid gives back."""
        present = np.flatnonzero(self.capacity > 0.0)
        out, back, nothing = (np.zeros(len(load)) for _ in range(3))
        least = 1e-9 * self.half_saturation
        held, sites = np.maximum(load[present], 1e-12 * self.capacity[present]), self.capacity[present]
        held = np.minimum(held, sites)
        around = np.maximum(concentration[present], least)
        law = {"capacity": sites, "half_saturation": self.half_saturation, "exchange_rate": self.exchange_rate}
        law["transfer_rate"] = self.transfer_rate[present]
        into_clean = release_rate(held, np.zeros(len(held)), **law)
        out[present] = into_clean / held
        back[present] = np.maximum(into_clean - release_rate(held, around, **law), 0.0) / around
        return out, nothing, back


@dataclass(frozen=True, eq=False)
class Oil:
    """An :class:`EmulsionDepot` on the nodes; droplets that blood carries away give their drug as fast as others."""

    release_rate: float
    washout_rate: Floats
    in_first_shell: bool = False

    @property
    def rate_in_blood(self) -> float:
        """That of the emulsion [1/s]."""
        return self.release_rate

    def rates(self, load: Floats, concentration: Floats) -> tuple[Floats, Floats, Floats]:
        """First order, whatever the fluid holds."""
        return np.full(len(load), self.release_rate), self.washout_rate, np.zeros(len(load))


@dataclass(frozen=True)
class DrugConstants:
    """How a drug moves, binds and enters cells; see ``pharmacy.drugs.QUANTITIES``. ``uptake_maximum`` is per cell."""

    free_diffusivity: float
    bound_diffusivity: float
    association_rate: float
    dissociation_rate: float
    free_permeability: float
    bound_permeability: float
    uptake_maximum: float
    uptake_half: float
    efflux_half: float


@dataclass(frozen=True, eq=False)
class OrganTissue:
    """The organ a drug is in, per cell (m,); zero outside, so that nothing moves there.

    Attributes
    ----------
    fluid
        Volume fraction of interstitial fluid.
    diffusivity_ratio
        That fraction, times diffusivity relative to the drug's own.
    vessel_surface
        Of capillaries per volume, times their permeability relative to the drug's own [1/m].
    cell_density
        Biological cells [1/m3].
    share
        Share of the cell that is organ.
    hydraulic_conductivity, filtration, filtration_pressure, drainage, lymph_pressure
        See :class:`~imagio_sim.solve.interstitial_pressure.Interstitium`.
    """

    fluid: Floats
    diffusivity_ratio: Floats
    vessel_surface: Floats
    cell_density: Floats
    share: Floats
    hydraulic_conductivity: Floats
    filtration: Floats
    filtration_pressure: Floats
    drainage: Floats
    lymph_pressure: Floats

    def on(self, cells: Any) -> OrganTissue:
        """The part of these cells."""
        return OrganTissue(**{name: np.ascontiguousarray(values[cells]) for name, values in vars(self).items()})
