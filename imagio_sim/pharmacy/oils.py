# SPDX-License-Identifier: LGPL-3.0-or-later
"""Oils that carry a drug as an emulsion (conventional chemo-embolisation): what they hold and how they lose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.records import Quantity, Values, needed, read_record, read_values, record_names

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "density": Quantity("kg/m3", 800.0, 2000.0, "mass density"),
        "largest_water_to_oil": Quantity("1", 0.01, 2.0, "largest volume of drug solution per volume of oil"),
        "washout_rate_tumour": Quantity("1/s", 0.0, 1e-2, "rate at which tumour loses the oil"),
        "washout_rate_normal": Quantity("1/s", 0.0, 1e-2, "rate at which the organ loses the oil"),
    }
)
"""What is known of an oil."""

EMULSION_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "largest_concentration": Quantity("kg/m3", 0.1, 500.0, "largest dose per volume of the drug solution"),
        "burst_share": Quantity("1", 0.0, 1.0, "share of the drug that is free at once"),
        "release_rate": Quantity("1/s", 1e-9, 1.0, "rate at which the rest leaves the emulsion"),
    }
)
"""What is known of an oil and a drug together."""


@dataclass(frozen=True)
class Emulsion:
    """A drug in an oil: a share is free at once, the rest leaves by first order."""

    drug: str
    values: Values

    def value(self, name: str) -> float:
        """Give a quantity of :data:`EMULSION_QUANTITIES` in SI units."""
        return needed(self.values, name, EMULSION_QUANTITIES, where=f"emulsion of {self.drug}").value


@dataclass(frozen=True)
class Oil:
    """An oil and the drugs that are given in it."""

    name: str
    title: str
    values: Values
    drugs: Mapping[str, Emulsion]

    def value(self, name: str) -> float:
        """Give a quantity in SI units; one that is not known is refused with its name."""
        return needed(self.values, name, QUANTITIES, where=f"oil '{self.name}'").value

    def emulsion(self, drug: str) -> Emulsion:
        """A drug in this oil; refused for one of which nothing is known."""
        if drug not in self.drugs:
            raise InputError(
                f"oil '{self.name}'",
                found=f"drug '{drug}'",
                allowed=f"one of {', '.join(self.drugs)}",
                remedy="choose another drug",
            )
        return self.drugs[drug]

    def largest_dose_mg(self, drug: str, oil_volume_ml: float) -> float:
        """Largest dose [mg] that an emulsion with a volume [ml] of oil holds."""
        water_ml = self.value("largest_water_to_oil") * oil_volume_ml
        return self.emulsion(drug).value("largest_concentration") * water_ml


def oil_names() -> tuple[str, ...]:
    """Names of all oils, sorted."""
    return record_names("oils")


@cache
def load_oil(name: str) -> Oil:
    """An oil of the pharmacy; an unknown name is refused with the nearest one."""
    record = read_record("oils", name, "oil")
    where = f"oils/{name}.yaml"
    emulsions = {drug: _emulsion(drug, values, where) for drug, values in record["drugs"].items()}
    return Oil(
        name, record["title"], read_values(record["values"], QUANTITIES, where=where), MappingProxyType(emulsions)
    )


def _emulsion(drug: str, records: Mapping[str, Any], where: str) -> Emulsion:
    return Emulsion(drug, read_values(records, EMULSION_QUANTITIES, where=f"{where}: drugs.{drug}"))
