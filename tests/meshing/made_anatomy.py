# SPDX-License-Identifier: LGPL-3.0-or-later
"""Patients made of formulas, for the sampling tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import ClosedSurface, Grid, LabelVolume

Tissue = Callable[[NDArray[np.float64]], NDArray[np.int64]]


@dataclass(frozen=True)
class MadeAnatomy:
    """Tissues by a formula (-1: cut away); a vessel as a mask of voxels with a surface."""

    tissue_names: tuple[str, ...]
    tissue: Tissue
    outside: str = "fat"
    grid: Grid = field(default_factory=lambda: cube_grid(60, 1.0))
    lumen: NDArray[np.bool_] | None = None
    surfaces: dict[str, ClosedSurface] = field(default_factory=dict)

    @property
    def labels(self) -> LabelVolume:
        return cast(LabelVolume, SimpleNamespace(grid=self.grid))

    def sample(self, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.int16], NDArray[np.bool_], NDArray[np.bool_]]:
        index = self.tissue(points_mm).astype(np.int16)
        _, inside = self.grid.nearest(points_mm)
        return index, index == 0, ~inside

    def mask_of_role(self, role: str) -> NDArray[np.bool_]:
        return np.zeros(self.grid.shape, dtype=bool) if self.lumen is None else self.lumen

    def vessel_surfaces(self) -> dict[str, ClosedSurface]:
        return self.surfaces


def cube_grid(count: int, spacing: float) -> Grid:
    """A cube of voxels about the origin."""
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -spacing * (count - 1) / 2.0
    return Grid((count, count, count), affine)


def cylinder(radius: float, length: float, around: int = 48, along: int = 20) -> ClosedSurface:
    """The side of a cylinder along z, without its ends."""
    turns = 2.0 * np.pi * np.arange(around) / around
    heights = np.linspace(-length / 2.0, length / 2.0, along + 1)
    ring = np.column_stack([radius * np.cos(turns), radius * np.sin(turns)])
    points = np.vstack([np.column_stack([ring, np.full(around, height)]) for height in heights])
    lower = (np.arange(along)[:, None] * around + np.arange(around)).ravel()
    beside = (np.arange(along)[:, None] * around + (np.arange(around) + 1) % around).ravel()
    triangles = np.vstack(
        [np.column_stack([lower, beside, beside + around]), np.column_stack([lower, beside + around, lower + around])]
    )
    return ClosedSurface(points, triangles)
