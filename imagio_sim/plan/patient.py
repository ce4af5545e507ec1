# SPDX-License-Identifier: LGPL-3.0-or-later
"""The patient: images, labels and which tissue everything is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from imagio_sim.plan.model import Fault, OrganPackName, PlanModel, Text, TissueName, fault, one_key_of
from imagio_sim.units import TEMPERATURE, HounsfieldUnits, Misfit

BodyTemperature = Annotated[float, TEMPERATURE.within(0.0, 45.0, "37 degC")]


class LabelFile(PlanModel):
    """A file with labels: a label map, DICOM-SEG, RTSTRUCT or one closed surface.

    Attributes
    ----------
    file
        Path relative to the scenario, or ``data:NAME/...``.
    name
        What the one structure of a surface (or of a binary mask) is.
    names
        Label number, or name of a structure in the file, to the label's name here.
    structures
        Only these of the file's structures (after ``names``); empty for all.
    largest_component
        Keep only the largest connected part of each structure.
    """

    file: Text
    name: Text | None = None
    names: Mapping[int | str, Text] = Field(default_factory=dict)
    structures: tuple[Text, ...] = ()
    largest_component: bool = False

    def faults(self) -> Iterable[Fault]:
        """One name for all and names for each exclude each other."""
        if self.name is not None and self.names:
            yield fault(
                "names",
                found="both name and names",
                allowed="one of them",
                remedy="name a single structure with name, several with names",
            )


class HounsfieldRule(PlanModel):
    """Voxels below this CT number, but not below that of the rule before, are ``tissue``; the last rule is open."""

    below: HounsfieldUnits | None = None
    tissue: TissueName


class ByHounsfield(PlanModel):
    """Tissue of what carries no label, by CT number."""

    by_hu: tuple[HounsfieldRule, ...] = Field(min_length=1)

    def faults(self) -> Iterable[Fault]:
        """Limits rise and only the last rule is open."""
        limits = [rule.below for rule in self.by_hu]
        if limits[-1] is not None:
            yield fault(
                "by_hu",
                len(limits) - 1,
                "below",
                found="a limit in the last rule",
                allowed="no limit",
                remedy="end with a rule for all other CT numbers",
            )
        for index, limit in enumerate(limits[:-1]):
            before = limits[index - 1] if index else None
            if limit is None or (before is not None and limit <= before):
                yield fault(
                    "by_hu",
                    index,
                    "below",
                    found="no limit" if limit is None else f"{limit:g} HU",
                    allowed="a limit above the one before",
                    remedy="order the rules from low to high",
                )


class Cut(PlanModel):
    """The region ends where the image ends: no flux, body temperature, or the skin's heat exchange with the room."""

    cut: Literal["insulated", "body_temperature", "skin"]


def _kind_of_rule(given: Any) -> str | None:
    return "tissue" if isinstance(given, str) else one_key_of("by_hu", "cut")(given)


def _not_just_cut(given: Any) -> Any:
    if given == "cut":
        raise Misfit(
            "'cut' without its boundary",
            "a tissue, or cut with a boundary",
            "write {cut: insulated}, {cut: body_temperature} or {cut: skin}",
        ).raised_in_validation()
    return given


OutsideTissue = Annotated[TissueName, BeforeValidator(_not_just_cut)]
Unlabelled = Annotated[
    Annotated[TissueName, Tag("tissue")] | Annotated[ByHounsfield, Tag("by_hu")], Discriminator(_kind_of_rule)
]
Outside = Annotated[Annotated[OutsideTissue, Tag("tissue")] | Annotated[Cut, Tag("cut")], Discriminator(_kind_of_rule)]


class Patient(PlanModel):
    """Image, labels (the first file wins where labels overlap) and tissues.

    Attributes
    ----------
    image
        CT or MR; may be left out where only surfaces or labels exist.
    labels
        In order of priority.
    organ_pack
        Named set of label-to-tissue assignments.
    tissues
        Label name to tissue, on top of the organ pack.
    unlabelled
        What label 0 is: a tissue, or tissues by CT number.
    outside
        What lies beyond the image: a tissue, or a cut.
    body_temperature
        [degC].
    """

    image: Text | None = None
    labels: tuple[LabelFile, ...] = ()
    organ_pack: OrganPackName | None = None
    tissues: Mapping[str, TissueName] = Field(default_factory=dict)
    unlabelled: Unlabelled
    outside: Outside
    body_temperature: BodyTemperature

    def faults(self) -> Iterable[Fault]:
        """CT numbers need a CT, a patient without labels needs a tissue."""
        if isinstance(self.unlabelled, ByHounsfield) and self.image is None:
            yield fault(
                "unlabelled",
                found="by_hu without an image",
                allowed="a tissue",
                remedy="name the image, or one tissue for all that is unlabelled",
            )
        if not self.labels and not isinstance(self.outside, str):
            yield fault(
                "labels",
                found="no label file",
                allowed="at least one",
                remedy="name a label file, or make outside a tissue for a homogeneous phantom",
            )
