# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every infusion is, whatever it brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from imagio_sim.plan.infusions.territory import Territory
from imagio_sim.plan.model import Name, PlanModel, Text
from imagio_sim.units import FRACTION, RATIO, Misfit

Ratio = Annotated[float, RATIO.within(0.1, 100.0, "3")]
Occlusion = Annotated[float, FRACTION]


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

    def library_entries(self) -> Mapping[str, Any]:
        """Everything of the libraries that it uses, by what it is there, for ``plan.yaml``."""
        return {}


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
    """

    territory: Territory
    organ: tuple[Text, ...] = Field(min_length=1)
    tumour_to_normal: Ratio | None = None

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


class EmbolicInfusion(ArterialInfusion):
    """An infusion of particles that close arterioles.

    ``occlusion`` is the share of the arterial blood of the territory that no longer flows.
    """

    AGENTS: ClassVar[tuple[str, ...]] = ("ischaemia",)

    occlusion: Occlusion
