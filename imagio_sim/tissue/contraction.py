# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much heated tissue contracts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray

from imagio_sim.tissue.value import Value, read_value

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ContractionTable:
    """Linear contraction at ``temperatures`` [degC], each a :class:`Value` between 0 and 1."""

    temperatures: tuple[float, ...]
    values: tuple[Value, ...]

    def linear(self, peak_temperature: Floats) -> Floats:
        """Share of its length (...) that tissue loses which once was as hot as this (...) [degC]."""
        return self._between(peak_temperature, [value.value for value in self.values])

    def least(self, peak_temperature: Floats) -> Floats:
        """The smallest share (...) that is expected."""
        return self._between(peak_temperature, [value.low or 0.0 for value in self.values])

    def most(self, peak_temperature: Floats) -> Floats:
        """The largest share (...) that is expected."""
        return self._between(peak_temperature, [value.high or 0.0 for value in self.values])

    def _between(self, peak_temperature: Floats, shares: Sequence[float]) -> Floats:
        return np.asarray(np.interp(peak_temperature, self.temperatures, shares, left=0.0))


@cache
def contraction_table() -> ContractionTable:
    """The table of liver (``contraction.yaml``). Source: PMC3924587; Farina et al. 2014 where tissue dries up."""
    text = files("imagio_sim.tissue").joinpath("contraction.yaml").read_text(encoding="utf-8")
    records = yaml.load(text, Loader=yaml.CSafeLoader)
    temperatures = tuple(float(record["temperature"]) for record in records)
    values = tuple(
        read_value(
            {key: entry for key, entry in record.items() if key != "temperature"},
            where=f"contraction.yaml: {record['temperature']} degC",
        )
        for record in records
    )
    return ContractionTable(temperatures, values)
