# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes by name: how long they stay in blood, and how fast they give off their drug at which temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.records import Quantity, Values, needed, read_record, read_values, record_names
from imagio_sim.tissue.value import Value

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "distribution_volume": Quantity("m3", 1e-6, 0.1, "volume of an adult in which the liposomes are distributed"),
        "half_life": Quantity("s", 60.0, 1e6, "half-life of encapsulated drug in plasma by all it is lost to"),
        "unencapsulated_share": Quantity("1", 0.0, 1.0, "share of the dose that is outside of liposomes when given"),
        "reference_body_mass": Quantity("kg", 0.01, 300.0, "mass of the body whose kinetics these and the drug's are"),
    }
)
"""What may be known of liposomes."""

TABLES: Mapping[str, Quantity] = MappingProxyType(
    {
        "release_rate": Quantity("1/s", 1e-9, 100.0, "share of its drug that a liposome gives off per second"),
        "vessel_permeability": Quantity("m/s", 1e-14, 1e-6, "permeability of the capillary wall for liposomes"),
    }
)
"""What is known of them against temperature."""

# Liposomes whose release rises by less than this factor are as leaky as any membrane that is warmed.
_SENSITIVE = 10.0


@dataclass(frozen=True)
class TemperatureTable:
    """A quantity at two or more temperatures [degC], which rise and along which it does not fall."""

    temperatures: tuple[float, ...]
    values: tuple[Value, ...]

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values as numbers."""
        return tuple(value.value for value in self.values)


@dataclass(frozen=True)
class Formulation:
    """A formulation and what is known of it.

    Attributes
    ----------
    name, title
        Name in the pharmacy and for people.
    drug
        What they hold, by its name in the pharmacy.
    values
        Quantity (:data:`QUANTITIES`) to its :class:`~imagio_sim.tissue.value.Value`, in an adult.
    release_rate
        Against temperature [1/s].
    vessel_permeability
        Against temperature [m/s].
    """

    name: str
    title: str
    drug: str
    values: Values
    release_rate: TemperatureTable
    vessel_permeability: TemperatureTable

    @property
    def is_thermosensitive(self) -> bool:
        """Whether heat releases its drug at more than ten times the rate at which it leaks."""
        rates = self.release_rate.numbers
        return rates[-1] > _SENSITIVE * rates[0]

    def value(self, name: str) -> float:
        """Give a quantity in SI units; one that is not known is refused with its name."""
        return needed(self.values, name, QUANTITIES, where=f"liposomes '{self.name}'").value


def liposome_names() -> tuple[str, ...]:
    """Names of all formulations, sorted."""
    return record_names("liposomes")


@cache
def load_liposomes(name: str) -> Formulation:
    """A formulation of the pharmacy; an unknown name is refused with the nearest one."""
    record, where = read_record("liposomes", name, "formulation"), f"liposomes/{name}.yaml"
    return Formulation(
        name,
        record["title"],
        record["drug"],
        read_values(record["values"], QUANTITIES, where=where),
        read_table(record["release_rate"], "release_rate", where=where),
        read_table(record["vessel_permeability"], "vessel_permeability", where=where),
    )


def read_table(rows: Sequence[Mapping[str, Any]], quantity: str, *, where: str) -> TemperatureTable:
    """A quantity against temperature from rows of ``temperature`` [degC] and what every number of a data file has."""
    temperatures = tuple(float(row["temperature"]) for row in rows)
    values = tuple(
        read_values(
            {quantity: {key: entry for key, entry in row.items() if key != "temperature"}}, TABLES, where=where
        )[quantity]
        for row in rows
    )
    table = TemperatureTable(temperatures, values)
    refuse_unordered(table, where=f"{where}: {quantity}")
    return table


def refuse_unordered(table: TemperatureTable, *, where: str) -> None:
    """Raise for fewer than two rows, temperatures that do not rise, or values that fall."""
    temperatures, values = table.temperatures, table.numbers
    falling = any(later < earlier for earlier, later in pairwise(values))
    if len(values) < 2 or falling or any(later <= earlier for earlier, later in pairwise(temperatures)):
        numbers = ", ".join(f"{t:g}: {value:g}" for t, value in zip(temperatures, values, strict=True))
        raise InputError(
            where,
            found=numbers or "no rows",
            allowed="two or more rows, temperatures that rise and values that do not fall",
            remedy="correct the table",
        )
