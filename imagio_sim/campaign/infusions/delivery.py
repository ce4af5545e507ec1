# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where the infusions of a plan go in the patient, on voxels, and what that asks of the mesh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.infusions.infused_patient import InfusedPatient, fed_tissues
from imagio_sim.delivery.clusters import Census
from imagio_sim.delivery.deposition import Deposition
from imagio_sim.delivery.dose_kernel import point_kernel
from imagio_sim.delivery.territory import Territory
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.recipe import NO_SUPPORT, Extent, Support
from imagio_sim.meshing.region import as_point
from imagio_sim.pharmacy.microspheres import load_microspheres
from imagio_sim.plan import Scenario
from imagio_sim.plan.digests import plan_digest
from imagio_sim.plan.infusions import ArterialInfusion, EmbolicInfusion, Radioembolisation

# Tissue kept around everything that an infusion reaches [mm].
_AROUND_TERRITORY_MM = 5.0
# Relative spread of the dose below which clusters change nothing that could be seen.
_NO_DIFFERENCE = 0.02
# A voxel or cell shows what lies within the radius of this share of the energy, if no larger than this share of it.
_MOST_ENERGY, _RESOLVED = 0.9, 0.5

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
    census
        Of the clusters in which it lies; None where the deposition is smooth.
    """

    name: str
    stage: int
    infusion: ArterialInfusion
    territory: Territory
    deposition: Deposition
    target: NDArray[np.bool_]
    organ: NDArray[np.bool_]
    census: Census | None = None


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


def cluster_warnings(went: Iterable[Delivered]) -> list[str]:
    """Clusters that voxels are too coarse for, that are too many to make a difference, or that no model looks at."""
    return [f"{one.name}: {what}" for one in went if one.census is not None for what in _clusters_in_doubt(one)]


def cell_warnings(went: Iterable[Delivered], domain: Domain) -> list[str]:
    """Clusters whose differences in dose the cells of the mesh, in which tissue dies or lives, average out."""
    return [
        f"{one.name}: clusters were drawn, but what dies is found in mesh cells of {cell:.2g} mm, and the radiation "
        f"reaches {reach:.2g} mm: cold spots between clusters are averaged before the law of death sees them, and "
        "the zone may be too large; figures of the dose are of the voxels"
        for one in went
        if one.census is not None and isinstance(one.infusion, Radioembolisation)
        if (cell := _cell_mm(one, domain)) > _RESOLVED * (reach := _reach_mm(one.infusion))
    ]


def _cell_mm(one: Delivered, domain: Domain) -> float:
    """Edge of a regular tetrahedron like the cells in a territory, by volume on average; 0 where the mesh has none."""
    grid = one.territory.grid
    place = np.round(grid.to_index(domain.points_in_space_mm[domain.cells].mean(axis=1))).astype(int)
    held = np.flatnonzero(((place >= 0) & (place < grid.shape)).all(axis=1))
    within = held[one.territory.share[tuple(place[held].T)] > 0.0]
    if len(within) == 0:
        return 0.0
    volumes = domain.cell_volumes_mm3[within]
    return float(np.average(np.cbrt(6.0 * np.sqrt(2.0) * volumes), weights=volumes))


def _reach_mm(infusion: Radioembolisation) -> float:
    """Radius of most of the energy of an infusion's electrons."""
    return point_kernel(load_microspheres(infusion.microspheres).nuclide.name).radius_with(_MOST_ENERGY)


def _clusters_in_doubt(one: Delivered) -> Iterator[str]:
    census, infusion = one.census, one.infusion
    assert census is not None
    if not isinstance(infusion, Radioembolisation):
        yield (
            "clusters were drawn, but drug and ischaemia are followed in mesh cells of several millimetres with evenly "
            "spaced beads in each: only what differs from cell to cell is in the result"
        )
        return
    kernel = point_kernel(load_microspheres(infusion.microspheres).nuclide.name)
    spacing = one.deposition.grid.spacing_mm
    # Independent differences between voxels are averaged by the kernel.
    of_dose = census.relative_spread * float(np.sqrt((kernel.voxel_shares(spacing) ** 2).sum()))
    if of_dose < _NO_DIFFERENCE:
        yield (
            f"{census.clusters} clusters make the dose differ by {100.0 * of_dose:.2g} % only: a smooth deposition "
            "says the same"
        )
    voxel, reach = float(spacing.max()), _reach_mm(infusion)
    if voxel > _RESOLVED * reach:
        yield (
            f"clusters were drawn on voxels of {voxel:.2g} mm, and the radiation reaches {reach:.2g} mm: how the dose "
            "differs between them is shown in part; segment finer, or read the smallest doses as too large"
        )


def _went(
    scenario: Scenario, plan_name: str, anatomy: Anatomy, stage: int, name: str, infusion: ArterialInfusion
) -> Delivered:
    """Where one infusion went."""
    found = InfusedPatient(scenario, anatomy, plan_name=plan_name, stage=stage, infusion=infusion)
    territory = found.territory()
    if isinstance(infusion, EmbolicInfusion):
        _require_arterial_shares(scenario, fed_tissues(anatomy, infusion))
    deposition, census = found.deposition(territory)
    return Delivered(name, stage, infusion, territory, deposition, found.target, found.organ, census)


def _require_arterial_shares(scenario: Scenario, tissues: Iterable[str]) -> None:
    """Refuse an embolisation of tissue of which nobody has said how much of its blood comes from arteries."""
    for name in sorted(tissues):
        tissue = scenario.tissue(name)
        if tissue.value("perfusion_rate") > 0.0:
            tissue.value("arterial_share")
