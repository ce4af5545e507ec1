# SPDX-License-Identifier: LGPL-3.0-or-later
"""What an applicator runs through on its way from entry to tip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import LabelVolume

UNLABELLED, OUTSIDE = "unlabelled", "outside the image"
RISKY_ROLES = ("vessel", "lung", "bowel", "bone")
"""Roles a needle should not pass through without the planner knowing."""
_STEP_MM = 0.25


@dataclass(frozen=True)
class Trajectory:
    """The straight path of one applicator.

    Attributes
    ----------
    applicator
        Its name in the plan.
    length_mm
        From entry to tip.
    label_lengths_mm
        Length within each label, ``unlabelled`` tissue and ``outside the image``, in order of first contact.
    role_lengths_mm
        The same by the labels' roles.
    warnings
        One sentence per risky role crossed.
    """

    applicator: str
    length_mm: float
    label_lengths_mm: Mapping[str, float]
    role_lengths_mm: Mapping[str, float]
    warnings: tuple[str, ...]


def trajectory(
    applicator: str,
    entry_mm: NDArray[np.float64],
    tip_mm: NDArray[np.float64],
    labels: LabelVolume,
    roles: Mapping[str, str],
) -> Trajectory:
    """Follow the path through the label volume.

    Parameters
    ----------
    entry_mm, tip_mm
        Ends of the path (3,) in LPS mm.
    labels
        The patient's labels.
    roles
        Role of each label name (``organ``, ``vessel``, ``bone`` ...).
    """
    length = float(np.linalg.norm(tip_mm - entry_mm))
    count = max(1, int(np.ceil(length / _STEP_MM)))
    share = (np.arange(count) + 0.5) / count
    names = _names(entry_mm + share[:, None] * (tip_mm - entry_mm), labels)
    by_label = {str(name): float((names == name).sum()) * length / count for name in dict.fromkeys(names)}
    by_role: dict[str, float] = {}
    for name, part in by_label.items():
        role = roles.get(name, name)
        by_role[role] = by_role.get(role, 0.0) + part
    return Trajectory(applicator, length, by_label, by_role, _warnings(applicator, by_label, by_role, roles))


def _names(points_mm: NDArray[np.float64], labels: LabelVolume) -> NDArray[np.str_]:
    voxel, inside = labels.grid.nearest(points_mm)
    numbers = labels.labels[tuple(voxel.T)]
    found = [labels.names[n] if n else UNLABELLED for n in numbers.tolist()]
    return np.where(inside, np.array(found), OUTSIDE)


def _warnings(
    applicator: str, by_label: Mapping[str, float], by_role: Mapping[str, float], roles: Mapping[str, str]
) -> tuple[str, ...]:
    sentences = []
    for role in RISKY_ROLES:
        if role in by_role:
            names = ", ".join(name for name in by_label if roles.get(name) == role)
            sentences.append(f"{applicator}: the path runs {by_role[role]:.1f} mm through {role} ({names})")
    return tuple(sentences)
