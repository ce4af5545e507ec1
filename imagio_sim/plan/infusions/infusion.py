# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every infusion is, whatever it brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from imagio_sim.plan.infusions.territory import Territory
from imagio_sim.plan.model import Fault, Name, PlanModel, Text, fault
from imagio_sim.units import FRACTION, RATIO, Misfit

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Known, Pharmacy

Ratio = Annotated[float, RATIO.within(0.1, 100.0, "3")]
Occlusion = Annotated[float, FRACTION]
LungShunt = Annotated[float, FRACTION.within(0.0, 0.5, "5 %")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class InfusionModel(PlanModel):
    """Something that is given at the begin of a stage through a catheter or a vein.

    Attributes
    ----------
    name
        Default: ``infusion_1`` and so on, counted through the plan.
    kind
        What it brings.
    """

    MODALITY: ClassVar[str]
    AGENTS: ClassVar[tuple[str, ...]]

    name: Name | None = None
    kind: str

    @property
    def modality(self) -> str:
        """The treatment that it is."""
        return self.MODALITY

    @property
    def duration(self) -> float:
        """Time [s] that the infusion takes; what goes through a catheter is there at once."""
        return 0.0

    @property
    def into_artery(self) -> ArterialInfusion | None:
        """Itself where it goes through an artery, with a territory."""
        return None

    def library_entries(self, pharmacy: Pharmacy) -> Mapping[str, Any]:
        """Everything of a pharmacy that it uses, by what it is there, for ``plan.yaml``."""
        return {}

    def library_values(self, pharmacy: Pharmacy) -> Mapping[tuple[str, str], Known]:
        """Values of it that a scenario may give and that results rest on, by entry and key."""
        from imagio_sim.pharmacy.library import values_used

        entries = self.library_entries(pharmacy)
        drug = entries["drug"].name if "drug" in entries else None
        return {
            (entry.name, key): known for entry in entries.values() for key, known in values_used(entry, drug).items()
        }


class ArterialInfusion(InfusionModel):
    """Something that a catheter brings into an artery and that stays where its blood ends.

    Attributes
    ----------
    territory
        Where it goes.
    organ
        Labels that the artery feeds; the target counts among them always.
    tumour_to_normal
        Deposited per volume of target by that per volume of the organ beside it; default: that of the data, with its
        spread.
    lung_shunt
        Share of what is given that passes the organ and stays in the lungs. Default: none, for beads are wider than
        capillaries and pass only where a tumour has arteriovenous shunts, which has to be measured in the patient.
    deposition
        ``smooth`` as the blood brings it, or in ``clusters`` of particles drawn by chance.
    seed
        Of the clusters; the same seed gives the same ones.
    """

    COUNTABLE: ClassVar[bool] = True
    """Whether it is particles, which can lie in clusters."""

    territory: Territory
    organ: tuple[Text, ...] = Field(min_length=1)
    tumour_to_normal: Ratio | None = None
    lung_shunt: LungShunt = 0.0
    deposition: Literal["smooth", "clusters"] = "smooth"
    seed: Seed | None = None

    @model_validator(mode="before")
    @classmethod
    def _goes_somewhere(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("territory") is None:
            raise Misfit(
                "no territory and no arteries",
                "labels, an image, a sphere, or a catheter with its arteries",
                "add territory: {labels: [liver]} or {catheter: [x, y, z], arteries: {label: arteries}}",
            ).raised_in_validation()
        return given

    @property
    def into_artery(self) -> ArterialInfusion:
        """Itself."""
        return self

    def particle_count(self, pharmacy: Pharmacy) -> float:
        """Particles that are given in all; 0 where nothing can be counted."""
        return 0.0

    def faults(self) -> Iterable[Fault]:
        """Clusters are of particles and have a seed, which nothing else has."""
        in_clusters = self.deposition == "clusters"
        if in_clusters and not self.COUNTABLE:
            yield fault(
                "deposition",
                found=f"clusters of {self.kind.replace('_', ' ')}",
                allowed="smooth: there are no particles to count",
                remedy="leave it out",
            )
        if in_clusters and self.seed is None:
            yield fault(
                "deposition",
                found="clusters without a seed",
                allowed="a seed, so that they can be drawn again",
                remedy="add seed: 1",
            )
        if not in_clusters and self.seed is not None:
            yield fault(
                "seed",
                found=f"{self.seed} for a smooth deposition",
                allowed="a seed of clusters",
                remedy="add deposition: clusters, or leave the seed out",
            )


class EmbolicInfusion(ArterialInfusion):
    """An infusion of particles that close arterioles.

    ``occlusion`` is the share of the arterial blood of the territory that no longer flows.
    """

    AGENTS: ClassVar[tuple[str, ...]] = ("ischaemia",)

    occlusion: Occlusion
