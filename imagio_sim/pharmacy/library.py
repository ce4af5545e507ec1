# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pharmacy as a patient's scenario has it: the library's entries, some of their values replaced by given ones.

Every value has a key within its entry: its quantity; ``<quantity>_<drug>`` where it is of a carrier and a drug
together; ``<quantity>_row_<n>`` in a table against temperature, counted from 1. Radionuclides are as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from imagio_sim.pharmacy.drugs import QUANTITIES as DRUG_QUANTITIES
from imagio_sim.pharmacy.drugs import Drug, load_drug
from imagio_sim.pharmacy.liposomes import QUANTITIES as LIPOSOME_QUANTITIES
from imagio_sim.pharmacy.liposomes import TABLES, Formulation, TemperatureTable, load_liposomes, refuse_unordered
from imagio_sim.pharmacy.microspheres import QUANTITIES as MICROSPHERE_QUANTITIES
from imagio_sim.pharmacy.microspheres import Microspheres, load_microspheres
from imagio_sim.pharmacy.oils import EMULSION_QUANTITIES, Oil, load_oil
from imagio_sim.pharmacy.oils import QUANTITIES as OIL_QUANTITIES
from imagio_sim.pharmacy.particles import LOADING_QUANTITIES, Particles, load_particles
from imagio_sim.pharmacy.particles import QUANTITIES as PARTICLE_QUANTITIES
from imagio_sim.pharmacy.records import Quantities, Quantity, Values, record_names
from imagio_sim.tissue.value import Value

OF_PRESCRIPTION = ("usual_load", "largest_concentration", "largest_water_to_oil", "density", "activity_per_sphere")
"""What limits or describes a prescription, and no result rests on."""
DRUGS, PARTICLES, OILS = "drugs", "particles", "oils"
LIPOSOMES, MICROSPHERES = "liposomes", "microspheres"

FIXED = frozenset({"molar_mass", "dose_molar_mass", "reference_body_mass"})
"""What defines amounts and cannot be given."""

Entry: TypeAlias = Drug | Formulation | Microspheres | Oil | Particles
"""Anything of which values may be given."""


class Known(NamedTuple):
    """A value of an entry, and what it must be."""

    value: Value
    quantity: Quantity


@dataclass(frozen=True, eq=False)
class Pharmacy:
    """Entries with given values in place of the library's.

    Attributes
    ----------
    given
        By the entry's name and the value's key.
    """

    given: Mapping[str, Values]

    def drug(self, name: str) -> Drug:
        """A drug; an unknown name is refused with the nearest one."""
        found = load_drug(name)
        return replace(found, values=self._own(name, found.values))

    def particles(self, name: str) -> Particles:
        """Particles."""
        found = load_particles(name)
        loadings = {
            drug: replace(one, values=self._own(name, one.values, f"_{drug}")) for drug, one in found.drugs.items()
        }
        return replace(found, values=self._own(name, found.values), drugs=MappingProxyType(loadings))

    def oil(self, name: str) -> Oil:
        """An oil."""
        found = load_oil(name)
        emulsions = {
            drug: replace(one, values=self._own(name, one.values, f"_{drug}")) for drug, one in found.drugs.items()
        }
        return replace(found, values=self._own(name, found.values), drugs=MappingProxyType(emulsions))

    def liposomes(self, name: str) -> Formulation:
        """A formulation; given rows must leave its tables rising."""
        found = load_liposomes(name)
        return replace(
            found,
            values=self._own(name, found.values),
            release_rate=self._table(found, found.release_rate, "release_rate"),
            vessel_permeability=self._table(found, found.vessel_permeability, "vessel_permeability"),
        )

    def microspheres(self, name: str) -> Microspheres:
        """Microspheres."""
        found = load_microspheres(name)
        return replace(found, values=self._own(name, found.values))

    def entry(self, name: str) -> Entry:
        """Anything by its name, one of :func:`entry_names`."""
        readers: Mapping[str, Callable[[str], Entry]] = {
            DRUGS: self.drug,
            PARTICLES: self.particles,
            OILS: self.oil,
            LIPOSOMES: self.liposomes,
            MICROSPHERES: self.microspheres,
        }
        return readers[_folders()[name]](name)

    def _own(self, name: str, values: Values, suffix: str = "") -> Values:
        given = self.given.get(name, {})
        return MappingProxyType({key: given.get(f"{key}{suffix}", value) for key, value in values.items()})

    def _table(self, entry: Formulation, table: TemperatureTable, quantity: str) -> TemperatureTable:
        given = self.given.get(entry.name, {})
        rows = tuple(given.get(_row(quantity, number), value) for number, value in enumerate(table.values))
        changed = replace(table, values=rows)
        refuse_unordered(changed, where=f"liposomes '{entry.name}': {quantity}")
        return changed


LIBRARY = Pharmacy(MappingProxyType({}))
"""The library as it is."""


@cache
def _folders() -> Mapping[str, str]:
    """In which folder of the library an entry is."""
    return MappingProxyType(
        {name: folder for folder in (DRUGS, PARTICLES, OILS, LIPOSOMES, MICROSPHERES) for name in record_names(folder)}
    )


def entry_names() -> tuple[str, ...]:
    """Names of everything of which values may be given, sorted."""
    return tuple(sorted(_folders()))


def values_of(entry: Entry) -> Mapping[str, Known]:
    """All values of an entry that may be given, by their keys."""
    return MappingProxyType({key: one for key, one in _all_values(entry).items() if key not in FIXED})


def values_used(entry: Entry, drug: str | None) -> Mapping[str, Known]:
    """Those of them that results with this drug rest on, or without any drug."""
    others = tuple(f"_{other}" for other in record_names(DRUGS) if other != drug)
    return MappingProxyType(
        {
            key: one
            for key, one in values_of(entry).items()
            if not key.endswith(others) and not key.startswith(OF_PRESCRIPTION)
        }
    )


def _all_values(entry: Entry) -> dict[str, Known]:
    match entry:
        case Drug():
            return _known(entry.values, DRUG_QUANTITIES)
        case Particles():
            found = _known(entry.values, PARTICLE_QUANTITIES)
            for drug, loading in entry.drugs.items():
                found |= _known(loading.values, LOADING_QUANTITIES, f"_{drug}")
            return found
        case Oil():
            found = _known(entry.values, OIL_QUANTITIES)
            for drug, emulsion in entry.drugs.items():
                found |= _known(emulsion.values, EMULSION_QUANTITIES, f"_{drug}")
            return found
        case Formulation():
            rows = _rows("release_rate", entry.release_rate) | _rows("vessel_permeability", entry.vessel_permeability)
            return _known(entry.values, LIPOSOME_QUANTITIES) | rows
        case Microspheres():
            return _known(entry.values, MICROSPHERE_QUANTITIES)


def _known(values: Values, quantities: Quantities, suffix: str = "") -> dict[str, Known]:
    return {f"{key}{suffix}": Known(value, quantities[key]) for key, value in values.items()}


def _rows(quantity: str, table: TemperatureTable) -> dict[str, Known]:
    return {_row(quantity, number): Known(value, TABLES[quantity]) for number, value in enumerate(table.values)}


def _row(quantity: str, number: int) -> str:
    return f"{quantity}_row_{number + 1}"
