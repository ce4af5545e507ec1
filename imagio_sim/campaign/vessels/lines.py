# SPDX-License-Identifier: LGPL-3.0-or-later
"""From vessels given by centre lines and a mesh to what the solver couples to the tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.vessels.courses import VesselCourse, unbalanced_junctions, vessel_courses
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.vessel_contact import VesselContact, vessel_contact
from imagio_sim.physics import vessel
from imagio_sim.plan import Scenario
from imagio_sim.solve.vessel_lines import VesselLine, VesselTree
from imagio_sim.tissue import property_table

Floats = NDArray[np.float64]

BLOOD = "blood"


@dataclass(frozen=True, eq=False)
class Blood:
    """Blood in SI: conductivity [W/(m K)], volumetric heat capacity [J/(m3 K)], kinematic viscosity [m2/s]."""

    conductivity: float
    heat_capacity: float
    viscosity: float

    @property
    def diffusivity(self) -> float:
        """Thermal [m2/s]."""
        return self.conductivity / self.heat_capacity

    @classmethod
    def of(cls, scenario: Scenario, constants: Mapping[str, float]) -> Blood:
        """That of a scenario."""
        table = property_table(
            [scenario.tissue(BLOOD)], ["thermal_conductivity", "volumetric_heat_capacity", "density"]
        )
        return cls(
            float(table["thermal_conductivity"][0]),
            float(table["volumetric_heat_capacity"][0]),
            constants["blood_viscosity"] / float(table["density"][0]),
        )


@dataclass(frozen=True, eq=False)
class VesselsOnMesh:
    """The vessels of a scenario that are given by centre lines, and where each touches a mesh."""

    courses: tuple[VesselCourse, ...]
    contacts: tuple[VesselContact, ...]

    @classmethod
    def of(cls, scenario: Scenario, domain: Domain) -> VesselsOnMesh:
        """Find them; a plan has none in the r-z half plane, where a vessel would be a ring."""
        courses = vessel_courses(scenario)
        locator = Locator(domain) if courses else None
        contacts = [vessel_contact(domain, locator, one.line) for one in courses if locator is not None]
        return cls(courses, tuple(contacts))

    def labels_only(self, sampled: Sampled) -> Sampled:
        """The samples without the exchange of the labels that a centre line describes."""
        described = {course.label for course in self.courses}
        left = {name: share for name, share in sampled.vessel_shares.items() if name not in described}
        gone = [share for name, share in sampled.vessel_shares.items() if name in described]
        if not gone:
            return sampled
        kept = np.clip(1.0 - np.sum(gone, axis=0), 0.0, 1.0)
        return replace(
            sampled,
            wall_area_mm2=sampled.wall_area_mm2 * kept,
            lumen_fraction=sampled.lumen_fraction * kept,
            vessel_shares={name: share / np.where(kept > 0.0, kept, 1.0) for name, share in left.items()},
        )

    def with_lumens(self, sampled: Sampled) -> Sampled:
        """The samples with blood where a vessel is so wide that the mesh resolves it."""
        if not any(contact.lumen_fraction.any() for contact in self.contacts):
            return sampled
        solid = np.prod([1.0 - contact.lumen_fraction for contact in self.contacts], axis=0)
        if BLOOD not in sampled.tissues:
            nothing = np.zeros((len(solid), 1))
            sampled = replace(
                sampled, tissues=(*sampled.tissues, BLOOD), fractions=np.hstack([sampled.fractions, nothing])
            )
        fractions = sampled.fractions * solid[:, None]
        fractions[:, sampled.tissues.index(BLOOD)] += 1.0 - solid
        lumen = 1.0 - (1.0 - sampled.lumen_fraction) * solid
        return replace(sampled, fractions=fractions, lumen_fraction=lumen)

    def trees(self, scenario: Scenario, conductivity: Floats, constants: Mapping[str, float]) -> tuple[VesselTree, ...]:
        """What the solver couples, in a mesh with a thermal conductivity (cells,) [W/(m K)]; none without vessels."""
        if not self.courses:
            return ()
        blood = Blood.of(scenario, constants)
        lines = tuple(
            vessel_line(course, contact, blood, conductivity, renewal=constants["lumen_renewal_time"])
            for course, contact in zip(self.courses, self.contacts, strict=True)
        )
        return (VesselTree(lines, (*unbalanced_junctions(self.courses), *_turbulent(self.courses, lines))),)


def vessel_line(
    course: VesselCourse, contact: VesselContact, blood: Blood, conductivity: Floats, *, renewal: float
) -> VesselLine:
    """One vessel on a mesh with a thermal conductivity (cells,) [W/(m K)]; ``renewal`` [s] is that of its lumen."""
    rate = blood.heat_capacity * course.flow
    nusselt = _turbulent_nusselt(course, blood)
    graetz = vessel.graetz_length(contact.arc_mm * 1e-3, course.flow, blood.diffusivity)
    own = rate * vessel.share_taken(np.diff(graetz), nusselt)
    return VesselLine(
        name=course.line.name,
        parents=course.parents,
        capacity_rate=rate,
        inlet_temperature=course.inlet_temperature,
        turbulent_nusselt=nusselt,
        graetz=graetz,
        arc_mm=contact.arc_mm,
        ends_mm=contact.ends_mm,
        contact=contact.found / (1.0 + own / _around(contact, conductivity)),
        wall_segment=contact.wall.segment,
        wall_node=contact.wall.index,
        wall_weight=contact.wall.weight,
        lumen_segment=contact.lumen.segment,
        lumen_node=contact.lumen.index,
        lumen_conductance=np.asarray(contact.lumen.weight * 1e-9 * blood.heat_capacity / renewal),
    )


def _around(contact: VesselContact, conductivity: Floats) -> Floats:
    """Conductance (m,) [W/K] of the tissue between each segment's wall and where its temperature is taken."""
    cells, segments = contact.cells, len(contact.radius_mm)
    mean = np.bincount(cells.segment, conductivity[cells.index] * cells.weight, minlength=segments)
    met = np.where(contact.found > 0.0, mean, 1.0)
    return vessel.shell_conductance(met, np.diff(contact.arc_mm) * 1e-3, contact.radius_mm, contact.shell_mm)


def _turbulent_nusselt(course: VesselCourse, blood: Blood) -> float | None:
    """Nusselt number where the flow in a vessel of its mean radius is turbulent."""
    reynolds = vessel.reynolds_number(course.flow, course.line.radii_mm.mean() * 1e-3, blood.viscosity)
    if reynolds <= vessel.LARGEST_LAMINAR_REYNOLDS:
        return None
    return float(vessel.turbulent_nusselt(reynolds, blood.viscosity / blood.diffusivity))


def _turbulent(courses: Sequence[VesselCourse], lines: Sequence[VesselLine]) -> list[str]:
    return [
        f"vessels: the flow of {line.name} is taken as turbulent; {course.flow * 6e7:.3g} ml/min is much for its radius"
        for course, line in zip(courses, lines, strict=True)
        if line.turbulent_nusselt is not None
    ]
