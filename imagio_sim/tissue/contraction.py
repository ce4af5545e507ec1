# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much heated tissue contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.tissue.value import Value, read_data_file, read_value

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Collapse:
    """The ``tissue`` that loses its air where it is hotter than ``onset`` [degC].

    ``length_ratio`` is length after by length before, ``shown`` the share of the difference that is seen of a zone that
    was solved in tissue which stays where it is.
    """

    tissue: str
    length_ratio: Value
    onset: Value
    shown: Value

    def __post_init__(self) -> None:
        for name in ("length_ratio", "onset", "shown"):
            _require_range(f"collapse: {name}", getattr(self, name))


@dataclass(frozen=True)
class ContractionTable:
    """Linear contraction of ``tissue`` at ``temperatures`` [degC], each between 0 and 1 and with its range.

    ``shown`` is the share of it that is seen of a zone which was solved in tissue that stays where it is.
    """

    tissue: str
    temperatures: tuple[float, ...]
    values: tuple[Value, ...]
    shown: Value
    collapse: Collapse

    def __post_init__(self) -> None:
        for temperature, value in zip(self.temperatures, self.values, strict=True):
            _require_range(f"{temperature:g} degC", value)
        _require_range("shown_share", self.shown)

    def linear(self, peak_temperature: Floats) -> Floats:
        """Share of its length (...) that tissue loses which once was as hot as this (...) [degC]."""
        return self._between(peak_temperature, np.array([value.value for value in self.values]))

    def least(self, peak_temperature: Floats) -> Floats:
        """The smallest share (...) that is expected."""
        return self._between(peak_temperature, np.array([value.low for value in self.values], dtype=float))

    def most(self, peak_temperature: Floats) -> Floats:
        """The largest share (...) that is expected."""
        return self._between(peak_temperature, np.array([value.high for value in self.values], dtype=float))

    def _between(self, peak_temperature: Floats, shares: Floats) -> Floats:
        return np.asarray(np.interp(peak_temperature, self.temperatures, shares, left=0.0))


def with_range(value: Value) -> tuple[float, float, float]:
    """A number that has a range: expected, least and most."""
    assert value.low is not None
    assert value.high is not None
    return value.value, value.low, value.high


def _require_range(name: str, value: Value) -> None:
    if value.low is None or value.high is None:
        raise InputError(
            f"contraction.yaml: {name}",
            found="a value without low and high",
            allowed="values with their range",
            remedy="add low and high: the estimate is given with its range",
        )


@cache
def contraction_table() -> ContractionTable:
    """The table of liver (``contraction.yaml``). Source: PMC3924587; Farina et al. 2014 where tissue dries up."""
    data = read_data_file("contraction.yaml")
    records = data["linear_contraction"]
    values = tuple(read_value(record, where=f"contraction.yaml: {at} degC") for at, record in records.items())
    shown = read_value(data["shown_share"], where="contraction.yaml: shown_share")
    return ContractionTable(data["tissue"], tuple(map(float, records)), values, shown, _collapse(data["collapse"]))


def _collapse(data: Mapping[str, Any]) -> Collapse:
    keys = ("length_ratio", "onset", "shown_share")
    values = (read_value(data[key], where=f"contraction.yaml: collapse: {key}") for key in keys)
    return Collapse(data["tissue"], *values)
