# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fluid injected to separate organs (hydrodissection), as a layer painted over the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.capsule import filled_organ
from imagio_sim.anatomy.ellipsoid import Ellipsoid
from imagio_sim.anatomy.labelling import LabelledTissue, Role
from imagio_sim.anatomy.lattice import labels_on
from imagio_sim.anatomy.surfaces import is_surfaces_only, on_grid
from imagio_sim.anatomy.volume import LabelVolume
from imagio_sim.errors import InputError

ROLE: Role = "other"


@dataclass(frozen=True)
class Shell:
    """What lies upon a label within ``thickness_mm`` of it, and within ``part`` where that is given.

    Tumours, vessels and ducts within the label are part of what it lies upon; vessels that leave it stay vessels.
    """

    around: str
    thickness_mm: float
    part: Ellipsoid | None = None


@dataclass(frozen=True, eq=False)
class InjectedFluid:
    """A fluid of the tissue library under a label name, and where it is.

    A label volume counts with all its labelled voxels.
    """

    name: str
    tissue: str
    shape: Ellipsoid | Shell | LabelVolume


def with_fluids(
    labels: LabelVolume,
    tissues: Mapping[str, LabelledTissue],
    fluids: Sequence[InjectedFluid],
    *,
    spared: NDArray[np.bool_],
    where: str,
) -> tuple[LabelVolume, dict[str, LabelledTissue]]:
    """Labels and tissues with fluids painted over everything but the ``spared`` voxels (i, j, k), the target.

    Of overlapping fluids the first wins. A label that loses voxels loses the surface it was read from, too.
    """
    painted, names, known = labels.labels.copy(), dict(labels.names), dict(tissues)
    for index, fluid in reversed(list(enumerate(fluids))):
        place = f"{where}[{index}]"
        _refuse_taken_name(fluid.name, names, place)
        here = voxels_of(fluid, labels, tissues, where=place) & ~spared
        if not here.any():
            raise InputError(
                place,
                found=f"fluid {fluid.name!r} without a voxel",
                allowed=f"fluid within {labels.grid.describe()}, beside the target",
                remedy="check its position, frame (RAS or LPS) and thickness",
            )
        number = max(names, default=0) + 1
        painted[here], names[number] = number, fluid.name
        known[fluid.name] = LabelledTissue(fluid.tissue, ROLE)
    changed = {labels.names[int(number)] for number in np.unique(labels.labels[painted != labels.labels]) if number}
    surfaces = {name: surface for name, surface in labels.surfaces.items() if name not in changed}
    return replace(labels, labels=painted, names=names, surfaces=surfaces), known


def _refuse_taken_name(name: str, names: Mapping[int, str], where: str) -> None:
    if name in names.values():
        raise InputError(
            f"{where}.name",
            found=f"{name!r}, which the patient has already",
            allowed="a name of its own",
            remedy="name the fluid differently",
        )


def voxels_of(
    fluid: InjectedFluid, labels: LabelVolume, tissues: Mapping[str, LabelledTissue], *, where: str
) -> NDArray[np.bool_]:
    """Voxels (i, j, k) of the labels' grid that a fluid fills."""
    if isinstance(fluid.shape, Ellipsoid):
        return ellipsoid_voxels(fluid.shape, labels)
    if isinstance(fluid.shape, Shell):
        return shell_voxels(fluid.shape, labels, tissues, where=f"{where}.shell")
    volume = fluid.shape
    placed = (
        on_grid(volume, labels.grid)
        if is_surfaces_only(volume)
        else labels_on(volume, labels.grid, where=f"{where}.labels")
    )
    return np.asarray(placed.labels > 0)


def ellipsoid_voxels(ellipsoid: Ellipsoid, labels: LabelVolume) -> NDArray[np.bool_]:
    """Voxels (i, j, k) whose centres lie in an ellipsoid."""
    found = np.zeros(labels.grid.shape, dtype=bool)
    lower, upper = labels.grid.voxels_around(ellipsoid.box_mm)
    inner = tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))
    shape = found[inner].shape
    centres = labels.grid.part(lower, upper).to_lps(np.indices(shape).reshape(3, -1).T.astype(float))
    found[inner] = ellipsoid.contains(centres).reshape(shape)
    return found


def shell_voxels(
    shell: Shell, labels: LabelVolume, tissues: Mapping[str, LabelledTissue], *, where: str
) -> NDArray[np.bool_]:
    """Voxels (i, j, k) of a layer upon a label."""
    from scipy.ndimage import binary_fill_holes, distance_transform_edt

    if shell.around not in labels.names.values() or not labels.mask(shell.around).any():
        raise InputError(
            f"{where}.around",
            found=f"label {shell.around!r}",
            allowed=f"one of {', '.join(labels.names.values())}",
            remedy="imagio anatomy FILE lists the labels",
        )
    vessels = _mask_of_roles(labels, tissues, "vessel", "bile")
    solid = labels.mask(shell.around) | _mask_of_roles(labels, tissues, "tumour")
    mask = filled_organ(solid, vessels, labels.grid.spacing_mm)
    # Only the box that the layer can reach: distance maps of a whole CT would take gigabytes.
    margin = np.ceil(shell.thickness_mm / labels.grid.spacing_mm).astype(int) + 1
    occupied = np.argwhere(mask)
    lower = np.maximum(occupied.min(axis=0) - margin, 0)
    upper = np.minimum(occupied.max(axis=0) + margin + 1, mask.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(lower, upper, strict=True))
    distance = distance_transform_edt(~binary_fill_holes(mask[box]), sampling=labels.grid.spacing_mm)
    found = np.zeros(mask.shape, dtype=bool)
    found[box] = (distance > 0.0) & (distance <= shell.thickness_mm)
    found &= ~vessels
    return found if shell.part is None else found & ellipsoid_voxels(shell.part, labels)


def _mask_of_roles(labels: LabelVolume, tissues: Mapping[str, LabelledTissue], *roles: Role) -> NDArray[np.bool_]:
    numbers = [number for number, name in labels.names.items() if tissues[name].role in roles]
    return np.isin(labels.labels, numbers)
