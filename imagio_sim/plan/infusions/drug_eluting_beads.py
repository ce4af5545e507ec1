# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads that are loaded with a drug, close arterioles and give the drug to the tissue around them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from imagio_sim.plan.infusions.infusion import EmbolicInfusion
from imagio_sim.plan.infusions.names import DrugName, ParticleName
from imagio_sim.plan.model import Fault, fault
from imagio_sim.units import DrugMass, ParticleVolume


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

    def library_entries(self) -> Mapping[str, Any]:
        """Its beads and its drug."""
        from imagio_sim.pharmacy.drugs import load_drug
        from imagio_sim.pharmacy.particles import load_particles

        return {"particles": load_particles(self.particles), "drug": load_drug(self.drug)}

    def faults(self) -> Iterable[Fault]:
        """The beads bind this drug, and so much of it."""
        from imagio_sim.pharmacy.particles import load_particles

        beads = load_particles(self.particles)
        if self.drug not in beads.drugs:
            yield fault(
                "drug",
                found=f"{self.drug} in {self.particles}",
                allowed=f"one of {', '.join(beads.drugs) or 'no drug: these particles bind none'}",
                remedy="choose other particles, or another drug",
            )
            return
        most = beads.largest_dose_mg(self.drug, self.particle_volume)
        if self.drug_mass > most:
            enough = _rounded_up(beads.smallest_volume_ml(self.drug, self.drug_mass))
            yield fault(
                "drug_mass",
                found=f"{self.drug_mass:g} mg in {self.particle_volume:g} ml of {self.particles}",
                allowed=f"at most {most:g} mg, what these beads can hold",
                remedy=f"give at least {enough:g} ml of beads, or less drug",
            )


def _rounded_up(volume_ml: float) -> float:
    """To a hundredth of a millilitre, so that what is advised is enough."""
    return math.ceil(100.0 * volume_ml - 1e-9) / 100.0
