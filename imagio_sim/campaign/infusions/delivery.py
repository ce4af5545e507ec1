# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where the infusions of a plan go in the patient, on voxels, and what that asks of the mesh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.infusions.infused_patient import InfusedPatient, fed_tissues
from imagio_sim.delivery.deposition import Deposition
from imagio_sim.delivery.territory import Territory
from imagio_sim.meshing.recipe import NO_SUPPORT, Extent, Support
from imagio_sim.meshing.region import as_point
from imagio_sim.plan import Scenario
from imagio_sim.plan.digests import plan_digest
from imagio_sim.plan.infusions import ArterialInfusion, EmbolicInfusion

# Tissue kept around everything that an infusion reaches [mm].
_AROUND_TERRITORY_MM = 5.0

_KNOWN: WeakKeyDictionary[Anatomy, dict[str, tuple[Delivered, ...]]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Delivered:
    """An infusion through an artery, and where it went.

    Attributes
    ----------
    name
        Of the infusion.
    stage
        In which it is given, counted from 0.
    infusion
        As the scenario has it.
    territory, deposition
        Which tissue it reaches, and which share of it stays in which voxel; on one grid.
    target, organ
        Voxels (i, j, k) of the target and of the organ that the artery feeds, target included.
    """

    name: str
    stage: int
    infusion: ArterialInfusion
    territory: Territory
    deposition: Deposition
    target: NDArray[np.bool_]
    organ: NDArray[np.bool_]


def delivered(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> tuple[Delivered, ...]:
    """Every infusion through an artery of a plan, in order; worked out once for a patient and a plan.

    Raises
    ------
    InputError
        If a territory cannot be found in this patient.
    """
    plan = scenario.plan(plan_name)
    if not any(infusion.into_artery for stage in plan.stages for infusion in stage.infusions):
        return ()
    known, digest = _KNOWN.setdefault(anatomy, {}), plan_digest(scenario, plan_name)
    if digest not in known:
        known[digest] = tuple(
            _went(scenario, plan_name, anatomy, number, name, infusion.into_artery)
            for number, stage in enumerate(plan.stages)
            for name, infusion in zip(plan.infusion_names[number], stage.infusions, strict=True)
            if infusion.into_artery is not None
        )
    return known[digest]


def delivery_support(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> Support:
    """What the infusions of a plan ask of its mesh: to hold all that they reach, in cells of a few millimetres."""
    support = NO_SUPPORT
    for one in delivered(scenario, plan_name, anatomy):
        points = one.territory.grid.to_lps(np.argwhere(one.territory.share > 0.0).astype(float))
        centre = np.round(0.5 * (points.min(axis=0) + points.max(axis=0)), 1)
        radius = float(np.ceil(np.linalg.norm(points - centre, axis=1).max()))
        extent = Extent(as_point(centre), radius)
        support = support.with_(Support((), ((extent.centre_mm, radius + _AROUND_TERRITORY_MM),), (extent,)))
    return support


def _went(
    scenario: Scenario, plan_name: str, anatomy: Anatomy, stage: int, name: str, infusion: ArterialInfusion
) -> Delivered:
    """Where one infusion went."""
    found = InfusedPatient(scenario, anatomy, plan_name=plan_name, stage=stage, infusion=infusion)
    territory = found.territory()
    if isinstance(infusion, EmbolicInfusion):
        _require_arterial_shares(scenario, fed_tissues(anatomy, infusion))
    return Delivered(name, stage, infusion, territory, found.deposition(territory), found.target, found.organ)


def _require_arterial_shares(scenario: Scenario, tissues: Iterable[str]) -> None:
    """Refuse an embolisation of tissue of which nobody has said how much of its blood comes from arteries."""
    for name in sorted(tissues):
        tissue = scenario.tissue(name)
        if tissue.value("perfusion_rate") > 0.0:
            tissue.value("arterial_share")
