# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes in a body and in points of tissue that are held at temperatures: experiments without a field of heat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.modalities.liposomes import body_kinetics, exchange_of, rate_table
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.liposomes import load_liposomes
from imagio_sim.solve.drug_death import DrugDeathTracker
from imagio_sim.solve.liposome_kinetics import Conditions, LiposomeKinetics, LiposomeState
from imagio_sim.tissue import load_tissue
from imagio_sim.tissue.constants import load_constants

Floats = NDArray[np.float64]

POINT = 1e-6
"""Volume of a point [m3]."""


class _Points:
    def amounts(self, densities: Floats) -> Floats:
        return np.asarray(POINT * densities.sum(axis=1))


class LiposomesInPoints:
    """Points of one tissue in an animal [kg] after a dose [mg].

    Attributes
    ----------
    drug
        Amounts by compartment.
    deaths
        What the drug has done.
    """

    def __init__(self, formulation: str, tissue: str, *, count: int, body_mass: float, dose_mg: float) -> None:
        self._liposomes, self._tissue = load_liposomes(formulation), load_tissue(tissue)
        self._agent = load_drug(self._liposomes.drug)
        self._exchange = exchange_of(self._agent)
        self._cells = np.full(count, self._tissue.value("cell_density"))
        self._surface = self._tissue.value("vessel_surface_density")
        kinetics = self._exchange.in_tissue(
            plasma_fraction=np.full(count, self._tissue.value("plasma_fraction")),
            interstitial_fraction=np.full(count, self._tissue.value("interstitial_fraction")),
            passable_surface=np.full(count, self._surface * self._tissue.value("vessel_permeability_ratio")),
            cell_density=self._cells,
        )
        size = body_mass / self._liposomes.value("reference_body_mass")
        body = body_kinetics(self._liposomes, self._agent, size, 37.0)
        self._kinetics = LiposomeKinetics(body, kinetics, _Points(), tolerance=2e-3)
        self._amount = self._agent.amount_of(dose_mg)
        self.drug = LiposomeState.empty(count)
        self.deaths = DrugDeathTracker(self._agent.name, (), count)

    def wait(self, duration: float, temperatures: Sequence[float], *, infused_share: float = 0.0) -> None:
        """Go on by ``duration`` [s] at temperatures (count,) [degC] while a share of the dose is infused."""
        warm = np.array(temperatures)
        flow = self._tissue.value("perfusion_rate") * (1.0 - load_constants()["haematocrit"].value)
        held = Conditions(
            np.full(len(warm), flow),
            rate_table(self._liposomes.release_rate).at(warm),
            self._surface * rate_table(self._liposomes.vessel_permeability).at(warm),
        )
        free = self._liposomes.value("unencapsulated_share")
        inflow = infused_share * self._amount / duration * np.array([1.0 - free, free])
        self.drug = self._kinetics.advance(self.drug, duration, lambda _: held, inflow, self._note)

    def _note(self, before: LiposomeState, after: LiposomeState, duration: float) -> None:
        around = [self._exchange.around_cells(one, self._kinetics.tissue, self._cells) for one in (before, after)]
        self.deaths.advance(around[0], around[1], duration)

    def concentrations(self, *, with_plasma: bool = True) -> Floats:
        """Drug (count,) [ug/g]; without what is in the tissue's plasma where vessels were flushed."""
        held = self.drug.tissue.sum(axis=0) if with_plasma else self.drug.tissue[[1, 3, 4]].sum(axis=0)
        return np.asarray(1e6 * self._agent.value("molar_mass") / self._tissue.value("density") * held)
