# SPDX-License-Identifier: LGPL-3.0-or-later
"""Heat that is known beforehand: a density per cell, held for a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings


@dataclass(frozen=True, eq=False)
class VolumeSource:
    """Heat from elsewhere: ``density`` (m,) [W/m3] per cell, held from ``start`` to ``end`` [s] of the stage.

    One that comes on voxels is put onto cells by ``meshing.transfer.VoxelTransfer.cell_densities``. ``name`` is what
    its heat is booked under.
    """

    name: str
    density: Floats
    start: float
    end: float

    def source(self, surroundings: Surroundings) -> PrescribedSource:
        """The source on this rank's part of the mesh."""
        return PrescribedSource(self, surroundings)


class PrescribedSource(HeatSource):
    """A :class:`VolumeSource` at work."""

    def __init__(self, spec: VolumeSource, surroundings: Surroundings) -> None:
        self.name, self._start, self._end = spec.name, spec.start, spec.end
        self._density = spec.density[surroundings.space.input_cell]

    def _acts(self, time: float) -> bool:
        return self._start - SAME_TIME <= time < self._end - SAME_TIME

    def settings(self, time: float) -> tuple[Setting, ...]:
        """On or off."""
        return (("on", 1.0) if self._acts(time) else OFF,)

    def next_event(self, time: float) -> float:
        """Its begin or its end."""
        return min((event for event in (self._start, self._end) if event > time + SAME_TIME), default=inf)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """The density while it acts."""
        return Deposit(self._density if self._acts(time) else np.zeros_like(self._density))
