# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microspheres given up to a stage: their dose on the mesh, from that on voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.infusions.absorbed_dose import infusion_doses
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.meshing.projection import projected
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.radiation import DecayingActivity, RadiationSpec

Floats = NDArray[np.float64]

MODALITY = "radioembolisation"


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """All microspheres together: what they do adds up."""
    active, anatomy = setting.infusions(MODALITY), setting.geometry.anatomy
    if not active or anatomy is None:
        return ()
    domain = setting.geometry.domain
    points = domain.points_in_space_mm
    doses = {one.name: one for one in infusion_doses(setting.scenario, setting.plan_name, anatomy)}
    given = [(doses[one.name], one.elapsed) for one in active]
    activities = tuple(
        DecayingActivity(
            name=one.name,
            dose=projected(one.dose.kernel, one.dose.grid, domain),
            local_dose=projected(one.dose.local, one.dose.grid, domain),
            decay_rate=one.microspheres.nuclide.decay_constant,
            elapsed=elapsed,
        )
        for one, elapsed in given
    )
    targets = [at_points(one.delivered.target.astype(float), one.dose.grid, points) for one, _ in given]
    return (RadiationSpec(activities, np.max([*targets, _labelled_tumour(anatomy, points)], axis=0)),)


def at_points(values: Floats, grid: Grid, points_mm: Floats) -> Floats:
    """Voxel values (i, j, k) between their centres at points (n, 3), linearly; 0 beyond the grid."""
    return np.asarray(map_coordinates(values, grid.to_index(points_mm).T, order=1, mode="constant", cval=0.0))


def _labelled_tumour(anatomy: Anatomy, points_mm: Floats) -> Floats:
    """1 at points (n, 3) whose label has the role of a tumour, 0 elsewhere."""
    names = anatomy.labels.names.items()
    numbers = [number for number, name in names if anatomy.tissues[name].role == "tumour"]
    return np.isin(anatomy.label_at(points_mm), numbers).astype(float)
