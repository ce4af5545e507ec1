# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is to be destroyed, and what must not be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Discriminator, Tag

from imagio_sim.plan.model import Fault, PlanModel, Point, Text, TissueName, fault, one_key_of
from imagio_sim.units import LENGTH_MM

Size = Annotated[float, LENGTH_MM.within(0.5, 300.0, "3 cm")]


class LabelTarget(PlanModel):
    """The target is a label of the segmentation."""

    label: Text


class Sphere(PlanModel):
    """Centre in the scenario's frame [mm], diameter [mm] and what it consists of."""

    centre: Point
    diameter: Size
    tissue: TissueName


class SphereTarget(PlanModel):
    """The target is a virtual round lesion."""

    sphere: Sphere


class Ellipsoid(PlanModel):
    """Centre in the scenario's frame [mm], semi-axes along its x, y, z [mm] and what it consists of."""

    centre: Point
    semi_axes: tuple[Size, Size, Size]
    tissue: TissueName


class EllipsoidTarget(PlanModel):
    """The target is a virtual ellipsoidal lesion."""

    ellipsoid: Ellipsoid


Target = Annotated[
    Annotated[LabelTarget, Tag("label")]
    | Annotated[SphereTarget, Tag("sphere")]
    | Annotated[EllipsoidTarget, Tag("ellipsoid")],
    Discriminator(one_key_of("label", "sphere", "ellipsoid")),
]


class CriticalStructure(PlanModel):
    """One or several labels that are to be spared, under one name (default: the label)."""

    label: Text | None = None
    labels: tuple[Text, ...] = ()
    name: Text | None = None

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The labels it consists of."""
        return self.labels or ((self.label,) if self.label else ())

    @property
    def known_as(self) -> str:
        """Its name in constraints and results."""
        return self.name or self.all_labels[0]

    def faults(self) -> Iterable[Fault]:
        """Either one label, or several."""
        if (self.label is None) == (not self.labels):
            found = "neither" if self.label is None else "both"
            yield fault(
                found=f"{found} of label and labels",
                allowed="one of them",
                remedy="give label for one, labels for several",
            )
