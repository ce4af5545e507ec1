# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microspheres that carry a radionuclide into arterioles and stay there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from imagio_sim.pharmacy.nuclides import Nuclide, load_nuclide
from imagio_sim.pharmacy.records import Quantity, Values, needed, read_record, read_values, record_names

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "diameter": Quantity("m", 5e-6, 2e-4, "mean diameter"),
        "density": Quantity("kg/m3", 800.0, 6000.0, "mass density of a sphere"),
        "activity_per_sphere": Quantity("Bq", 1.0, 1e5, "activity of a sphere when it is given"),
        "half_control_dose": Quantity("Gy", 1.0, 1e4, "mean dose at which half of the tumours are controlled"),
        "control_slope": Quantity("1", 0.1, 20.0, "rise of the probability of control per relative dose at that dose"),
    }
)
"""What is known of all microspheres."""


@dataclass(frozen=True)
class Microspheres:
    """Microspheres of one make.

    Attributes
    ----------
    name, title
        Name in the pharmacy and for people.
    nuclide
        What they carry.
    values
        Quantity (:data:`QUANTITIES`) to its value, with its spread.
    """

    name: str
    title: str
    nuclide: Nuclide
    values: Values

    def value(self, name: str) -> float:
        """Give a quantity in SI units; one that is not known is refused with its name."""
        return needed(self.values, name, QUANTITIES, where=f"microspheres '{self.name}'").value

    def number(self, activity: float) -> float:
        """How many spheres an activity [Bq] is on."""
        return activity / self.value("activity_per_sphere")


def microsphere_names() -> tuple[str, ...]:
    """Names of all microspheres, sorted."""
    return record_names("microspheres")


@cache
def load_microspheres(name: str) -> Microspheres:
    """Give microspheres of the pharmacy; an unknown name is refused with the nearest one."""
    record = read_record("microspheres", name, "microsphere")
    values = read_values(record["values"], QUANTITIES, where=f"microspheres/{name}.yaml")
    return Microspheres(name, record["title"], load_nuclide(record["nuclide"]), values)
