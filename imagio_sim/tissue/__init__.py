# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue properties as data, the laws they follow, and cell death."""

from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.library import Tissue, load_tissue, property_table, tissue_names
from imagio_sim.tissue.value import Source, Value, load_sources, source_text

__all__ = [
    "Source",
    "Tissue",
    "Value",
    "load_constants",
    "load_sources",
    "load_tissue",
    "property_table",
    "source_text",
    "tissue_names",
]
