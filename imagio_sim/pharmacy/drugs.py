# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drugs by name: how they move, bind and enter cells in tissue, and how plasma loses them.

Amounts are in mol of the free drug; what is prescribed in milligrams is the salt of ``dose_molar_mass``. How cells die
of a drug is in :mod:`imagio_sim.tissue.death.drug`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from imagio_sim.pharmacy.records import (
    Quantity,
    Values,
    needed,
    read_record,
    read_values,
    record_names,
    refuse_implausible,
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "molar_mass": Quantity("kg/mol", 0.05, 200.0, "molar mass of the free drug"),
        "dose_molar_mass": Quantity("kg/mol", 0.05, 200.0, "molar mass of what a dose in milligrams weighs, the salt"),
        "free_diffusivity": Quantity("m2/s", 1e-14, 3e-9, "diffusion coefficient in the interstitium, free"),
        "bound_diffusivity": Quantity("m2/s", 0.0, 1e-9, "the same for drug bound to protein of that fluid"),
        "association_rate": Quantity("1/s", 0.0, 1e3, "rate at which free drug is bound to that protein"),
        "dissociation_rate": Quantity("1/s", 1e-9, 1e3, "rate at which bound drug comes free"),
        "free_vessel_permeability": Quantity("m/s", 0.0, 1e-3, "permeability of the capillary wall, free drug"),
        "bound_vessel_permeability": Quantity("m/s", 0.0, 1e-3, "the same for bound drug"),
        "cell_uptake_maximum": Quantity("mol/s", 1e-26, 1e-14, "largest flow across the membrane of one cell"),
        "uptake_half_saturation": Quantity(
            "mol/m3", 1e-9, 1e3, "concentration in the interstitial fluid, free and bound, at half the largest uptake"
        ),
        "efflux_half_saturation": Quantity("mol", 1e-24, 1e-9, "content of one cell at half the largest efflux"),
        "plasma_bound_share": Quantity("1", 0.0, 1.0, "share of the drug in plasma that is bound to protein"),
        "plasma_clearance": Quantity("m3/s", 0.0, 1e-3, "plasma cleared of the drug per second"),
        "plasma_volume": Quantity("m3", 1e-6, 1.0, "volume of the central compartment"),
        "peripheral_clearance_1": Quantity("m3/s", 0.0, 1e-2, "flow between plasma and the first peripheral part"),
        "peripheral_volume_1": Quantity("m3", 1e-6, 100.0, "volume of the first peripheral part"),
        "peripheral_clearance_2": Quantity("m3/s", 0.0, 1e-2, "the same for the second; zero where there is none"),
        "peripheral_volume_2": Quantity("m3", 1e-6, 100.0, "volume of the second peripheral compartment"),
    }
)
"""What may be known of a drug."""


@dataclass(frozen=True)
class Drug:
    """A drug and what is known of it.

    Attributes
    ----------
    name, title
        Name in the pharmacy and for people.
    values
        Quantity (:data:`QUANTITIES`) to its :class:`~imagio_sim.tissue.value.Value`; what is not known is absent.
    """

    name: str
    title: str
    values: Values

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            refuse_implausible(name, value, QUANTITIES, where=f"drug '{self.name}': {name}")

    def value(self, name: str) -> float:
        """Give a quantity in SI units; one that is not known is refused with its name."""
        return needed(self.values, name, QUANTITIES, where=f"drug '{self.name}'").value

    def amount_of(self, mass_mg: float) -> float:
        """Amount of the free drug [mol] in a dose [mg] of its salt."""
        return mass_mg * 1e-6 / self.value("dose_molar_mass")

    def dose_of(self, amount: float) -> float:
        """Dose [mg] of the salt that holds an amount [mol] of the free drug."""
        return amount * self.value("dose_molar_mass") * 1e6


def drug_names() -> tuple[str, ...]:
    """Names of all drugs, sorted."""
    return record_names("drugs")


@cache
def load_drug(name: str) -> Drug:
    """A drug of the pharmacy; an unknown name is refused with the nearest one."""
    record = read_record("drugs", name, "drug")
    return Drug(name, record["title"], read_values(record["values"], QUANTITIES, where=f"drugs/{name}.yaml"))
