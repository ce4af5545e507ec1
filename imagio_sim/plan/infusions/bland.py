# SPDX-License-Identifier: LGPL-3.0-or-later
"""Particles that close arterioles and do nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imagio_sim.plan.infusions.infusion import EmbolicInfusion
from imagio_sim.plan.infusions.names import ParticleName
from imagio_sim.units import ParticleVolume

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Pharmacy


class BlandEmbolisation(EmbolicInfusion):
    """Embolisation without a drug; ``particle_volume`` [ml] is that of the settled particles."""

    MODALITY: ClassVar[str] = "embolisation"

    kind: Literal["bland"]
    particles: ParticleName
    particle_volume: ParticleVolume

    def library_entries(self, pharmacy: Pharmacy) -> Mapping[str, Any]:
        """Its particles."""
        return {"particles": pharmacy.particles(self.particles)}

    def particle_count(self, pharmacy: Pharmacy) -> float:
        """Particles in their settled volume."""
        return pharmacy.particles(self.particles).number_in(self.particle_volume)
