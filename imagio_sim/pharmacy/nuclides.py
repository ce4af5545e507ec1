# SPDX-License-Identifier: LGPL-3.0-or-later
"""Radionuclides that microspheres carry: half-life, energy of a decay, and its electrons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.records import Quantity, Values, needed, read_record, read_values, record_names
from imagio_sim.tissue.value import load_sources

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "half_life": Quantity("s", 60.0, 1e10, "physical half-life"),
        "electron_energy": Quantity("MeV", 1e-4, 10.0, "energy of all electrons of a decay"),
        "photon_energy": Quantity("MeV", 0.0, 10.0, "energy of all x and gamma rays of a decay"),
    }
)
"""What is known of every radionuclide."""

JOULE_PER_MEV = 1.602176634e-13
"""Exact by the definition of the units."""


@dataclass(frozen=True)
class Emission:
    """A table of what a decay emits: energies [MeV], and as many numbers (of lines) or numbers per MeV."""

    energy_MeV: tuple[float, ...]
    number: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class Nuclide:
    """A radionuclide.

    Attributes
    ----------
    name, title
        Name in the pharmacy and for people.
    values
        Quantity (:data:`QUANTITIES`) to its value.
    spectrum, lines
        Electrons of a decay with continuous and with discrete energies.
    """

    name: str
    title: str
    values: Values
    spectrum: Emission
    lines: Emission

    def value(self, name: str) -> float:
        """Give a quantity; one that is not known is refused with its name."""
        return needed(self.values, name, QUANTITIES, where=f"nuclide '{self.name}'").value

    @property
    def decay_constant(self) -> float:
        """Decays per atom and second [1/s]."""
        return math.log(2.0) / self.value("half_life")

    @property
    def electron_energy(self) -> float:
        """Energy of all electrons of a decay [J]."""
        return self.value("electron_energy") * JOULE_PER_MEV

    @property
    def energy_per_activity(self) -> float:
        """Energy of the electrons of all decays to come, per activity [J/Bq]."""
        return self.electron_energy / self.decay_constant


def nuclide_names() -> tuple[str, ...]:
    """Names of all radionuclides, sorted."""
    return record_names("nuclides")


@cache
def load_nuclide(name: str) -> Nuclide:
    """Give a radionuclide of the pharmacy; an unknown name is refused with the nearest one."""
    record = read_record("nuclides", name, "nuclide")
    where = f"nuclides/{name}.yaml"
    return Nuclide(
        name=name,
        title=record["title"],
        values=read_values(record["values"], QUANTITIES, where=where),
        spectrum=_emission(record["spectrum"], "electrons_per_MeV", f"{where}: spectrum"),
        lines=_emission(record["lines"], "electrons", f"{where}: lines"),
    )


def _emission(record: Mapping[str, Any], column: str, where: str) -> Emission:
    energy, number = tuple(map(float, record["energy_MeV"])), tuple(map(float, record[column]))
    if len(energy) != len(number) or min(number) < 0.0 or any(after <= one for one, after in pairwise(energy)):
        raise InputError(
            where,
            found=f"{len(energy)} energies and {len(number)} numbers, or unordered or negative ones",
            allowed="rising energies and as many numbers from 0 on",
            remedy="correct the data file",
        )
    if record["source"] not in load_sources():
        raise InputError(
            where, found=repr(record["source"]), allowed="a key of the bibliography", remedy="name the source"
        )
    return Emission(energy, number, record["source"])
