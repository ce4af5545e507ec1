# SPDX-License-Identifier: LGPL-3.0-or-later
"""Conventional chemo-embolisation: a drug emulsified in oil, often followed by particles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imagio_sim.plan.infusions.carried_dose import carried_dose_faults
from imagio_sim.plan.infusions.infusion import EmbolicInfusion
from imagio_sim.plan.infusions.names import DrugName, OilName, ParticleName
from imagio_sim.plan.model import Fault
from imagio_sim.units import DrugMass, ParticleVolume

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Pharmacy


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

    COUNTABLE: ClassVar[bool] = False

    kind: Literal["oil_emulsion"]
    drug: DrugName
    drug_mass: DrugMass
    oil: OilName
    oil_volume: ParticleVolume
    particles: ParticleName | None = None

    def library_entries(self, pharmacy: Pharmacy) -> Mapping[str, Any]:
        """Its oil, its drug and the particles given after it."""
        after = {} if self.particles is None else {"particles": pharmacy.particles(self.particles)}
        return {"oil": pharmacy.oil(self.oil), "drug": pharmacy.drug(self.drug), **after}

    def faults(self) -> Iterable[Fault]:
        """The oil is known with this drug, and holds so much of it."""
        from imagio_sim.pharmacy.oils import load_oil

        yield from super().faults()
        yield from carried_dose_faults(
            load_oil(self.oil),
            drug=self.drug,
            drug_mass=self.drug_mass,
            volume=self.oil_volume,
            limit="what a stable emulsion holds",
            remedies=("choose another drug", "give more oil (oil_volume), or less drug"),
        )
