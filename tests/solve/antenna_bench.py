# SPDX-License-Identifier: LGPL-3.0-or-later
"""An antenna of the library in a ball of one tissue, in the half plane: what bench experiments look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from imagio_sim.devices import load_device
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.meshing.antenna import AntennaSizes, antenna_mesh
from imagio_sim.meshing.antenna_layout import antenna_recipe
from imagio_sim.meshing.generate import generate_axisymmetric
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.recipe import MeshRecipe, RodShape, sizes_for
from imagio_sim.meshing.region import Sphere
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.microwave_coupling import Placement
from imagio_sim.solve.sources.microwave import MICROWAVE, Antenna, DielectricPart, MicrowaveSpec, PowerStep
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.dielectric import Dielectric
from tests.solve.bricks import CONSTANTS, FIELDS

REACH_MM = 20.0


def bench_case(
    name: str,
    *,
    power: float,
    duration: float,
    tissue: Dielectric,
    fields: Mapping[str, float],
    start: float = 37.0,
    blood_heat_capacity: float = 3.8e6,
    radius_mm: float = 50.0,
    size_factor: float = 1.0,
    resolution: str = "coarse",
    lossless: bool = False,
) -> ThermalCase:
    """A library antenna at constant power [W], 1 W into the line being 1 W into the port.

    ``start`` [degC] is also the temperature of the outside and of the blood; ``lossless`` metal is a perfect conductor.
    """
    device = load_device(name)
    assert isinstance(device, MicrowaveDevice)
    (rod,) = device.applicator()
    inside, arm = device.antenna, device.antenna.arm_length_mm
    low, high = inside.radiating_mm
    middle = 0.5 * (low + high)
    sections = tuple((section.name, section.start_mm, min(section.end_mm, 100.0)) for section in rod.sections)
    # The shaft begins at the origin, as it does wherever the antenna is.
    shaft = RodShape(
        "antenna.shaft", ((0.0, 0.0, 0.0), (0.0, 0.0, 150.0)), rod.radius_mm, rod.tip, rod.tip_length_mm, sections
    )
    recipe = MeshRecipe(
        Sphere((0.0, 0.0, middle - arm), radius_mm),
        (shaft,),
        (((0.0, 0.0, low - arm), (0.0, 0.0, high - arm)),),
        REACH_MM,
        sizes_for(resolution, reach_mm=REACH_MM).scaled(size_factor),  # type: ignore[arg-type]
    )
    domain = generate_axisymmetric(recipe).domain
    layout = antenna_recipe(
        rod, inside, radius_mm=radius_mm, reach_mm=REACH_MM, sizes=AntennaSizes().scaled(size_factor)
    )
    antenna = Antenna(
        name="antenna",
        mesh=antenna_mesh(layout),
        port=layout.port,
        materials=tuple(
            DielectricPart(material, filling.permittivity.value, filling.loss_tangent.value)
            for material, filling in inside.materials.items()
        ),
        placement=Placement((0.0, 0.0, -arm), (0.0, 0.0, 1.0)),
        wall_resistance=0.0 if lossless else inside.wall_resistance.value,
        transmission=1.0,
        steps=(PowerStep(0.0, power), PowerStep(duration, 0.0)),
        phase=None,
    )
    cells, boiling = len(domain.cells), CONSTANTS["vaporisation_start"]
    spec = MicrowaveSpec(
        name=MICROWAVE,
        frequency=inside.frequency.value,
        antennas=(antenna,),
        tissues=(tissue,),
        fractions=np.ones((cells, 1)),
        tolerance=0.03,
    )
    return ThermalCase(
        domain=domain,
        cell_fields={key: np.full(cells, value) for key, value in {**FIELDS, **fields}.items()},
        transitions=((boiling, boiling + CONSTANTS["vaporisation_width"]),),
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        body_temperature=start,
        blood_heat_capacity=blood_heat_capacity,
        constants=CONSTANTS,
        cooling=(),
        deciding_models=("arrhenius_hepg2",),
        end_time=duration,
        sources=(spec,),
    )


def run_until(case: ThermalCase, end: float) -> Stage:
    """The stage at a time [s]."""
    stage = Stage(MPI.COMM_SELF, replace(case, end_time=end))
    while not stage.finished:
        stage.advance()
    return stage


def temperatures(stage: Stage, places_mm: np.ndarray) -> np.ndarray:
    """Temperature (n,) [degC] at distances from the axis and heights above the antenna's tip (n, 2)."""
    (spec,) = stage.case.sources
    assert isinstance(spec, MicrowaveSpec)
    nodal = stage.space.gathered(stage.temperature)
    assert nodal is not None
    points = spec.antennas[0].placement.in_half_plane(places_mm)
    return Locator(stage.case.domain).interpolate(nodal, points)
