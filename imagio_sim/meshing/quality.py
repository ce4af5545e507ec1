# SPDX-License-Identifier: LGPL-3.0-or-later
"""How good a mesh is: shape of its cells and the sizes that occur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain

# Edge vectors of the equilateral simplex of edge 1, as columns.
_IDEAL = {
    3: np.array([[1.0, 0.5], [0.0, np.sqrt(3.0) / 2.0]]),
    4: np.array(
        [
            [1.0, 0.5, 0.5],
            [0.0, np.sqrt(3.0) / 2.0, np.sqrt(3.0) / 6.0],
            [0.0, 0.0, np.sqrt(2.0 / 3.0)],
        ]
    ),
}


@dataclass(frozen=True, eq=False)
class QualityReport:
    """Counts, shape and size of the cells of a domain.

    ``size_edges_mm`` (b + 1,) and ``size_counts`` (b,) are the histogram of cell sizes; the size of a cell is the edge
    of the equilateral simplex of the same volume.
    """

    nodes: int
    cells: int
    minimum_quality: float
    median_quality: float
    share_below_tenth: float
    size_edges_mm: NDArray[np.float64]
    size_counts: NDArray[np.int64]


def signed_inverse_condition_number(points_mm: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shape of each cell (m,): 1 equilateral, 0 flat, negative turned inside out.

    d / (|A| |A^-1|) in Frobenius norms with A the map from the equilateral simplex, signed by its determinant:
    the measure that gmsh calls SICN.
    """
    corners = points_mm[cells]
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    mapping = edges @ np.linalg.inv(_IDEAL[cells.shape[1]])
    determinant = np.linalg.det(mapping)
    flat = np.abs(determinant) < np.finfo(float).tiny
    mapping[flat] = np.eye(mapping.shape[1])
    size = np.linalg.norm(mapping, axis=(1, 2)) * np.linalg.norm(np.linalg.inv(mapping), axis=(1, 2))
    return np.asarray(np.where(flat, 0.0, np.sign(determinant) * mapping.shape[1] / size))


def cell_sizes_mm(domain: Domain) -> NDArray[np.float64]:
    """Edge [mm] (m,) of the equilateral simplex that has the measure of each cell."""
    corners = domain.points_mm[domain.cells]
    determinant = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    dimension = domain.cells.shape[1] - 1
    return np.asarray((determinant / np.linalg.det(_IDEAL[dimension + 1])) ** (1.0 / dimension))


def quality_report(domain: Domain, *, bins: int = 12) -> QualityReport:
    """Counts, shapes and a size histogram (logarithmic bins) of a domain."""
    quality = signed_inverse_condition_number(domain.points_mm, domain.cells)
    sizes = cell_sizes_mm(domain)
    edges = np.geomspace(sizes.min() * (1.0 - 1e-9), sizes.max() * (1.0 + 1e-9), bins + 1)
    return QualityReport(
        nodes=len(domain.points_mm),
        cells=len(domain.cells),
        minimum_quality=float(quality.min()),
        median_quality=float(np.median(quality)),
        share_below_tenth=float(np.mean(quality < 0.1)),
        size_edges_mm=edges,
        size_counts=np.histogram(sizes, edges)[0].astype(np.int64),
    )
