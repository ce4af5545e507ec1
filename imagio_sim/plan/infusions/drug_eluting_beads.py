# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads that are loaded with a drug, close arterioles and give the drug to the tissue around them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imagio_sim.plan.infusions.carried_dose import carried_dose_faults
from imagio_sim.plan.infusions.infusion import EmbolicInfusion
from imagio_sim.plan.infusions.names import DrugName, ParticleName
from imagio_sim.plan.model import Fault
from imagio_sim.units import DrugMass, ParticleVolume

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Pharmacy


class DrugElutingBeads(EmbolicInfusion):
    """Chemo-embolisation with beads.

    Attributes
    ----------
    particles, drug
        Names in the pharmacy.
    drug_mass
        Drug in all beads that are given [mg].
    particle_volume
        Volume of the settled beads [ml].
    release
        How the drug leaves them: by ion exchange, or by diffusion alone.
    """

    MODALITY: ClassVar[str] = "chemoembolisation"
    AGENTS: ClassVar[tuple[str, ...]] = ("drug", "ischaemia")

    kind: Literal["drug_eluting_beads"]
    particles: ParticleName
    drug: DrugName
    drug_mass: DrugMass
    particle_volume: ParticleVolume
    release: Literal["ion_exchange", "diffusion"] = "ion_exchange"

    def library_entries(self, pharmacy: Pharmacy) -> Mapping[str, Any]:
        """Its beads and its drug."""
        return {"particles": pharmacy.particles(self.particles), "drug": pharmacy.drug(self.drug)}

    def particle_count(self, pharmacy: Pharmacy) -> float:
        """Beads in their settled volume."""
        return pharmacy.particles(self.particles).number_in(self.particle_volume)

    def faults(self) -> Iterable[Fault]:
        """The beads bind this drug, and so much of it."""
        from imagio_sim.pharmacy.particles import load_particles

        yield from super().faults()
        beads = load_particles(self.particles)
        bound = self.drug in beads.drugs
        enough = _rounded_up(beads.smallest_volume_ml(self.drug, self.drug_mass)) if bound else 0.0
        yield from carried_dose_faults(
            beads,
            drug=self.drug,
            drug_mass=self.drug_mass,
            volume=self.particle_volume,
            limit="what these beads can hold",
            remedies=(
                "choose other particles, or another drug",
                f"give at least {enough:g} ml of beads, or less drug",
            ),
        )


def _rounded_up(volume_ml: float) -> float:
    """To a hundredth of a millilitre, so that what is advised is enough."""
    return math.ceil(100.0 * volume_ml - 1e-9) / 100.0
