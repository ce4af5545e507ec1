# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the solution of a unit cell says: where the drug is, how far it has come, what it has killed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.tissue.death.drug import DrugDeathModel

if TYPE_CHECKING:
    from imagio_sim.solve.bead_scale import UnitCell

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BeadScaleSolution:
    """Drug in a unit cell at the times asked for.

    Attributes
    ----------
    cell
        What was solved.
    times
        (k,) [s].
    free, bound, cells
        Free and bound drug in the interstitial fluid [mol/m3 of fluid] and drug in cells [mol/m3 of tissue], (k, n) at
        the radii of the cell.
    load
        Drug in the core (k,) [mol].
    body
        Amounts (k, 4) in :data:`BODY` [mol].
    """

    cell: UnitCell
    times: Floats
    free: Floats
    bound: Floats
    cells: Floats
    load: Floats
    body: Floats
    _all_times: Floats
    _all_free: Floats
    _all_cells: Floats

    @property
    def released_share(self) -> Floats:
        """Share (k,) of the load at the start that has left the core."""
        return np.asarray(1.0 - self.load / self.cell.core.load)

    @property
    def tissue_concentration(self) -> Floats:
        """All drug per volume of tissue (k, n) [mol/m3]: free, bound and in cells."""
        dissolved = self.cell.surroundings.interstitial_fraction * (self.free + self.bound)
        return np.asarray(dissolved + self.cells)

    @property
    def tissue_amount(self) -> Floats:
        """All drug in the tissue (k,) [mol]."""
        return np.asarray(self.tissue_concentration @ self.cell.volumes)

    def mean(self, field: Floats) -> Floats:
        """Mean (k,) of a field (k, n) over the tissue of the cell."""
        return np.asarray(field @ self.cell.volumes / self.cell.tissue_volume)

    def mean_within(self, field: Floats, distance: float) -> Floats:
        """Mean (k,) of a field (k, n) over the tissue up to a distance [m] from the core's surface."""
        near = self.cell.volumes * (self.cell.radii - self.cell.core.radius <= distance)
        return np.asarray(field @ near / near.sum())

    @property
    def balance_error(self) -> float:
        """Largest difference between what was given and what is anywhere, relative to what was given."""
        everywhere = self.load + self.tissue_amount + self.body.sum(axis=1)
        return float(np.abs(everywhere / self.cell.core.dose - 1.0).max())

    def penetration_depth(self, threshold: float, field: Floats | None = None) -> Floats:
        """Distance (k,) [m] from the core's surface up to which a field is above a threshold.

        The field (k, n) is the drug per volume of tissue unless another is given; the depth is linear between nodes,
        and the whole tissue's where all of it is above.
        """
        values = self.tissue_concentration if field is None else field
        distances = self.cell.radii - self.cell.core.radius
        return np.array([_reach(row - threshold, distances) for row in values])

    def survival(self, model: DrugDeathModel, cell_density: float) -> Floats:
        """Surviving share (k, n) by a model of death; ``cell_density`` [1/m3 of tissue] gives what one cell holds."""
        amounts = self._all_free if model.quantity == "free" else self._all_cells / cell_density
        state: Floats = np.zeros(amounts.shape[1])
        states = [state]
        for step, duration in enumerate(np.diff(self._all_times)):
            state = model.advance(state, amounts[step], amounts[step + 1], float(duration))
            states.append(state)
        asked = np.searchsorted(self._all_times, self.times)
        return np.array([model.survival(states[at]) for at in asked])


def _reach(above: Floats, distances: Floats) -> float:
    """Where a row of values that is positive from the begin on first becomes negative."""
    below = np.flatnonzero(above <= 0.0)
    if len(below) == 0:
        return float(distances[-1])
    end = int(below[0])
    if end == 0:
        return 0.0
    share = above[end - 1] / (above[end - 1] - above[end])
    return float(distances[end - 1] + share * (distances[end] - distances[end - 1]))
