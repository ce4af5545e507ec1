# SPDX-License-Identifier: LGPL-3.0-or-later
"""The one place where patient frames are converted: files may be RAS (or another), the library is LPS, mm.

L, P, S (left, posterior, superior) say where the first, second and third coordinate grow (DICOM PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OPPOSITE = {"L": "R", "R": "L", "P": "A", "A": "P", "S": "I", "I": "S"}
LPS = "LPS"


def to_lps(frame: str) -> NDArray[np.float64]:
    """Matrix (4, 4) that takes points of a frame such as ``RAS`` to LPS; for RAS and LAS it is its own inverse."""
    return np.diag([1.0 if letter == ours else -1.0 for letter, ours in zip(frame, LPS, strict=True)] + [1.0])


def affine_to_lps(affine: NDArray[np.float64], frame: str) -> NDArray[np.float64]:
    """Affine (4, 4) from voxel index to ``frame`` as one from voxel index to LPS."""
    return np.asarray(to_lps(frame) @ affine)


def affine_from_lps(affine: NDArray[np.float64], frame: str) -> NDArray[np.float64]:
    """Affine (4, 4) from voxel index to LPS as one from voxel index to ``frame``."""
    return np.asarray(to_lps(frame).T @ affine)


def orientation(affine: NDArray[np.float64]) -> str:
    """Where the voxel axes i, j, k of an LPS affine point, e.g. ``LPS`` or ``RAS``.

    Each axis takes the patient axis it runs along most, and no patient axis is used twice.
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    remaining = np.abs(directions)
    codes = [""] * 3
    for _ in range(3):
        patient, voxel = np.unravel_index(int(np.argmax(remaining)), (3, 3))
        codes[voxel] = LPS[patient] if directions[patient, voxel] > 0 else OPPOSITE[LPS[patient]]
        remaining[patient, :] = remaining[:, voxel] = -1.0
    return "".join(codes)
