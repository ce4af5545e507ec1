# SPDX-License-Identifier: LGPL-3.0-or-later
"""Applicator geometry: rods with sections, in the applicator's own frame or placed in the patient.

Every needle-like applicator is a set of *rods*: a centre line (straight shaft or curved tine) with a radius,
whose surface is divided by arc length into named *sections*. What is not covered by a section is inert shaft
(insulated, no flux).  In the applicator's frame the tip of the main shaft is the origin and +z points
from the tip towards the hub.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TipShape = Literal["flat", "cone", "round"]

WITHOUT_SECTION = "shaft"
"""What meshes call the surface of a rod that no section covers; no section may have this name."""


@dataclass(frozen=True)
class Section:
    """A stretch of a rod's surface, by arc length [mm] from the distal end.

    ``conductor`` names the electrically connected group an electrode section belongs to (None: not an electrode).
    ``heat_transfer_coefficient`` [W/(m2 K)] and ``coolant_temperature`` [degC] describe internal cooling (both None:
    uncooled). ``active`` sections are where the device acts on the tissue: the mesh is fine around them.
    """

    name: str
    start_mm: float
    end_mm: float
    conductor: str | None = None
    heat_transfer_coefficient: float | None = None
    coolant_temperature: float | None = None
    active: bool = True


@dataclass(frozen=True)
class Rod:
    """A centre line with a radius; ``path_mm`` are points from the distal end backwards."""

    name: str
    path_mm: tuple[tuple[float, float, float], ...]
    radius_mm: float
    tip: TipShape
    tip_length_mm: float
    sections: tuple[Section, ...]

    @property
    def length_mm(self) -> float:
        """Arc length of the centre line."""
        return float(np.linalg.norm(np.diff(np.array(self.path_mm), axis=0), axis=1).sum())

    def moved(self, transform: NDArray[np.float64]) -> Rod:
        """The rod under a rigid motion (4, 4)."""
        path = np.array(self.path_mm) @ transform[:3, :3].T + transform[:3, 3]
        return replace(self, path_mm=tuple((float(x), float(y), float(z)) for x, y, z in path))


@dataclass(frozen=True)
class PlacedApplicator:
    """An applicator in the patient: its ``name`` in the plan, device name, rods in LPS mm, entry and tip (LPS mm)."""

    name: str
    device: str
    rods: tuple[Rod, ...]
    entry_mm: tuple[float, float, float]
    tip_mm: tuple[float, float, float]


def placement(tip_mm: NDArray[np.float64], entry_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rigid motion (4, 4) that takes the applicator frame to the patient: origin to the tip, +z towards the entry.

    The roll about the axis is fixed by the patient's axes (x of the applicator as close to patient left as
    possible), so the same entry and tip always give the same tines.
    """
    axis = (entry_mm - tip_mm) / np.linalg.norm(entry_mm - tip_mm)
    reference = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    across = reference - axis * (reference @ axis)
    across /= np.linalg.norm(across)
    motion = np.eye(4)
    motion[:3, :3] = np.column_stack([across, np.cross(axis, across), axis])
    motion[:3, 3] = tip_mm
    return motion
