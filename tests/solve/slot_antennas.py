# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue with single-slot antennas in it, for tests of whole stages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from imagio_sim.meshing.antenna import AntennaSizes, antenna_mesh
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate, generate_axisymmetric
from imagio_sim.meshing.recipe import MeshRecipe, RodShape, sizes_for
from imagio_sim.meshing.region import Sphere
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.microwave_coupling import Placement
from imagio_sim.solve.sources.microwave import MICROWAVE, Antenna, DielectricPart, MicrowaveSpec, PowerStep
from imagio_sim.tissue.dielectric import Dielectric, StaticCourse, load_model
from tests.solve.antennas import DIELECTRIC, FREQUENCY, single_slot
from tests.solve.bricks import CONSTANTS, FIELDS

RADIUS_MM = 40.0
MODEL = load_model("2450_mhz", highest=100.0)
LIVER = Dielectric("liver", 43.03, 1.69, StaticCourse(), StaticCourse(), MODEL.dry_permittivity)
HOT_LIVER = Dielectric("liver", 43.03, 1.69, MODEL.permittivity, MODEL.conductivity, MODEL.dry_permittivity)
TUMOUR = Dielectric("tumour", 52.0, 2.2, StaticCourse(), StaticCourse(), MODEL.dry_permittivity)


def rod(x: float = 0.0) -> RodShape:
    """The antenna's outside, parallel to z, its tip at the height 0."""
    path = ((x, 0.0, 0.0), (x, 0.0, 90.0))
    return RodShape(f"antenna_{x:g}.shaft", path, 0.895, "cone", 0.5, (("feed", 2.0, 11.0),))


def region(*positions: float, axisymmetric: bool = False, size_factor: float = 1.0) -> Domain:
    """A ball of tissue around antennas, or the half plane of one."""
    rods = tuple(rod(x) for x in positions)
    focus = tuple(((x, 0.0, 2.0), (x, 0.0, 11.0)) for x in positions)
    sizes = sizes_for("coarse", reach_mm=15.0).scaled(size_factor)
    recipe = MeshRecipe(Sphere((0.0, 0.0, 6.5), RADIUS_MM), rods, focus, 15.0, sizes)
    return generate_axisymmetric(recipe).domain if axisymmetric else generate(recipe).domain


def antenna(
    x: float = 0.0, *, power: float = 10.0, duration: float = 600.0, phase: float | None = None, **changes: Any
) -> Antenna:
    """A single-slot antenna that is on from the beginning."""
    recipe = single_slot(radius_mm=RADIUS_MM + abs(x), reach_mm=15.0, sizes=AntennaSizes())
    made = Antenna(
        name=f"antenna_{x:g}",
        mesh=antenna_mesh(recipe),
        port=recipe.port,
        materials=(
            DielectricPart("catheter", 2.6, 0.0),
            DielectricPart("line", DIELECTRIC, 0.0),
            DielectricPart("air", 1.0, 0.0),
        ),
        placement=Placement((x, 0.0, 0.0), (0.0, 0.0, 1.0)),
        wall_resistance=0.0,
        transmission=1.0,
        steps=(PowerStep(0.0, power), PowerStep(duration, 0.0)),
        phase=phase,
    )
    return replace(made, **changes)


def microwave_case(domain: Domain, *antennas: Antenna, tissue: Dielectric = LIVER, **changes: Any) -> ThermalCase:
    """Perfused liver under antennas; with a fraction of tumour per cell, ``tumour``."""
    cells, start, width = len(domain.cells), CONSTANTS["vaporisation_start"], CONSTANTS["vaporisation_width"]
    tumour = changes.pop("tumour", np.zeros(cells))
    spec = MicrowaveSpec(
        name=MICROWAVE,
        frequency=FREQUENCY,
        antennas=antennas,
        tissues=(tissue, TUMOUR),
        fractions=np.column_stack([1.0 - tumour, tumour]),
        tolerance=changes.pop("tolerance", 0.02),
    )
    case = ThermalCase(
        domain=domain,
        cell_fields={name: np.full(cells, value) for name, value in FIELDS.items()},
        transitions=((start, start + width),),
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        body_temperature=37.0,
        blood_heat_capacity=3.8e6,
        constants=CONSTANTS,
        cooling=(),
        deciding_models=("arrhenius_hepg2",),
        end_time=60.0,
        sources=(spec,),
    )
    return replace(case, **changes)
