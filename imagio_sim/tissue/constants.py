# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sourced constants of the tissue laws (``constants.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from imagio_sim.tissue.value import Value, read_data_file, read_value


@cache
def load_constants() -> Mapping[str, Value]:
    """Constants by name, with unit, range and source."""
    records = read_data_file("constants.yaml")
    return MappingProxyType(
        {name: read_value(record, where=f"constants.yaml: {name}") for name, record in records.items()}
    )
