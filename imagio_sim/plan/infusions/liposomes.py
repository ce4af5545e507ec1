# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes in the blood that release their drug where it is warm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from imagio_sim.plan.infusions.infusion import InfusionModel
from imagio_sim.plan.infusions.names import LiposomeName
from imagio_sim.units import DURATION, DrugMass, QuantityKind

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Pharmacy

InfusionTime = Annotated[float, DURATION.within(1.0, 6 * 3600.0, "30 min")]
BodyMass = Annotated[float, QuantityKind("body mass", "kg", 0.01, 300.0, "71 kg")]


class Liposomes(InfusionModel):
    """A drug in liposomes, given into a vein.

    Attributes
    ----------
    formulation
        Name in the pharmacy; it says which drug they hold.
    drug_mass
        Drug that is given [mg].
    infusion_time
        How long the infusion takes [s].
    body_mass
        Of the patient [kg], to which volumes and clearances are scaled; default: that of the patients of the data.
    """

    MODALITY: ClassVar[str] = "liposomes"
    AGENTS: ClassVar[tuple[str, ...]] = ("drug",)

    kind: Literal["liposomes"]
    formulation: LiposomeName
    drug_mass: DrugMass
    infusion_time: InfusionTime
    body_mass: BodyMass | None = None

    @property
    def duration(self) -> float:
        """Time [s] that the infusion takes."""
        return self.infusion_time

    @property
    def opened_by_heat(self) -> bool:
        """Whether they give off more drug where it is warm than a membrane does anyway."""
        from imagio_sim.pharmacy.liposomes import load_liposomes

        return load_liposomes(self.formulation).is_thermosensitive

    def library_entries(self, pharmacy: Pharmacy) -> Mapping[str, Any]:
        """Its formulation, and the drug that it holds."""
        formulation = pharmacy.liposomes(self.formulation)
        return {"formulation": formulation, "drug": pharmacy.drug(formulation.drug)}
