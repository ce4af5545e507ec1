# SPDX-License-Identifier: LGPL-3.0-or-later
"""Particles that close arterioles and do nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from imagio_sim.plan.infusions.infusion import EmbolicInfusion
from imagio_sim.plan.infusions.names import ParticleName
from imagio_sim.units import ParticleVolume


class BlandEmbolisation(EmbolicInfusion):
    """Embolisation without a drug; ``particle_volume`` [ml] is that of the settled particles."""

    MODALITY: ClassVar[str] = "embolisation"

    kind: Literal["bland"]
    particles: ParticleName
    particle_volume: ParticleVolume

    def library_entries(self) -> Mapping[str, Any]:
        """Its particles."""
        from imagio_sim.pharmacy.particles import load_particles

        return {"particles": load_particles(self.particles)}
