# SPDX-License-Identifier: LGPL-3.0-or-later
"""The computational domain: a simplex mesh with named boundary surfaces and what was sampled onto its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.topology import facet_areas


@dataclass(frozen=True, eq=False)
class Domain:
    """A mesh of linear tetrahedra (or triangles in the r-z half plane) in patient space.

    Attributes
    ----------
    points_mm
        Node coordinates (n, 3) in LPS mm, or (n, 2) as (r, z) mm about the z axis when ``axisymmetric``.
    cells
        Node numbers (m, 4) or (m, 3).
    surfaces
        Boundary facets by name, node numbers (f, 3) or (f, 2). ``boundary`` is the outside of the region;
        applicator surfaces are ``<applicator>.<rod>.<section>``, inert ones ``<applicator>.<rod>.shaft``.
    minimum_quality
        Smallest signed inverse condition number (SICN) of a cell.
    """

    points_mm: NDArray[np.float64]
    cells: NDArray[np.int64]
    surfaces: Mapping[str, NDArray[np.int64]]
    minimum_quality: float
    axisymmetric: bool = False

    @property
    def points_in_space_mm(self) -> NDArray[np.float64]:
        """Node coordinates (n, 3) in LPS mm; those of a half plane at (r, 0, z), for its axis is the patient's z."""
        if not self.axisymmetric:
            return self.points_mm
        radius, height = self.points_mm.T
        return np.column_stack([radius, np.zeros_like(radius), height])

    def located(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 3) in LPS mm in the coordinates of the mesh: themselves, or their (r, z) when axisymmetric."""
        return radius_and_height(points_mm) if self.axisymmetric else points_mm

    @cached_property
    def cell_volumes_mm3(self) -> NDArray[np.float64]:
        """Volume of each cell (m,); 2 pi r weighted when axisymmetric."""
        corners = self.points_mm[self.cells]
        edges = corners[:, 1:] - corners[:, :1]
        if self.axisymmetric:
            area = np.abs(np.linalg.det(edges)) / 2.0
            return np.asarray(area * 2.0 * np.pi * corners[:, :, 0].mean(axis=1))
        return np.asarray(np.abs(np.linalg.det(edges)) / 6.0)

    def facet_areas_mm2(self, facets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Area (f,) of facets (f, 3), or of what edges (f, 2) sweep when axisymmetric."""
        areas = facet_areas(self.points_mm, facets)
        return 2.0 * np.pi * self.points_mm[facets][:, :, 0].mean(axis=1) * areas if self.axisymmetric else areas


def radius_and_height(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from the z axis and height (n, 2) of points (n, 3)."""
    return np.column_stack([np.hypot(points_mm[:, 0], points_mm[:, 1]), points_mm[:, 2]])


@dataclass(frozen=True, eq=False)
class Sampled:
    """What the anatomy says about each cell of a domain.

    Attributes
    ----------
    tissues
        Tissue names, the columns of ``fractions``.
    fractions
        Volume fraction of each tissue per cell (m, len(tissues)); rows sum to 1.
    unlabelled_fraction, outside_fraction
        Share of each cell (m,) that carries no label, or lies beyond the image.
    wall_area_mm2
        Vessel wall area in each cell (m,), zero where there is no vessel.
    lumen_fraction
        Share of each cell (m,) inside a vessel.
    vessel_shares
        Share of each vessel in both (m,), by label; in every cell they sum to one. Empty without vessels.
    """

    tissues: tuple[str, ...]
    fractions: NDArray[np.float64]
    unlabelled_fraction: NDArray[np.float64]
    outside_fraction: NDArray[np.float64]
    wall_area_mm2: NDArray[np.float64]
    lumen_fraction: NDArray[np.float64]
    vessel_shares: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
