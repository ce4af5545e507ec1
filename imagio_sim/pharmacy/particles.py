# SPDX-License-Identifier: LGPL-3.0-or-later
"""Particles that close arterioles: beads that bind drugs by ion exchange, bland ones, and gelatin.

Volumes of particles are those of the settled beads, as they are prescribed; ``packing`` is the share of it that is
bead and not fluid between beads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.records import Quantity, Values, needed, read_record, read_values, record_names
from imagio_sim.physics.bead import linear_driving_force_rate

Release: TypeAlias = Literal["ion_exchange", "diffusion"]
"""How beads give their drug: held by their charges, or diffusing out of them by a partition."""

# A concentration [mol/m3] that no dissolved drug comes near.
_UNREACHED = 1e3

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "diameter": Quantity("m", 1e-6, 5e-3, "diameter in saline, without a drug; its sd is that of the beads"),
        "density": Quantity("kg/m3", 500.0, 5000.0, "mass density of a bead in saline"),
        "packing": Quantity("1", 0.3, 0.8, "share of the settled volume that is bead"),
        "occlusion_time": Quantity("s", 60.0, 1e12, "time after which vessels are open again; 1e11 for never"),
    }
)
"""What is known of every particle."""

LOADING_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "capacity": Quantity("kg/m3", 0.1, 500.0, "largest dose bound, per volume of settled beads"),
        "usual_load": Quantity("kg/m3", 0.1, 500.0, "dose bound as usually prescribed, per volume of settled beads"),
        "unbound_share": Quantity("1", 0.0, 0.2, "share of the dose that is not bound when it is given"),
        "half_saturation": Quantity(
            "mol/m3",
            1e-9,
            1e3,
            "free concentration in body fluid (0.15 mol/l salt) that fills half of the sites",
        ),
        "exchange_rate": Quantity("1/s", 1e-9, 1.0, "rate at which the load approaches its equilibrium"),
        "partition": Quantity(
            "1", 1e-3, 1e7, "concentration in a bead over that in body fluid, for release by diffusion alone"
        ),
        "bead_diffusivity": Quantity("m2/s", 1e-20, 1e-9, "diffusivity in a bead, for release by diffusion alone"),
        "diameter_ratio": Quantity("1", 0.3, 3.0, "diameter when loaded, relative to that without a drug"),
    }
)
"""What is known of a particle and a drug together."""


@dataclass(frozen=True)
class Loading:
    """How beads bind a drug: ion exchange with the equilibrium of Langmuir and a first-order approach to it."""

    drug: str
    values: Values

    def value(self, name: str) -> float:
        """Give a quantity of :data:`LOADING_QUANTITIES` in SI units."""
        return needed(self.values, name, LOADING_QUANTITIES, where=f"loading of {self.drug}").value

    @property
    def capacity(self) -> float:
        """Sites per volume of settled beads [mol/m3]."""
        return self.value("capacity") / load_drug(self.drug).value("dose_molar_mass")


@dataclass(frozen=True)
class Exchange:
    """How beads give a drug to fluid: sites per volume of settled beads and half saturation [mol/m3], rate [1/s]."""

    capacity: float
    half_saturation: float
    rate: float


@dataclass(frozen=True)
class Particles:
    """Particles of one kind and size.

    Attributes
    ----------
    name, title
        Name in the pharmacy and for people.
    values
        Quantity (:data:`QUANTITIES`) to its value.
    drugs
        Drug to how it is bound; empty for particles that bind none.
    """

    name: str
    title: str
    values: Values
    drugs: Mapping[str, Loading]

    def value(self, name: str) -> float:
        """Give a quantity in SI units; one that is not known is refused with its name."""
        return needed(self.values, name, QUANTITIES, where=f"particles '{self.name}'").value

    def loading(self, drug: str) -> Loading:
        """How a drug is bound; refused for one that is not."""
        if drug not in self.drugs:
            raise InputError(
                f"particles '{self.name}'",
                found=f"drug '{drug}'",
                allowed=f"one of {', '.join(self.drugs) or 'no drug: these particles bind none'}",
                remedy="choose other particles, or another drug",
            )
        return self.drugs[drug]

    def capacity_mg_per_ml(self, drug: str) -> float:
        """Largest dose [mg] that one millilitre of settled beads holds."""
        return self.loading(drug).value("capacity")  # kg/m3 is mg/ml

    def largest_dose_mg(self, drug: str, volume_ml: float) -> float:
        """Largest dose [mg] that a volume [ml] of settled beads holds."""
        return self.capacity_mg_per_ml(drug) * volume_ml

    def smallest_volume_ml(self, drug: str, dose_mg: float) -> float:
        """Smallest volume [ml] of settled beads that holds a dose [mg]."""
        return dose_mg / self.capacity_mg_per_ml(drug)

    def loaded_diameter(self, drug: str | None) -> float:
        """Mean diameter [m] in the artery, with the drug they are loaded with."""
        ratio = 1.0 if drug is None else self.loading(drug).value("diameter_ratio")
        return ratio * self.value("diameter")

    def exchange(self, drug: str, release: Release) -> Exchange:
        """How a drug leaves, by ion exchange or by diffusion alone.

        Diffusion out of a sphere is given as an exchange too: at a concentration far below the half saturation the
        isotherm is the partition, and the rate is that of the linear driving force.
        """
        loading = self.loading(drug)
        if release == "ion_exchange":
            return Exchange(loading.capacity, loading.value("half_saturation"), loading.value("exchange_rate"))
        bead_share = self.value("packing") * loading.value("diameter_ratio") ** 3
        rate = linear_driving_force_rate(
            radius=0.5 * self.loaded_diameter(drug), diffusivity=loading.value("bead_diffusivity")
        )
        return Exchange(loading.value("partition") * bead_share * _UNREACHED, _UNREACHED, rate)

    def number_in(self, volume_ml: float) -> float:
        """Number of particles in a settled volume [ml], as the mean volume of unloaded beads gives it."""
        return self.value("packing") * volume_ml * 1e-6 / self.mean_volume

    @property
    def mean_volume(self) -> float:
        """Mean volume [m3] of an unloaded bead whose diameters are spread normally."""
        mean, spread = self.value("diameter"), self.values["diameter"].sd or 0.0
        return math.pi / 6.0 * (mean**3 + 3.0 * mean * spread**2)


def particle_names() -> tuple[str, ...]:
    """Names of all particles, sorted."""
    return record_names("particles")


@cache
def load_particles(name: str) -> Particles:
    """Particles of the pharmacy; an unknown name is refused with the nearest one."""
    record = read_record("particles", name, "particle")
    where = f"particles/{name}.yaml"
    loadings = {drug: _loading(drug, values, where) for drug, values in record.get("drugs", {}).items()}
    return Particles(
        name, record["title"], read_values(record["values"], QUANTITIES, where=where), MappingProxyType(loadings)
    )


def _loading(drug: str, records: Mapping[str, Any], where: str) -> Loading:
    return Loading(drug, read_values(records, LOADING_QUANTITIES, where=f"{where}: drugs.{drug}"))
