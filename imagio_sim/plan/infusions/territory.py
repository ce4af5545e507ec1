# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which tissue an infusion reaches: labels, an image, a ball, or what a catheter's artery feeds."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag

from imagio_sim.plan.model import PlanModel, Point, Text, one_key_of
from imagio_sim.units import LENGTH_MM, Fraction, Misfit

ImageUnit = Literal["relative", "Bq/ml", "kBq/ml", "MBq/ml"]
"""What the values of an image of uptake are in."""
RELATIVE = "relative"
"""Of those the one that says nothing of activity."""


def _known_unit(unit: str) -> str:
    known = get_args(ImageUnit)
    if unit not in known:
        raise Misfit(
            repr(unit), f"one of {', '.join(known)}", "relative for a CBCT or SPECT without calibration"
        ).raised_in_validation()
    return unit


def _tagged(tags: dict[str, str]) -> Discriminator:
    """Variants told apart by the key they carry; a tag that is no key keeps it out of the path of an error."""
    key_of = one_key_of(*tags)

    def tag(given: Any) -> str | None:
        return tags.get(key_of(given) or "")

    return Discriminator(tag)


class LabelTerritory(PlanModel):
    """Everything that carries one of these labels."""

    labels: tuple[Text, ...] = Field(min_length=1)


class ImageTerritory(PlanModel):
    """An image of what was reached, on the grid of the labels or another one of the same frame.

    Attributes
    ----------
    image
        NIfTI or NRRD, or a folder with one DICOM series.
    unit
        What its values are in: ``relative`` uptake, or activity per volume, which then is the deposition itself.
    threshold
        Share of its maximum below which a voxel counts as not reached.
    """

    image: Text
    unit: Annotated[str, AfterValidator(_known_unit)]
    threshold: Fraction = 0.0


class Ball(PlanModel):
    """Centre in the scenario's frame [mm] and diameter [mm]."""

    centre: Point
    diameter: Annotated[float, LENGTH_MM.within(1.0, 400.0, "8 cm")]


class BallTerritory(PlanModel):
    """The organ within a ball."""

    sphere: Ball


class ArteryLabel(PlanModel):
    """Arteries as a label of the segmentation; blood enters where they are widest, or nearest to ``inlet``."""

    label: Text
    inlet: Point | None = None


class ArteryLines(PlanModel):
    """Arteries as centre lines in the direction of flow, with a radius array if the file has one."""

    centre_lines: Text
    frame: Literal["RAS", "LPS"]
    length_unit: Literal["mm", "cm", "m"]
    radius_array: Text | None = None


Arteries = Annotated[
    Annotated[ArteryLabel, Tag("artery label")] | Annotated[ArteryLines, Tag("artery lines")],
    _tagged({"label": "artery label", "centre_lines": "artery lines"}),
]


class CatheterTerritory(PlanModel):
    """What is fed by the arteries downstream of the catheter's tip, a point of the scenario's frame [mm]."""

    catheter: Point
    arteries: Arteries


Territory = Annotated[
    Annotated[LabelTerritory, Tag("territory by labels")]
    | Annotated[ImageTerritory, Tag("territory by image")]
    | Annotated[BallTerritory, Tag("territory by sphere")]
    | Annotated[CatheterTerritory, Tag("territory by catheter")],
    _tagged(
        {
            "labels": "territory by labels",
            "image": "territory by image",
            "sphere": "territory by sphere",
            "catheter": "territory by catheter",
        }
    ),
]
"""One of the ways to say where it goes."""
