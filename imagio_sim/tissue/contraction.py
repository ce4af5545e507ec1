# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much heated tissue contracts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.tissue.value import Value, read_data_file, read_value

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ContractionTable:
    """Linear contraction of ``tissue`` at ``temperatures`` [degC], each between 0 and 1 and with its range."""

    tissue: str
    temperatures: tuple[float, ...]
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        for temperature, value in zip(self.temperatures, self.values, strict=True):
            if value.low is None or value.high is None:
                raise InputError(
                    f"contraction.yaml: {temperature:g} degC",
                    found="a value without low and high",
                    allowed="values with their range",
                    remedy="add low and high: the estimate is given with its range",
                )

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


@cache
def contraction_table() -> ContractionTable:
    """The table of liver (``contraction.yaml``). Source: PMC3924587; Farina et al. 2014 where tissue dries up."""
    data = read_data_file("contraction.yaml")
    records = data["linear_contraction"]
    values = tuple(read_value(record, where=f"contraction.yaml: {at} degC") for at, record in records.items())
    return ContractionTable(data["tissue"], tuple(map(float, records)), values)
