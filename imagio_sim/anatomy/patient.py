# SPDX-License-Identifier: LGPL-3.0-or-later
"""From the files of a patient to the :class:`~imagio_sim.anatomy.model.Anatomy`, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from imagio_sim.anatomy.ellipsoid import Ellipsoid
from imagio_sim.anatomy.fluid import InjectedFluid, Shell
from imagio_sim.anatomy.label_names import LabelNames
from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.merge import merge
from imagio_sim.anatomy.model import Anatomy, UnlabelledRule, build_anatomy
from imagio_sim.anatomy.read import read_image, read_labels
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume
from imagio_sim.errors import InputError

SPACING_MM = 1.0
"""Spacing of the grid of a homogeneous phantom."""
MARGIN_MM = 10.0


@dataclass(frozen=True)
class LabelRequest:
    """One file with labels and what to take from it; see :func:`~imagio_sim.anatomy.read.read_labels`."""

    path: Path
    name: str | None = None
    names: LabelNames = field(default_factory=dict)
    structures: tuple[str, ...] = ()
    largest_component: bool = False


@dataclass(frozen=True)
class FluidRequest:
    """A fluid to be injected: name of its label, its tissue, and its shape or the file that holds it."""

    name: str
    tissue: str
    shape: Ellipsoid | Shell | LabelRequest


def read_patient(
    labels: Sequence[LabelRequest],
    *,
    image_path: Path | None,
    pack: str | None,
    overrides: Mapping[str, str],
    unlabelled: UnlabelledRule,
    outside: str,
    target: str | VirtualLesion | None,
    where: str,
    perfusion: Image | None = None,
    fluids: Sequence[FluidRequest] = (),
    substitutes: Mapping[str, str] | None = None,
) -> Anatomy:
    """Read, merge and check everything; of overlapping labels the first file's wins.

    Without a label file the patient is a homogeneous phantom: all of the image, or of a grid around the virtual lesion,
    is unlabelled. Other arguments as those of :func:`~imagio_sim.anatomy.model.build_anatomy`.
    """
    image = None if image_path is None else read_image(image_path)
    volumes = [read_request(request, image_path) for request in labels]
    injected = [read_fluid(request, image_path) for request in fluids]
    volume = merge(volumes) if volumes else unlabelled_volume(image, target, injected, where=where)
    return build_anatomy(
        volume,
        pack=pack,
        overrides=overrides,
        unlabelled=unlabelled,
        outside=outside,
        target=target,
        image=image,
        perfusion=perfusion,
        fluids=injected,
        substitutes=substitutes,
        where=where,
    )


def read_fluid(request: FluidRequest, image_path: Path | None) -> InjectedFluid:
    """A fluid with its shape, which may be in a label file."""
    shape = request.shape
    if isinstance(shape, LabelRequest):
        return InjectedFluid(request.name, request.tissue, read_request(shape, image_path))
    return InjectedFluid(request.name, request.tissue, shape)


def read_request(request: LabelRequest, image_path: Path | None) -> LabelVolume:
    """Read the labels of one file."""
    return read_labels(
        request.path,
        names=request.names,
        structures=request.structures or None,
        image_path=image_path,
        largest_component=request.largest_component,
        name=request.name,
    )


def unlabelled_volume(
    image: Image | None, target: str | VirtualLesion | None, fluids: Sequence[InjectedFluid], *, where: str
) -> LabelVolume:
    """Volume without labels, on the image's grid or around a virtual lesion and the fluids beside it, or the origin."""
    if image is not None:
        return LabelVolume(np.zeros(image.grid.shape, dtype=np.int32), image.grid, {})
    if isinstance(target, str):
        raise InputError(
            f"{where}.labels",
            found="no label file",
            allowed="at least one, or a virtual lesion as the target",
            remedy=f"name the file that holds the label {target!r}",
        )
    lesions = [np.zeros((2, 3)) if target is None else target.box_mm]
    boxes = [*lesions, *(fluid.shape.box_mm for fluid in fluids if isinstance(fluid.shape, Ellipsoid))]
    lower, upper = np.min(boxes, axis=(0, 1)) - MARGIN_MM, np.max(boxes, axis=(0, 1)) + MARGIN_MM
    grid = Grid.around(np.floor(lower), np.ceil(upper), SPACING_MM)
    return LabelVolume(np.zeros(grid.shape, dtype=np.int32), grid, {})
