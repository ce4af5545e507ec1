# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sourced constants of the tissue laws (``constants.yaml``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from imagio_sim.tissue.parameter_sets import ParameterSet
from imagio_sim.tissue.value import Value, read_data_file, read_value

FIXED = frozenset({"heat_death_gate_start", "heat_death_gate_end"})
"""Constants that no patient changes: the laws of cell death are verified with them."""

_MODALITIES = "modalities"


@cache
def library_constants() -> Mapping[str, Value]:
    """Constants by name, with unit, range and source, as the data file has them."""
    return MappingProxyType(
        {
            name: read_value(
                {key: field for key, field in record.items() if key != _MODALITIES}, where=f"constants.yaml: {name}"
            )
            for name, record in read_data_file("constants.yaml").items()
        }
    )


def constants_used_by(modalities: Iterable[str]) -> frozenset[str]:
    """Names of the constants that a run with these modalities uses."""
    acting = set(modalities)
    return frozenset(
        name
        for name, record in read_data_file("constants.yaml").items()
        if _MODALITIES not in record or acting & set(record[_MODALITIES])
    )


def load_constants(
    overrides: Mapping[str, Value] | None = None, sets: Sequence[ParameterSet] = ()
) -> Mapping[str, Value]:
    """Constants of the tissue laws in a patient: the library's, changed by the patient's sets, then the overrides."""
    changed = {name: replace(value, origin=one.origin) for one in sets for name, value in one.constants.items()}
    return MappingProxyType({**library_constants(), **changed, **(overrides or {})})
