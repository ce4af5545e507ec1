# SPDX-License-Identifier: LGPL-3.0-or-later
"""Conventional chemo-embolisation: a drug emulsified in oil, often followed by particles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from imagio_sim.plan.infusions.infusion import EmbolicInfusion
from imagio_sim.plan.infusions.names import DrugName, OilName, ParticleName
from imagio_sim.plan.model import Fault, fault
from imagio_sim.units import DrugMass, ParticleVolume


class OilEmulsion(EmbolicInfusion):
    """Conventional chemo-embolisation.

    Attributes
    ----------
    drug, oil
        Names in the pharmacy.
    drug_mass
        Drug in the emulsion [mg].
    oil_volume
        Oil in the emulsion [ml].
    particles
        What is given after it to close the arterioles, if anything.
    """

    MODALITY: ClassVar[str] = "chemoembolisation"
    AGENTS: ClassVar[tuple[str, ...]] = ("drug", "ischaemia")

    kind: Literal["oil_emulsion"]
    drug: DrugName
    drug_mass: DrugMass
    oil: OilName
    oil_volume: ParticleVolume
    particles: ParticleName | None = None

    def library_entries(self) -> Mapping[str, Any]:
        """Its oil, its drug and the particles given after it."""
        from imagio_sim.pharmacy.drugs import load_drug
        from imagio_sim.pharmacy.oils import load_oil
        from imagio_sim.pharmacy.particles import load_particles

        after = {} if self.particles is None else {"particles": load_particles(self.particles)}
        return {"oil": load_oil(self.oil), "drug": load_drug(self.drug), **after}

    def faults(self) -> Iterable[Fault]:
        """The oil is known with this drug, and holds so much of it."""
        from imagio_sim.pharmacy.oils import load_oil

        oil = load_oil(self.oil)
        if self.drug not in oil.drugs:
            yield fault(
                "drug",
                found=f"{self.drug} in {self.oil}",
                allowed=f"one of {', '.join(oil.drugs)}",
                remedy="choose another drug",
            )
            return
        most = oil.largest_dose_mg(self.drug, self.oil_volume)
        if self.drug_mass > most:
            yield fault(
                "drug_mass",
                found=f"{self.drug_mass:g} mg in {self.oil_volume:g} ml of {self.oil}",
                allowed=f"at most {most:g} mg, what a stable emulsion holds",
                remedy="give more oil (oil_volume), or less drug",
            )
