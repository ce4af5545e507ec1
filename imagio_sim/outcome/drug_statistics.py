# SPDX-License-Identifier: LGPL-3.0-or-later
"""Concentration and exposure of a drug in the target: mean, quantiles and the histogram, like a DVH of dose.

Taken at points inside the target with the volume each stands for, between which the mesh interpolates, so that nothing
is counted by whole cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.result import ConcentrationResult
from imagio_sim.outcome.surface import Samples

Floats = NDArray[np.float64]

_CURVE_POINTS = 60
_QUANTILES = (0.95, 0.5, 0.05)


@dataclass(frozen=True, eq=False)
class VolumeHistogram:
    """Values (n,) of a field in a part of the patient, and the volume [mm3] (n,) that each stands for."""

    values: Floats
    weights: Floats

    @classmethod
    def of(cls, probe: Probe, nodal: Floats, samples: Samples) -> VolumeHistogram:
        """Of a nodal field (m,) at sample points; beyond the region there is nothing."""
        values = np.maximum(np.nan_to_num(probe.values(nodal, samples.points_mm), nan=0.0), 0.0)
        return cls(values, samples.weights)

    @property
    def mean(self) -> float:
        """Mean over the volume."""
        return float(np.average(self.values, weights=self.weights))

    def exceeded_by(self, share: float) -> float:
        """Value that this share of the volume has at least: C95 for 0.95."""
        order = np.argsort(self.values)[::-1]
        filled = np.cumsum(self.weights[order]) / self.weights.sum()
        return float(self.values[order][np.searchsorted(filled, share * (1.0 - 1e-12))])

    def share_above(self, threshold: float) -> float:
        """Share of the volume at or above a threshold."""
        return float(self.weights[self.values >= threshold].sum() / self.weights.sum())

    def curve(self) -> tuple[Floats, Floats]:
        """Evenly spaced thresholds from 0 to the highest value, and the share of the volume above each."""
        thresholds: Floats = np.linspace(0.0, float(self.values.max()), _CURVE_POINTS, dtype=np.float64)
        return thresholds, np.array([self.share_above(threshold) for threshold in thresholds])

    def section(self, thresholds: Sequence[float]) -> ConcentrationResult:
        """The part of the result."""
        low, middle, high = (self.exceeded_by(share) for share in _QUANTILES)
        return {
            "volume_ml": float(self.weights.sum()) / 1000.0,
            "mean": self.mean,
            "C95": low,
            "C50": middle,
            "C5": high,
            "histogram": {f"{threshold:g}": self.share_above(threshold) for threshold in thresholds},
        }
