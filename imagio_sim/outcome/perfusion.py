# SPDX-License-Identifier: LGPL-3.0-or-later
"""Blood flow in the target and around it in a stage: what a following ablation meets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.result import PerfusionResult
from imagio_sim.outcome.surface import Surface

Floats = NDArray[np.float64]

SHELL_MM = 10.0
"""Tissue around the target that counts as beside it: where the margin of an ablation lies."""


def perfusion_about(
    domain: Domain, rate: Floats, factor: Floats, target: Surface, in_target: NDArray[np.int64]
) -> PerfusionResult:
    """Means over the target and over the shell around it, by volume.

    Parameters
    ----------
    rate, factor
        Perfusion rate of each cell (m,) [1/s] as it is in the stage, and what share of the normal one that is.
    in_target
        Numbers of the cells that hold points inside the target.
    """
    inside = np.zeros(len(domain.cells), dtype=bool)
    inside[in_target] = True
    beside = ~inside & _within_reach(domain, target)
    weights = domain.cell_volumes_mm3
    return {
        "target_per_s": _mean(rate, weights, inside),
        "target_normal_per_s": _mean(_normal(rate, factor), weights, inside),
        "beside_per_s": _mean(rate, weights, beside),
        "beside_normal_per_s": _mean(_normal(rate, factor), weights, beside),
    }


def _normal(rate: Floats, factor: Floats) -> Floats:
    """Rate without embolisation; where nothing is left of it, it is not known and counts as nothing."""
    return np.divide(rate, factor, out=np.zeros_like(rate), where=factor > 0.0)


def _within_reach(domain: Domain, target: Surface) -> NDArray[np.bool_]:
    middles = domain.points_in_space_mm[domain.cells].mean(axis=1)
    low, high = target.points_mm.min(axis=0) - SHELL_MM, target.points_mm.max(axis=0) + SHELL_MM
    near = np.flatnonzero(((middles >= low) & (middles <= high)).all(axis=1))
    reached = np.zeros(len(middles), dtype=bool)
    reached[near] = target.distance_mm(middles[near]) <= SHELL_MM
    return reached


def _mean(values: Floats, weights: Floats, cells: NDArray[np.bool_]) -> float | None:
    return float(np.average(values[cells], weights=weights[cells])) if cells.any() else None
