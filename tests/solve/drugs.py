# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cube of liver with a drug in a corner of it, in seconds, for tests of a drug in a stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import box
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.drug_depots import BeadDepot, DrugConstants, EmulsionDepot, OrganTissue
from imagio_sim.solve.drug_kinetics import PlasmaKinetics
from imagio_sim.solve.sources.drug import DrugSource, DrugSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.library import load_tissue
from tests.solve.bricks import SIDE_MM, cube

Floats = NDArray[np.float64]

HOUR, DAY = 3600.0, 86400.0
GIVEN = 1e-6
"""Drug [mol] in the depot of every test."""


def volumes(domain: Domain) -> Floats:
    """Volume of each cell (m,) [m3]."""
    corners = domain.points_mm[domain.cells] * 1e-3
    return np.asarray(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6.0)


def middles(domain: Domain) -> Floats:
    """Centres (m, 3) [mm]."""
    return np.asarray(domain.points_mm[domain.cells].mean(axis=1))


def corner_density(domain: Domain, reach_mm: float = 8.0) -> Floats:
    """Of a unit amount (m,) [1/m3], even over the cells near the origin."""
    near = np.linalg.norm(middles(domain), axis=1) < reach_mm
    return np.asarray(near / volumes(domain)[near].sum())


def beads(domain: Domain, **changes: Any) -> BeadDepot:
    """Beads of 160 um with twice as many sites as drug."""
    depot = BeadDepot(
        name="beads",
        given=GIVEN,
        beads=2000.0,
        capacity=2.0 * GIVEN,
        density=corner_density(domain),
        half_saturation=0.06,
        exchange_rate=4e-5,
        radius=8e-5,
        shape="sphere",
        unbound_share=0.0,
    )
    return replace(depot, **changes)


def smooth_density(domain: Domain) -> Floats:
    """Of a unit amount (m,) [1/m3], falling smoothly with the distance from a corner."""
    weight = np.exp(-((np.linalg.norm(middles(domain), axis=1) / 7.0) ** 2))
    return np.asarray(weight / (weight @ volumes(domain)))


def emulsion(domain: Domain, **changes: Any) -> EmulsionDepot:
    depot = EmulsionDepot(
        name="oil",
        given=GIVEN,
        density=corner_density(domain),
        burst_share=0.3,
        release_rate=5e-5,
        washout_rate=np.full(len(domain.cells), 1e-6),
    )
    return replace(depot, **changes)


def organ(domain: Domain, tissue: str = "liver", inside: Floats | None = None) -> OrganTissue:
    """A tissue of the library in all cells, or in the share ``inside`` (m,) of them."""
    share = np.ones(len(domain.cells)) if inside is None else inside
    value = load_tissue(tissue).value
    fluid = value("interstitial_fraction")
    return OrganTissue(
        fluid=fluid * share,
        diffusivity_ratio=fluid * value("interstitial_diffusivity_ratio") * share,
        vessel_surface=value("vessel_surface_density") * value("vessel_permeability_ratio") * share,
        cell_density=value("cell_density") * share,
        share=share,
        hydraulic_conductivity=value("hydraulic_conductivity") * share,
        filtration=value("filtration_conductance") * share,
        filtration_pressure=value("filtration_pressure") * np.ones(len(share)),
        drainage=value("lymphatic_conductance") * share,
        lymph_pressure=np.zeros(len(share)),
    )


def constants(**changes: float) -> DrugConstants:
    value = load_drug("doxorubicin").value
    known = DrugConstants(
        free_diffusivity=value("free_diffusivity"),
        bound_diffusivity=value("bound_diffusivity"),
        association_rate=value("association_rate"),
        dissociation_rate=value("dissociation_rate"),
        free_permeability=value("free_vessel_permeability"),
        bound_permeability=value("bound_vessel_permeability"),
        uptake_maximum=value("cell_uptake_maximum"),
        uptake_half=value("uptake_half_saturation"),
        efflux_half=value("efflux_half_saturation"),
    )
    return replace(known, **changes)


BODY = PlasmaKinetics(0.25, 0.0177, 1.733e-5, (1.83, 0.071), (1.408e-5, 7.889e-6))


def spec(domain: Domain, **changes: Any) -> DrugSpec:
    """Doxorubicin in beads in liver."""
    made = DrugSpec(
        drug="doxorubicin",
        molar_mass=0.54352,
        mass_per_amount=0.57998e6,
        depots=(beads(domain),),
        exchange=constants(),
        body=BODY,
        tissue=organ(domain),
        haematocrit=0.4,
        target=np.zeros(len(domain.cells)),
        vessel_delay=1.5 * DAY,
    )
    return replace(made, **changes)


def drugged(end_time: float = 1.0 * DAY, perfusion_rate: float = 2e-4, *, n: int = 8, **changes: Any) -> ThermalCase:
    """A cube of n^3 bricks at body temperature.

    ``changes`` are those of the spec, made from the domain where they are functions.
    """
    case = _divided(cube(end_time=end_time, deciding_models=("drug_exposure",)), n)
    made = {name: change(case.domain) if callable(change) else change for name, change in changes.items()}
    fields = {**case.cell_fields, "perfusion_rate": np.full(len(case.domain.cells), perfusion_rate)}
    return replace(case, cell_fields=fields, sources=(spec(case.domain, **made),))


def _divided(case: ThermalCase, n: int) -> ThermalCase:
    """The case with other cells of the same cube."""
    domain = box(n, SIDE_MM)
    ends = np.concatenate([domain.surfaces["z_min"], domain.surfaces["z_max"]])
    cells = len(domain.cells)
    return replace(
        case,
        domain=replace(domain, surfaces={**domain.surfaces, "boundary": ends}),
        cell_fields={name: np.full(cells, values[0]) for name, values in case.cell_fields.items()},
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
    )


def marched(case: ThermalCase) -> tuple[Stage, DrugSource]:
    """The stage at its end, and its drug."""
    stage = Stage(MPI.COMM_WORLD, case)
    while not stage.finished:
        stage.advance()
    (source,) = stage.sources
    assert isinstance(source, DrugSource)
    return stage, source
