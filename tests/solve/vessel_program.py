# SPDX-License-Identifier: LGPL-3.0-or-later
"""A heated cube with vessels in it, and a program that solves it on all ranks (argument: where the result goes)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.vessel_contact import CentreLine, vessel_contact
from imagio_sim.physics import vessel
from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.sources import VolumeSource
from imagio_sim.solve.stage import Stage
from imagio_sim.solve.vessel_lines import VesselFlow, VesselLine, VesselTree
from tests.solve.bricks import FIELDS, SIDE_MM, cube

BLOOD_CONDUCTIVITY, BLOOD_HEAT_CAPACITY = 0.52, 3.8e6
DIFFUSIVITY = BLOOD_CONDUCTIVITY / BLOOD_HEAT_CAPACITY


def line_in(
    domain: Domain,
    points_mm: Sequence[Sequence[float]],
    *,
    radius_mm: float,
    velocity: float,
    name: str = "vein",
    parents: tuple[int, ...] = (),
) -> VesselLine:
    """A vessel of one radius with blood of a mean velocity [m/s], at 37 degC where it begins."""
    points = np.array(points_mm, float)
    found = vessel_contact(domain, Locator(domain), CentreLine(name, points, np.full(len(points), radius_mm)))
    flow = np.pi * (radius_mm * 1e-3) ** 2 * velocity
    graetz = vessel.graetz_length(found.arc_mm * 1e-3, flow, DIFFUSIVITY)
    own = BLOOD_HEAT_CAPACITY * flow * vessel.share_taken(np.diff(graetz))
    around = vessel.shell_conductance(
        FIELDS["thermal_conductivity"], np.diff(found.arc_mm) * 1e-3, found.radius_mm, found.shell_mm
    )
    return VesselLine(
        name=name,
        parents=parents,
        capacity_rate=BLOOD_HEAT_CAPACITY * flow,
        inlet_temperature=37.0,
        turbulent_nusselt=None,
        graetz=graetz,
        arc_mm=found.arc_mm,
        ends_mm=found.ends_mm,
        contact=found.found / (1.0 + own / around),
        wall_segment=found.wall.segment,
        wall_node=found.wall.index,
        wall_weight=found.wall.weight,
        lumen_segment=found.lumen.segment,
        lumen_node=found.lumen.index,
        lumen_conductance=found.lumen.weight * 1e-9 * BLOOD_HEAT_CAPACITY,
    )


def heated(*lines: VesselLine, end_time: float = 60.0, power: float = 1.0e6) -> ThermalCase:
    """The cube, heated evenly [W/m3], with these vessels."""
    case = cube(end_time=end_time)
    source = VolumeSource("beam", np.full(len(case.domain.cells), power), 0.0, end_time)
    return replace(case, sources=(source,), couplings=(VesselTree(lines),) if lines else ())


def across(radius_mm: float, velocity: float, *, name: str = "vein") -> VesselLine:
    """A vessel through the middle of the cube."""
    middle = SIDE_MM / 2.0
    ends = ((-1.0, middle + 0.3, middle - 0.2), (SIDE_MM + 1.0, middle + 0.3, middle - 0.2))
    return line_in(cube().domain, ends, radius_mm=radius_mm, velocity=velocity, name=name)


def blood_of(stage: Stage) -> VesselFlow:
    """The blood of a stage."""
    (only,) = stage.couplings
    assert isinstance(only, VesselFlow)
    return only


def main() -> None:
    """Take eight prescribed steps on all ranks; rank 0 writes temperatures and what the blood carried."""
    case = heated(across(0.5, 0.05, name="thin"), across(3.5, 0.1, name="wide"))
    stage = Stage(MPI.COMM_WORLD, replace(case, numerics=Numerics(linear_tolerance=1e-10, nonlinear_tolerance=1e-8)))
    for step in (0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0):
        stage.advance(step)
    whole = stage.space.gathered(stage.temperature)
    if whole is not None:
        blood = blood_of(stage)
        outlets = [course["temperature_degC"][-1] for course in blood.courses()]
        np.savez(sys.argv[1], temperature=whole, carried=list(blood.carried().values()), outlets=outlets)


if __name__ == "__main__":
    main()
