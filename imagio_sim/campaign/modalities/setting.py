# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a modality is made from: the plan, the mesh and the constants of one stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.devices.applicator import PlacedApplicator, Section
from imagio_sim.plan import Assignment, Scenario, assignments
from imagio_sim.plan.placement import Triple


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
