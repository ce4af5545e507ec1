# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cube of perfused tissue with plate electrodes on two opposite faces, in seconds, for tests of whole stages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from mpi4py import MPI

from imagio_sim.devices.generator import Controller, Limits, described
from imagio_sim.meshing.phantoms import box
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.radiofrequency import (
    Conductor,
    Generator,
    Ground,
    RadiofrequencySource,
    RadiofrequencySpec,
)
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.constants import load_constants

SIDE_MM = 20.0
GENEROUS = Limits(200.0, 400.0, 5.0)
CONSTANTS = {name: value.value for name, value in load_constants().items()}
FIELDS = {
    "heat_capacity_0": 3.8e6,
    "heat_capacity_1": CONSTANTS["dried_heat_capacity"],
    "latent_heat_0": 1.66e9,
    "thermal_conductivity": 0.52,
    "thermal_conductivity_slope": 0.001,
    "electrical_conductivity": 0.2,
    "electrical_conductivity_slope": 0.015,
    "perfusion_rate": 0.0064,
    "metabolic_heat": 0.0,
}


def cube(**changes: Any) -> ThermalCase:
    """Living tissue without generators, left alone for 10 min; top and bottom are the region's boundary."""
    domain = box(8, SIDE_MM)
    ends = np.concatenate([domain.surfaces["z_min"], domain.surfaces["z_max"]])
    surfaces = {"left": domain.surfaces["x_min"], "right": domain.surfaces["x_max"], "boundary": ends}
    cells = len(domain.cells)
    start, width = CONSTANTS["vaporisation_start"], CONSTANTS["vaporisation_width"]
    case = ThermalCase(
        domain=replace(domain, surfaces=surfaces),
        cell_fields={name: np.full(cells, value) for name, value in FIELDS.items()},
        transitions=((start, start + width),),
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        body_temperature=37.0,
        blood_heat_capacity=3.8e6,
        constants=CONSTANTS,
        cooling=(),
        deciding_models=("arrhenius_hepg2",),
        end_time=600.0,
    )
    return replace(case, **changes)


def driven(
    *controllers: Controller, bipolar: bool = False, sources: tuple[SourceSpec, ...] = (), **changes: Any
) -> ThermalCase:
    """The cube with one generator per controller on its plates; two bipolar plates take one controller."""
    names = ("left", "right")
    used = names if bipolar else names[: len(controllers)]
    middle = (SIDE_MM / 2.0, SIDE_MM / 2.0, SIDE_MM / 2.0)
    sensor = (SIDE_MM / 4.0, SIDE_MM / 2.0, SIDE_MM / 2.0)
    generators = tuple(
        Generator(name, name, "right" if bipolar else None, described(controller), (sensor,))
        for name, controller in zip(names, controllers, strict=False)
    )
    electrodes = RadiofrequencySpec(tuple(Conductor(name, (name,)) for name in used), generators, Ground(middle))
    return cube(
        sources=(electrodes, *sources),
        end_time=max(controller.end_time for controller in controllers),
        **changes,
    )


def begun(case: ThermalCase) -> Stage:
    """The stage before its first step."""
    return Stage(MPI.COMM_SELF, case)


def finished(case: ThermalCase) -> Stage:
    """The stage at its end."""
    stage = begun(case)
    while not stage.finished:
        stage.advance()
    return stage


def replayed(case: ThermalCase, stage: Stage) -> Stage:
    """Another stage with the same steps, none of which is rejected."""
    again = begun(case)
    for row in stage.history:
        again.advance(row["step_s"])
    return again


def radiofrequency(stage: Stage) -> RadiofrequencySource:
    """The electrodes of a stage."""
    (source,) = (source for source in stage.sources if isinstance(source, RadiofrequencySource))
    return source
