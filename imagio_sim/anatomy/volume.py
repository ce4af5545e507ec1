# SPDX-License-Identifier: LGPL-3.0-or-later
"""Images and label volumes on a voxel grid in patient space (LPS, mm), and closed surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.frame import orientation


@dataclass(frozen=True, eq=False)
class Grid:
    """A voxel grid: ``shape`` (i, j, k) and ``affine`` (4, 4) from voxel index to LPS mm (voxel centres)."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @classmethod
    def around(cls, lower_mm: NDArray[np.float64], upper_mm: NDArray[np.float64], spacing_mm: float) -> Grid:
        """Axis-parallel LPS grid of cubic voxels that covers a box (3,) to (3,)."""
        count = np.ceil((upper_mm - lower_mm) / spacing_mm).astype(int) + 1
        affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
        affine[:3, 3] = lower_mm
        return cls((int(count[0]), int(count[1]), int(count[2])), affine)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance between neighbouring voxel centres along i, j, k, shape (3,)."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def bounds_mm(self) -> NDArray[np.float64]:
        """Lower and upper LPS corner (2, 3) of the box around all voxels, their half widths included."""
        faces = [(-0.5, count - 0.5) for count in self.shape]
        corners = self.to_lps(np.array(np.meshgrid(*faces)).reshape(3, -1).T)
        return np.array([corners.min(axis=0), corners.max(axis=0)])

    def to_lps(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Voxel indices (n, 3) to LPS mm (n, 3)."""
        return np.asarray(index @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """LPS mm (n, 3) to fractional voxel indices (n, 3)."""
        return np.asarray(np.linalg.solve(self.affine[:3, :3], (points_mm - self.affine[:3, 3]).T).T)

    def nearest(self, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Index (n, 3) of the voxel around each point (n, 3), clipped to the grid, and whether it is inside (n,)."""
        index = np.floor(self.to_index(points_mm) + 0.5).astype(np.int64)
        inside = np.all((index >= 0) & (index < np.array(self.shape)), axis=1)
        return np.clip(index, 0, np.array(self.shape) - 1), np.asarray(inside)

    def part(self, lower: NDArray[np.int64], upper: NDArray[np.int64]) -> Grid:
        """Grid of the voxels from index ``lower`` (3,) up to but without ``upper`` (3,)."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_lps(lower[None].astype(float))[0]
        size = upper - lower
        return Grid((int(size[0]), int(size[1]), int(size[2])), affine)

    def voxels_around(self, box_mm: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First (3,) and one-past-last (3,) index of the voxels around a box (2, 3) in LPS mm, within the grid."""
        index = self.to_index(np.array(np.meshgrid(*box_mm.T)).reshape(3, -1).T)
        shape = np.array(self.shape)
        lower = np.clip(np.floor(index.min(axis=0)).astype(np.int64), 0, shape - 1)
        upper = np.clip(np.ceil(index.max(axis=0)).astype(np.int64) + 1, lower + 1, shape)
        return lower, upper

    def matches(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids hold the same voxels in the same order: same shape, every corner within the tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, count - 1) for count in self.shape]), float).reshape(3, -1).T
        return bool(np.abs(self.to_lps(corners) - other.to_lps(corners)).max() <= tolerance_mm)

    def describe(self) -> str:
        """One phrase for messages: voxels, spacing, orientation and where the first voxel lies."""
        voxels = "x".join(str(count) for count in self.shape)
        spacing = "x".join(f"{length:.4g}" for length in self.spacing_mm)
        first = ", ".join(f"{coordinate:.1f}" for coordinate in self.affine[:3, 3])
        return f"{voxels} voxels of {spacing} mm ({orientation(self.affine)}) from LPS ({first}) mm"


class ClosedSurface(NamedTuple):
    """Closed triangulated surface: ``points_mm`` (n, 3) LPS and ``triangles`` (m, 3), oriented outwards."""

    points_mm: NDArray[np.float64]
    triangles: NDArray[np.int64]

    @property
    def signed_volume_ml(self) -> float:
        """Enclosed volume by the divergence theorem; negative where the triangles are oriented inwards."""
        first, second, third = np.moveaxis(self.points_mm[self.triangles] - self.points_mm.mean(axis=0), 1, 0)
        return float((first * np.cross(second, third)).sum() / 6.0 / 1000.0)

    @property
    def volume_ml(self) -> float:
        """Enclosed volume."""
        return abs(self.signed_volume_ml)

    @property
    def area_mm2(self) -> float:
        """Sum of the triangles' areas."""
        first, second, third = np.moveaxis(self.points_mm[self.triangles], 1, 0)
        return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2.0)

    def outward(self) -> ClosedSurface:
        """Return the surface with its triangles oriented outwards."""
        return self if self.signed_volume_ml >= 0.0 else self._replace(triangles=self.triangles[:, ::-1])


@dataclass(frozen=True, eq=False)
class Image:
    """A scalar image; for CT ``values`` (i, j, k) are Hounsfield units.

    ``frame_of_reference`` is the DICOM UID of the coordinate system (empty where the file has none),
    ``files`` maps each file read to its SHA-256.
    """

    values: NDArray[np.float32]
    grid: Grid
    origin: str
    frame_of_reference: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LabelVolume:
    """One label per voxel; ``names`` maps each number but 0 (unlabelled) to its label name.

    Where structures of a file overlapped, ``labels`` holds the one painted last.

    Attributes
    ----------
    files
        Each file read and its SHA-256, for provenance.
    surfaces
        The closed surface a label was rasterised from, by label name.
    meanings
        What a coded terminology (DICOM, Slicer) says a label is, by label name.
    """

    labels: NDArray[np.int32]
    grid: Grid
    names: Mapping[int, str]
    files: Mapping[str, str] = field(default_factory=dict)
    surfaces: Mapping[str, ClosedSurface] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)

    def numbers(self, name: str) -> list[int]:
        """Numbers that carry this label name."""
        return [number for number, label in self.names.items() if label == name]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Voxels (i, j, k) that carry the label of this name."""
        return np.isin(self.labels, self.numbers(name))

    def volume_ml(self, name: str) -> float:
        """Volume of a label."""
        return float(self.mask(name).sum() * self.grid.voxel_volume_mm3 / 1000.0)

    def touches_border(self, name: str) -> bool:
        """Whether the label reaches a face of the grid, as an organ does that the field of view cuts."""
        mask = self.mask(name)
        return any(bool(mask.take(end, axis=axis).any()) for axis in range(3) for end in (0, -1))
