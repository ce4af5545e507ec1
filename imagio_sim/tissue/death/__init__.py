# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models of cell death: several in the same run, because the choice changes the plan."""

from imagio_sim.tissue.death.library import (
    COLD,
    DECIDING,
    DRUG,
    ELECTROPORATION,
    HEAT,
    ISCHAEMIA,
    NOMINAL,
    RADIATION,
    SLOW,
    DeathRecord,
    Parameters,
    cold_death_models,
    death_model,
    death_models,
    death_records,
    heat_death_models,
    parameters_of,
)
from imagio_sim.tissue.death.model import DeathModel, dead_fraction

__all__ = [
    "COLD",
    "DECIDING",
    "DRUG",
    "ELECTROPORATION",
    "HEAT",
    "ISCHAEMIA",
    "NOMINAL",
    "RADIATION",
    "SLOW",
    "DeathModel",
    "DeathRecord",
    "Parameters",
    "cold_death_models",
    "dead_fraction",
    "death_model",
    "death_models",
    "death_records",
    "heat_death_models",
    "parameters_of",
]
