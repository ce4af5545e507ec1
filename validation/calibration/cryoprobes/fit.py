# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fit the heat transfer inside cryoprobes to the -30 degC isotherm of one probe in agar (CR01, one-probe row).

python -m validation.calibration.cryoprobes.fit
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from scipy.optimize import brentq

from imagio_sim.devices.applicator import Rod, Section
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate_axisymmetric
from imagio_sim.meshing.recipe import SIZES, MeshRecipe, RodShape
from imagio_sim.meshing.region import Sphere
from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.sources.cryo import CryoPhase, CryoProbe, CryoSpec, Gas
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.constants import load_constants

FREEZE_TIME, BASELINE = 15 * 60.0, 39.0
GAS_TEMPERATURE, TIME_CONSTANT = -145.0, 30.0
REGION_MM, REACH_MM = 80.0, 20.0
LETHAL = -30.0


@dataclass(frozen=True)
class Measured:
    """A probe: radius and active length [mm], and the diameter of the -30 degC isotherm after 15 min [mm]."""

    name: str
    radius_mm: float
    active_mm: float
    lethal_diameter_mm: float


PROBES = (
    Measured("endocare_2.4mm", 1.2, 40.0, 12.0),
    # "diameters of 1.7 mm probes were 84 % of those of 2.4 mm probes"
    Measured("endocare_1.7mm", 0.85, 40.0, 0.84 * 12.0),
)

AGAR = {
    "heat_capacity_0": 1.9e6,  # ice
    "heat_capacity_1": 4.18e6,
    "heat_capacity_2": 0.6e6,
    "latent_heat_0": 3.336e8,
    "latent_heat_1": 2.26e9,
    "thermal_conductivity": 0.6,
    "thermal_conductivity_slope": 0.0,
    "freezing_conductivity_rise": 1.62,  # to 2.22 W/(m K)
    "electrical_conductivity": 0.2,
    "electrical_conductivity_slope": 0.0,
    "perfusion_rate": 0.0,
    "metabolic_heat": 0.0,
}
"""2 % agar taken as water and ice; freezing from 0 to -1 degC. Nothing electric happens here."""


def mesh(probe: Measured) -> Domain:
    """The phantom in the r-z half plane."""
    section = Section("wall", 0.0, probe.active_mm)
    path = ((0.0, 0.0, 0.0), (0.0, 0.0, 150.0))
    rod = RodShape.of("probe", Rod("shaft", path, probe.radius_mm, "cone", 2.0 * probe.radius_mm, (section,)))
    centre, focus = (0.0, 0.0, 0.5 * probe.active_mm), ((0.0, 0.0, 0.0), (0.0, 0.0, probe.active_mm))
    return generate_axisymmetric(
        MeshRecipe(Sphere(centre, REGION_MM), (rod,), (focus,), REACH_MM, SIZES["normal"])
    ).domain


def phantom(domain: Domain, heat_transfer: float) -> ThermalCase:
    """One probe that freezes agar for 15 min."""
    constants = {name: value.value for name, value in load_constants().items()}
    constants |= {"freezing_start": 0.0, "freezing_width": 1.0}
    boiling = constants["vaporisation_start"]
    cells, gas = len(domain.cells), Gas(GAS_TEMPERATURE, TIME_CONSTANT, heat_transfer)
    probe = CryoProbe("probe", ("probe.shaft.wall",), (CryoPhase("freeze", 0.0, FREEZE_TIME, gas),))
    return ThermalCase(
        domain=domain,
        cell_fields={name: np.full(cells, value) for name, value in AGAR.items()},
        transitions=((-1.0, 0.0), (boiling, boiling + constants["vaporisation_width"])),
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        body_temperature=BASELINE,
        blood_heat_capacity=3.8e6,
        constants=constants,
        cooling=(),
        deciding_models=("nadir_30",),
        end_time=FREEZE_TIME,
        numerics=Numerics(time_tolerance=2.0),
        sources=(CryoSpec((probe,)),),
    )


def diameter_mm(stage: Stage, temperature: float) -> float:
    """Largest diameter [mm] of the surface of a temperature [degC]."""
    points, values = stage.space.points * 1e3, stage.temperature - temperature
    start, end = stage.operators.edge_start, stage.operators.edge_end
    crossed = values[start] * values[end] < 0.0
    start, end = start[crossed], end[crossed]
    share = values[start] / (values[start] - values[end])
    radii = points[start, 0] + share * (points[end, 0] - points[start, 0])
    return 2.0 * float(radii.max(initial=0.0))


def frozen(domain: Domain, heat_transfer: float) -> Stage:
    """The phantom after 15 min."""
    stage = Stage(MPI.COMM_SELF, phantom(domain, heat_transfer))
    while not stage.finished:
        stage.advance()
    return stage


def fitted(probe: Measured) -> tuple[float, Stage]:
    """Heat transfer coefficient [W/(m2 K)] that gives the measured lethal diameter, and the phantom with it."""
    domain = mesh(probe)

    def excess(logarithm: float) -> float:
        return diameter_mm(frozen(domain, float(np.exp(logarithm))), LETHAL) - probe.lethal_diameter_mm

    found = float(np.exp(brentq(excess, np.log(300.0), np.log(5000.0), xtol=0.01)))
    return found, frozen(domain, found)


def main() -> None:
    """Print the fit of every probe."""
    print("probe            h W/(m2 K)   D(-30) mm   D(0) mm   area share   wall degC")
    for probe in PROBES:
        heat_transfer, stage = fitted(probe)
        lethal, ice = diameter_mm(stage, LETHAL), diameter_mm(stage, 0.0)
        wall = stage.history[-1]["probe.wall_degC"]
        print(
            f"{probe.name:16} {heat_transfer:10.0f} {lethal:11.1f} {ice:9.1f} {(lethal / ice) ** 2:12.0%} {wall:11.0f}"
        )


if __name__ == "__main__":
    main()
