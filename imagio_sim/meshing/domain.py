# SPDX-License-Identifier: LGPL-3.0-or-later
"""The computational domain: a simplex mesh with named boundary surfaces and what was sampled onto its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Domain:
    """A mesh of linear tetrahedra (or triangles in the r-z half plane) in patient space.

    Attributes
    ----------
    points_mm
        Node coordinates (n, 3) in LPS mm, or (n, 2) as (r, z) mm when ``axisymmetric``.
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

    @cached_property
    def cell_volumes_mm3(self) -> NDArray[np.float64]:
        """Volume of each cell (m,); 2 pi r weighted when axisymmetric."""
        corners = self.points_mm[self.cells]
        edges = corners[:, 1:] - corners[:, :1]
        if self.axisymmetric:
            area = np.abs(np.linalg.det(edges)) / 2.0
            return np.asarray(area * 2.0 * np.pi * corners[:, :, 0].mean(axis=1))
        return np.asarray(np.abs(np.linalg.det(edges)) / 6.0)


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
    """

    tissues: tuple[str, ...]
    fractions: NDArray[np.float64]
    unlabelled_fraction: NDArray[np.float64]
    outside_fraction: NDArray[np.float64]
    wall_area_mm2: NDArray[np.float64]
    lumen_fraction: NDArray[np.float64]
