# SPDX-License-Identifier: LGPL-3.0-or-later
"""The slab with a centre line in a three-dimensional mesh, beside the resolved reference.

``python -m validation.verification.VE01_vessel_in_slab.study --help``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.vessels.courses import VesselCourse
from imagio_sim.campaign.vessels.lines import Blood, vessel_line
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.vessel_contact import CentreLine, VesselContact, vessel_contact
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources import VolumeSource
from imagio_sim.solve.stage import Stage
from imagio_sim.solve.vessel_lines import VesselTree
from imagio_sim.tissue.constants import load_constants
from validation.verification.VE01_vessel_in_slab.graetz_cylinder import Course, Slab, solve

BODY = 37.0
VISCOSITY = 3.3e-6
SLABS: Mapping[str, Slab] = {
    "0.5 mm, 1 cm/s": Slab(0.25e-3, 0.01),
    "1 mm, 5 cm/s": Slab(0.5e-3, 0.05),
    "2 mm, 8 cm/s": Slab(1.0e-3, 0.08),
    "6 mm, 15 cm/s": Slab(3.0e-3, 0.15),
}
"""By diameter and mean velocity: from one that saturates to one that stays cold."""
HEIGHTS = (0.012, 0.020, 0.028)
"""Where along the vessel [m] tissue is compared: upstream, in the middle and downstream in what is heated."""
DISTANCES = (0.002, 0.004)
"""How far from its wall [m]."""


@dataclass(frozen=True, eq=False)
class OnMesh:
    """At the end: temperature rises [K] by (distance, height), and what the blood carries."""

    rises: Mapping[tuple[float, float], float]
    outlet_rise: float
    carried: float
    lost: float


def on_mesh(slab: Slab, cells_across: int) -> OnMesh:
    """The slab in a cube of bricks, with its vessel a little off the nodes."""
    side = slab.length * 1e3
    domain, middle = box(cells_across, side), side / 2.0
    axis = np.array([middle + 0.31, middle - 0.23])
    line = CentreLine("v", np.array([[*axis, 0.0], [*axis, side]]), np.full(2, slab.vessel_radius * 1e3))
    contact = vessel_contact(domain, Locator(domain), line)
    case = _case(slab, domain, contact, line, axis)
    stage = Stage(MPI.COMM_SELF, case)
    while not stage.finished:
        stage.advance()
    (blood,) = stage.couplings
    facts = blood.facts()
    rises = {
        (distance, height): _around(domain, stage, axis, slab.vessel_radius + distance, height)
        for distance in DISTANCES
        for height in HEIGHTS
    }
    outlet = facts["courses"][0]["temperature_degC"][-1] - BODY
    return OnMesh(rises, outlet, facts["carried_J"]["v"], stage.ledger.lost["vessel_lines"])


def _case(
    slab: Slab, domain: Domain, contact: VesselContact, line: CentreLine, axis: NDArray[np.float64]
) -> ThermalCase:
    cells, solid = len(domain.cells), 1.0 - contact.lumen_fraction
    centres = domain.points_mm[domain.cells].mean(axis=1) * 1e-3
    distance = np.linalg.norm(centres[:, :2] - axis * 1e-3, axis=1)
    within = (centres[:, 2] > slab.heated_from) & (centres[:, 2] < slab.heated_to) & (distance < slab.heated_radius)
    constants = {name: value.value for name, value in load_constants().items()}
    flow = np.pi * slab.vessel_radius**2 * slab.velocity
    course = VesselCourse("slab", line, flow, BODY, None)
    conductivity = slab.conductivity * np.maximum(solid, constants["lumen_conduction_fraction"])
    blood = Blood(slab.conductivity, slab.heat_capacity, VISCOSITY)
    spec = vessel_line(course, contact, blood, conductivity, renewal=constants["lumen_renewal_time"])
    start = constants["vaporisation_start"]
    zeros = np.zeros(cells)
    return ThermalCase(
        domain=Domain(domain.points_mm, domain.cells, {"boundary": _outside(domain)}, domain.minimum_quality),
        cell_fields={
            "heat_capacity_0": np.full(cells, slab.heat_capacity),
            "heat_capacity_1": np.full(cells, slab.heat_capacity),
            "latent_heat_0": np.full(cells, 1.0),
            "thermal_conductivity": conductivity,
            "thermal_conductivity_slope": zeros,
            "electrical_conductivity": np.ones(cells),
            "electrical_conductivity_slope": zeros,
            "perfusion_rate": zeros,
            "metabolic_heat": zeros,
        },
        transitions=((start, start + constants["vaporisation_width"]),),
        vessel_conductance=zeros,
        lumen_fraction=zeros,
        body_temperature=BODY,
        blood_heat_capacity=slab.heat_capacity,
        constants=constants,
        cooling=(),
        deciding_models=("arrhenius_hepg2",),
        end_time=slab.duration,
        sources=(VolumeSource("beam", np.where(within, slab.heat, 0.0), 0.0, slab.duration),),
        couplings=(VesselTree((spec,)),),
    )


def _outside(domain: Domain) -> NDArray[np.int64]:
    return np.concatenate(list(domain.surfaces.values()))


def _around(domain: Domain, stage: Stage, axis: NDArray[np.float64], radius: float, height: float) -> float:
    """Mean rise [K] on a circle about the vessel."""
    turn = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    ring = axis + 1e3 * radius * np.column_stack([np.cos(turn), np.sin(turn)])
    points = np.column_stack([ring, np.full(len(ring), height * 1e3)])
    nodal = stage.space.gathered(stage.temperature)
    assert nodal is not None
    return float(Locator(domain).interpolate(nodal, points).mean()) - BODY


def reference(slab: Slab) -> Course:
    """The resolved slab, its first-order upwind error taken off by extrapolation from two grids."""
    coarse, fine = solve(slab, fineness=1, steps=240), solve(slab, fineness=2, steps=240)
    outlet, carried = (2.0 * getattr(fine, name) - getattr(coarse, name) for name in ("outlet_rise", "carried"))
    return Course(fine.r, fine.z, fine.rise, outlet, carried)


def main() -> None:
    """Print reference and mesh side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[24, 36], help="bricks along the edge of the cube")
    chosen = parser.parse_args()
    for name, slab in SLABS.items():
        exact = reference(slab)
        places = [(distance, height) for distance in DISTANCES for height in HEIGHTS]
        resolved = [exact.at(slab.vessel_radius + distance, height) for distance, height in places]
        print(f"{name:16s} reference  {_row(exact.carried, exact.outlet_rise, resolved)}", flush=True)
        for cells in chosen.cells:
            found = on_mesh(slab, cells)
            rises = [found.rises[place] for place in places]
            print(f"{'':16s} {cells:4d} cells {_row(found.carried, found.outlet_rise, rises)}", flush=True)


def _row(carried: float, outlet: float, rises: list[float]) -> str:
    return f"carried {carried:8.3f} J  outlet {outlet:+7.4f} K  tissue " + " ".join(f"{rise:6.2f}" for rise in rises)


if __name__ == "__main__":
    main()
