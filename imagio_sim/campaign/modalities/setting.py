# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a modality is made from: the plan, the mesh and the constants of one stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import hypot

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.infusions.delivery import Delivered
from imagio_sim.devices.applicator import PlacedApplicator, Section
from imagio_sim.meshing.transfer import VoxelTransfer
from imagio_sim.plan import Assignment, Scenario, assignments
from imagio_sim.plan.infusions import InfusionModel
from imagio_sim.plan.placement import Triple


@dataclass(frozen=True)
class ActiveInfusion:
    """An infusion of this stage or an earlier one.

    Attributes
    ----------
    name
        Of the infusion.
    infusion
        As the scenario has it.
    elapsed
        Time [s] from its begin to that of the stage; 0 in its own.
    delivered
        Where it went; None for one that goes through a vein.
    """

    name: str
    infusion: InfusionModel
    elapsed: float
    delivered: Delivered | None


@dataclass(frozen=True, eq=False)
class StageSetting:
    """One stage of a plan on its mesh; ``constants`` are those of the tissue laws, by name."""

    scenario: Scenario
    plan_name: str
    stage: int
    geometry: StageGeometry
    constants: Mapping[str, float]

    def assignments(self, modality: str) -> tuple[Assignment, ...]:
        """The applicators of a modality and what they do."""
        return assignments(self.scenario, self.plan_name, self.stage, modality)

    def infusions(self, *modalities: str) -> tuple[ActiveInfusion, ...]:
        """What has been given up to this stage, in order; of some modalities or of all."""
        plan = self.scenario.plan(self.plan_name)
        went = {one.name: one for one in self.geometry.delivered}
        begins = [times.begin for times in plan.timeline]
        return tuple(
            ActiveInfusion(name, infusion, begins[self.stage] - begins[number], went.get(name))
            for number in range(self.stage + 1)
            for name, infusion in zip(plan.infusion_names[number], plan.stages[number].infusions, strict=True)
            if not modalities or infusion.modality in modalities
        )

    @property
    def body_size(self) -> float:
        """Mass of the patient's body relative to that of the data on drugs; one where it is not given."""
        weighing = self.scenario.plan(self.plan_name).weighing
        if weighing is None or weighing.body_mass is None:
            return 1.0
        formulation = self.scenario.pharmacy.liposomes(weighing.formulation)
        return weighing.body_mass / formulation.value("reference_body_mass")

    def cell_density(self, delivered: Delivered) -> NDArray[np.float64]:
        """Density per cell (m,) [1/m3] of one unit that is given; its integral is the share that the mesh holds."""
        deposition = delivered.deposition
        transfer = self._transfer(deposition.grid)
        per_mm3 = np.asarray(deposition.share / deposition.grid.voxel_volume_mm3, dtype=np.float64)
        return 1e9 * transfer.cell_densities(per_mm3)

    def cell_territory(self, delivered: Delivered) -> NDArray[np.float64]:
        """Share of each cell (m,) that the infusion reaches."""
        territory = delivered.territory
        transfer = self._transfer(territory.grid)
        return np.clip(transfer.cell_means(territory.share, outside=0.0), 0.0, 1.0)

    def _transfer(self, grid: Grid) -> VoxelTransfer:
        """Between the mesh and a grid; made once, because it looks for the cell of every voxel."""
        if grid not in self._transfers:
            self._transfers[grid] = VoxelTransfer(self.geometry.domain, grid)
        return self._transfers[grid]

    @cached_property
    def _transfers(self) -> dict[Grid, VoxelTransfer]:
        return {}

    def cell_target(self) -> NDArray[np.float64]:
        """Share of each cell (m,) that is target: 1 where the middle of the cell is in it."""
        anatomy, domain = self.geometry.anatomy, self.geometry.domain
        if anatomy is None or anatomy.target is None:
            return np.zeros(len(domain.cells))
        centres = domain.points_in_space_mm[domain.cells].mean(axis=1)
        numbers = [number for number, name in anatomy.labels.names.items() if name == anatomy.target]
        return np.isin(anatomy.label_at(centres), numbers).astype(float)

    def placed(self, name: str) -> PlacedApplicator:
        """An applicator in the patient."""
        return next(one for one in self.geometry.applicators if one.name == name)

    def on_mesh(self, point_mm: Triple) -> Triple:
        """A point (LPS mm) as a case has it: itself, or (0, r, z) in a half plane."""
        x, y, z = point_mm
        return (0.0, hypot(x, y), z) if self.geometry.domain.axisymmetric else point_mm

    def sections(self) -> list[tuple[PlacedApplicator, str, Section]]:
        """Every section of every applicator, with the name of its surface in the mesh."""
        return [
            (one, f"{one.name}.{rod.name}.{section.name}", section)
            for one in self.geometry.applicators
            for rod in one.rods
            for section in rod.sections
        ]
