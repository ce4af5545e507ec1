# SPDX-License-Identifier: LGPL-3.0-or-later
"""The dose of every radio-embolisation of a plan, on voxels of the patient."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import NOWHERE, Anatomy
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.infusions.delivery import Delivered, delivered
from imagio_sim.delivery.deposition import Deposition
from imagio_sim.delivery.dose import VoxelDose, voxel_dose
from imagio_sim.pharmacy.microspheres import Microspheres, load_microspheres
from imagio_sim.pharmacy.nuclides import Nuclide
from imagio_sim.physics.radiation import decayed_share
from imagio_sim.plan import Scenario
from imagio_sim.plan.digests import plan_digest
from imagio_sim.plan.infusions import Radioembolisation

Floats = NDArray[np.float64]

_BQ_PER_GBQ = 1e9
_KNOWN: WeakKeyDictionary[Anatomy, dict[str, tuple[InfusionDose, ...]]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class InfusionDose:
    """One radio-embolisation.

    Attributes
    ----------
    delivered
        Where it went.
    infusion, microspheres
        As the scenario has it, and what it brings.
    activity
        Of all microspheres when they are given [Bq]: the scenario's, or that of an image in Bq/ml.
    density
        Of the tissue in each voxel (i, j, k) [kg/m3].
    dose
        On the voxels, when all has decayed.
    """

    delivered: Delivered
    infusion: Radioembolisation
    microspheres: Microspheres
    activity: float
    density: Floats
    dose: VoxelDose

    @property
    def name(self) -> str:
        """Name of the infusion."""
        return self.delivered.name

    @property
    def deposition(self) -> Deposition:
        """Which share of the activity stayed where."""
        return self.delivered.deposition


def infusion_doses(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> tuple[InfusionDose, ...]:
    """Every radio-embolisation of a plan, in order; worked out once for a patient and a plan."""
    going = [one for one in delivered(scenario, plan_name, anatomy) if isinstance(one.infusion, Radioembolisation)]
    if not going:
        return ()
    known, digest = _KNOWN.setdefault(anatomy, {}), plan_digest(scenario, plan_name)
    if digest not in known:
        known[digest] = tuple(_dose(scenario, anatomy, one) for one in going)
    return known[digest]


def _dose(scenario: Scenario, anatomy: Anatomy, one: Delivered) -> InfusionDose:
    infusion = one.infusion
    assert isinstance(infusion, Radioembolisation)
    spheres, activity = scenario.pharmacy.microspheres(infusion.microspheres), activity_given(one)
    density = densities(scenario, anatomy, one.deposition.grid)
    dose = voxel_dose(one.deposition.share * activity, density, one.deposition.grid, spheres.nuclide.name)
    return InfusionDose(one, infusion, spheres, activity, density, dose)


def activity_given(one: Delivered) -> float:
    """Activity [Bq] that a radio-embolisation brings, lungs included.

    An image in Bq/ml shows it: what it holds, what had decayed by then, and what went to the lungs beside that.
    """
    infusion = one.infusion
    assert isinstance(infusion, Radioembolisation)
    seen = one.territory.facts.get("image_activity_MBq")
    if seen is None:
        return infusion.activity * _BQ_PER_GBQ
    left = 1.0 - decayed_share(infusion.imaged_after or 0.0, _nuclide(infusion).decay_constant)
    return float(seen * 1e6 / (left * (1.0 - one.deposition.lung_share)))


def _nuclide(infusion: Radioembolisation) -> Nuclide:
    return load_microspheres(infusion.microspheres).nuclide


def densities(scenario: Scenario, anatomy: Anatomy, grid: Grid) -> Floats:
    """Density (i, j, k) [kg/m3] of the tissue in each voxel of a grid; 0 where the patient ends."""
    points = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float))
    index, _, _ = anatomy.sample(points)
    table = np.array([scenario.tissue(name).value("density") for name in anatomy.tissue_names])
    return np.where(index == NOWHERE, 0.0, table[index]).reshape(grid.shape)
