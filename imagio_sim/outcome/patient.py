# SPDX-License-Identifier: LGPL-3.0-or-later
"""What of the patient the outcome needs, taken from the anatomy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid, LabelVolume
from imagio_sim.outcome.surface import Surface

_BORDER_VOXELS = 1.0


@dataclass(frozen=True, eq=False)
class Patient:
    """What of the patient the outcome needs.

    Attributes
    ----------
    target
        Closed surface of the target; None for a case without one (a phantom).
    capsule
        Surface of the organ, for the subcapsular rule; None counts the target's whole surface.
    structures
        Closed surfaces of each critical structure, by its name and label.
    labels, roles
        Labels and the role of each, for trajectories; labels are None for a phantom.
    """

    target: Surface | None
    capsule: Surface | None
    structures: Mapping[str, Mapping[str, Surface]]
    labels: LabelVolume | None
    roles: Mapping[str, str]


def patient_of(
    anatomy: Anatomy, structures: Mapping[str, Sequence[str]], *, leave_out_subcapsular: bool = True
) -> Patient:
    """Gather the surfaces the outcome is measured on.

    Parameters
    ----------
    structures
        Labels of each critical structure, by its name.
    leave_out_subcapsular
        Whether the target's surface near the capsule of the organ it lies in is left out of margins.
    """
    capsule = anatomy.organ_capsule() if leave_out_subcapsular and anatomy.target_touches_organ() else None
    target = anatomy.target_surface()
    return Patient(
        target=None if target is None else Surface(*target),
        capsule=None if capsule is None else without_image_border(Surface(*capsule), anatomy.labels.grid),
        structures={
            name: {label: Surface(*anatomy.label_surface(label)) for label in labels}
            for name, labels in structures.items()
        },
        labels=anatomy.labels,
        roles={name: labelled.role for name, labelled in anatomy.tissues.items()},
    )


def without_image_border(capsule: Surface, grid: Grid) -> Surface | None:
    """Leave out the part of an organ's surface along which the image cuts it; None if nothing remains.

    A liver cut by the field of view goes on beyond it: there is no capsule, so margins there count.
    """
    index = grid.to_index(capsule.corners_mm.mean(axis=1))
    last = np.array(grid.shape) - 1.0
    inside = ((index > _BORDER_VOXELS) & (index < last - _BORDER_VOXELS)).all(axis=1)
    return Surface(capsule.points_mm, capsule.triangles[inside]) if inside.any() else None
