# SPDX-License-Identifier: LGPL-3.0-or-later
"""The organ that a drug is in, on the nodes of a stage: what flows, exchanges and moves there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.physics.transport import clearance_to_blood
from imagio_sim.solve.bead_shells import Shells
from imagio_sim.solve.blood_left import blood_left
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.drug_depots import AnyDepot, BeadDepot, Beads, EmulsionDepot, Oil, OrganTissue
from imagio_sim.solve.drug_kinetics import Depot, DepotTissue, DrugKinetics
from imagio_sim.solve.interface import Neighbourhood
from imagio_sim.solve.interstitial_pressure import InterstitialFlow, Interstitium, interstitial_flow
from imagio_sim.solve.transport import Carrier, Transport

if TYPE_CHECKING:
    from imagio_sim.solve.sources.drug import DrugSpec
    from imagio_sim.solve.sources.source import Surroundings

# Fluid between the cells of a node below this share is none.
_DRY = 1e-6
# What is deposited elsewhere below this share of a dose is rounding.
_ALL = 1e-6


class DrugOrgan:
    """What a drug meets.

    Attributes
    ----------
    spec, space
        What was given, and where.
    volume, target, cell_density
        Per node (count,): volume [m3], that of target in it [m3], and biological cells [1/m3].
    flow
        Of the interstitial fluid.
    kinetics, transport
        What happens within a node and between nodes.
    bead_density
        Beads of all infusions (count,) [1/m3].
    """

    def __init__(self, spec: DrugSpec, surroundings: Surroundings) -> None:
        self.spec, self.space, self._operators = spec, surroundings.space, surroundings.operators
        own = self.space.input_cell
        self.volume = self._operators.distributed(np.ones(self.space.cell_count))
        self.target = self._operators.distributed(spec.target[own])
        flowing = blood_left(surroundings)
        tissue = _exchanging(spec.tissue.on(own), self._operators.cell_mean(flowing))
        self.cell_density = self.nodal(tissue.cell_density)
        self.flow = self._interstitial_flow(tissue, surroundings.case.numerics.linear_tolerance)
        self.bead_density: Floats = np.zeros(self.space.count)
        plasma_flow = (1.0 - spec.haematocrit) * surroundings.materials.cells["perfusion_rate"]
        self.kinetics = self._exchange(tissue, flowing, plasma_flow * tissue.share)
        self.transport = self._movement(tissue)

    def nodal(self, cells: Floats) -> Floats:
        """Means (count,) of a cell field (cell_count,)."""
        return np.asarray(self._operators.distributed(cells) / self.volume)

    def amount(self, density: Floats) -> float:
        """Integral over the region of a density (count,)."""
        return self.space.node_sum(density * self.volume)

    @property
    def shells(self) -> Shells:
        """The tissue of each node around its beads."""
        return self.kinetics.tissue.shells

    @property
    def wet(self) -> NDArray[np.bool_]:
        """Where there is fluid between the cells."""
        return np.asarray(self.kinetics.tissue.fluid > 0.0)

    @property
    def target_volume(self) -> float:
        """Of the target [m3]."""
        return self.space.node_sum(self.target)

    def dissolved(self, amount: Floats) -> Floats:
        """Mean (count,) [mol/m3 of fluid] over the shells of what is dissolved in them (s, count)."""
        return np.asarray(amount.sum(axis=0) / np.where(self.wet, self.kinetics.tissue.fluid, 1.0))

    def content(self, cells: Floats) -> Floats:
        """What one cell holds (s, count) [mol], from what the tissue holds in cells."""
        density = self.cell_density
        return np.asarray(np.where(density > 0.0, cells / np.where(density > 0.0, density, 1.0), 0.0))

    def deposited(self, depot: AnyDepot) -> tuple[Floats, float]:
        """Of a unit amount, density (count,) [1/m3] where there is fluid, and the share that lies there."""
        density = self.density_of(depot)
        share = self.amount(density)
        return (np.asarray(density / share), 1.0) if abs(share - 1.0) < _ALL else (density, share)

    def density_of(self, depot: AnyDepot) -> Floats:
        """Of a unit amount (count,) [1/m3], where there is fluid."""
        return np.where(self.wet, self.nodal(depot.density[self.space.input_cell]), 0.0)

    @property
    def free_share(self) -> float:
        """Share of the drug in the fluid that is free when it is bound and released equally fast."""
        drug = self.spec.exchange
        return drug.dissociation_rate / (drug.association_rate + drug.dissociation_rate)

    @property
    def _mobility(self) -> float:
        """Flux per gradient of the free concentration and share of fluid [m2/s], that of bound drug included."""
        drug, free = self.spec.exchange, self.free_share
        return drug.free_diffusivity + (1.0 - free) / free * drug.bound_diffusivity

    def _interstitial_flow(self, tissue: OrganTissue, tolerance: float) -> InterstitialFlow:
        return interstitial_flow(
            self._operators,
            Interstitium(
                tissue.hydraulic_conductivity,
                tissue.filtration,
                tissue.filtration_pressure,
                tissue.drainage,
                tissue.lymph_pressure,
            ),
            tolerance=min(tolerance, 1e-8),
        )

    def _exchange(self, tissue: OrganTissue, flowing: Floats, plasma_flow: Floats) -> DrugKinetics:
        """Between the parts of a node and the body, where a share (count,) of the plasma flow (cell_count,) is left."""
        drug = self.spec.exchange
        free, bound = (
            flowing * self.nodal(clearance_to_blood(plasma_flow, permeability * tissue.vessel_surface))
            for permeability in (drug.free_permeability, drug.bound_permeability)
        )
        fluid = self.nodal(tissue.fluid)
        fluid = np.where(fluid > _DRY, fluid, 0.0)
        wet = fluid > 0.0
        leaving = np.maximum(self.flow.drained, 0.0) + np.maximum(-self.flow.filtered, 0.0)
        conductance = self.nodal(tissue.diffusivity_ratio) * self._mobility
        kinetics = DepotTissue(
            shells=self._shells(np.where(wet, conductance, 0.0)),
            volume=self.volume,
            fluid=fluid,
            association_rate=drug.association_rate,
            dissociation_rate=drug.dissociation_rate,
            free_washout=np.where(wet, free, 0.0),
            bound_washout=np.where(wet, bound, 0.0),
            drainage=np.where(wet, leaving / self.volume, 0.0),
            largest_uptake=np.where(wet, drug.uptake_maximum * self.cell_density, 0.0),
            uptake_half=drug.uptake_half,
            efflux_half=drug.efflux_half * self.cell_density,
        )
        return DrugKinetics(
            kinetics,
            self.spec.body,
            [self._depot(depot, kinetics) for depot in self.spec.depots],
            total=self.space.node_sum,
            tolerance=self.spec.kinetic_tolerance,
        )

    def _depot(self, depot: AnyDepot, kinetics: DepotTissue) -> Depot:
        own = self.space.input_cell
        if isinstance(depot, EmulsionDepot):
            return Oil(depot.release_rate, self.nodal(depot.washout_rate[own]))
        density = np.where(kinetics.fluid > 0.0, self.nodal(depot.density[own]), 0.0)
        # beads of several infusions share the shells; each has its part of the way to the first one
        part = depot.beads * density / np.maximum(self.bead_density, np.finfo(float).tiny)
        transfer = part * kinetics.shells.transfer
        return Beads(depot.half_saturation, depot.exchange_rate, depot.capacity * density, transfer)

    def _shells(self, conductance: Floats) -> Shells:
        """Around the beads of all infusions together, as if they were of their mean radius."""
        beads = [depot for depot in self.spec.depots if isinstance(depot, BeadDepot)]
        own = self.space.input_cell
        if not beads:
            return Shells.none(self.space.count)
        self.bead_density = np.sum([depot.beads * self.nodal(depot.density[own]) for depot in beads], axis=0)
        radius = sum(depot.beads * depot.radius for depot in beads) / sum(depot.beads for depot in beads)
        return Shells.around(self.bead_density, radius, conductance=conductance, shape=beads[0].shape)

    def _movement(self, tissue: OrganTissue) -> Transport:
        mobility = self.free_share * self._mobility
        carrier = Carrier(tissue.fluid, mobility * tissue.diffusivity_ratio, self.flow.velocity)
        return Transport(
            self._operators,
            carrier,
            neighbourhood=Neighbourhood(self._operators),
            tolerance=1e-12,
            prefix="transport_",
        )


def _exchanging(tissue: OrganTissue, flowing: Floats) -> OrganTissue:
    """The organ with a share (cell_count,) of its capillaries and lymphatic vessels open."""
    return replace(tissue, filtration=tissue.filtration * flowing, drainage=tissue.drainage * flowing)
