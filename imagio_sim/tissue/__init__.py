# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue properties as data, the laws they follow, and cell death."""

from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.library import Tissue, injectable_fluids, load_tissue, property_table, tissue_names
from imagio_sim.tissue.parameter_sets import ParameterSet, parameter_set, parameter_set_names
from imagio_sim.tissue.value import Source, Value, load_sources, source_text

__all__ = [
    "ParameterSet",
    "Source",
    "Tissue",
    "Value",
    "injectable_fluids",
    "load_constants",
    "load_sources",
    "load_tissue",
    "parameter_set",
    "parameter_set_names",
    "property_table",
    "source_text",
    "tissue_names",
]
