# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models of cell death by heat: several in the same run, because the choice changes the plan."""

from imagio_sim.tissue.death.library import DECIDING, DeathRecord, death_records, heat_death_model, heat_death_models
from imagio_sim.tissue.death.model import DeathModel, dead_fraction

__all__ = [
    "DECIDING",
    "DeathModel",
    "DeathRecord",
    "dead_fraction",
    "death_records",
    "heat_death_model",
    "heat_death_models",
]
