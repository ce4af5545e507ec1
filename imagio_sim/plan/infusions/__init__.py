# SPDX-License-Identifier: LGPL-3.0-or-later
"""Infusions: what is given through an artery or a vein at the begin of a stage, one file per kind.

A new kind adds its file and joins :data:`Infusion`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator

from imagio_sim.plan.infusions.bland import BlandEmbolisation
from imagio_sim.plan.infusions.drug_eluting_beads import DrugElutingBeads
from imagio_sim.plan.infusions.infusion import ArterialInfusion, EmbolicInfusion, InfusionModel
from imagio_sim.plan.infusions.liposomes import Liposomes
from imagio_sim.plan.infusions.oil_emulsion import OilEmulsion
from imagio_sim.plan.infusions.radioembolisation import Radioembolisation

Infusion = Annotated[
    DrugElutingBeads | OilEmulsion | BlandEmbolisation | Radioembolisation | Liposomes, Discriminator("kind")
]
"""Any kind of infusion, told apart by ``kind``."""

__all__ = [
    "ArterialInfusion",
    "BlandEmbolisation",
    "DrugElutingBeads",
    "EmbolicInfusion",
    "Infusion",
    "InfusionModel",
    "Liposomes",
    "OilEmulsion",
    "Radioembolisation",
]
