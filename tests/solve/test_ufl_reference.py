# SPDX-License-Identifier: LGPL-3.0-or-later
"""The fast path against the same time step written down with the symbolic terms of ``imagio_sim.physics``.

The reference assembles every operator from a form, lumps by row sums, solves with a sparse LU and Newton for the
enthalpy, and marches on its own: electric field, two implicit stages of the enthalpy form, death of the perfusion.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import assemble_matrix, assemble_vector
from mpi4py import MPI
from scipy.sparse.linalg import spsolve

from imagio_sim.devices.generator import Limits
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.physics import bioheat, electric
from imagio_sim.physics.arithmetic import UFL
from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Discretisation
from imagio_sim.solve.sources.radiofrequency import Ground, RadiofrequencySpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue import laws
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.death import heat_death_models
from imagio_sim.tissue.enthalpy import Enthalpy, Transition
from tests.solve.conftest import Floats, discretised
from tests.solve.test_stage import constant_power, electrode_case

GAMMA = 1.0 - 1.0 / np.sqrt(2.0)
POWER = {"half plane": 130.0, "tetrahedra": 200.0}
DOMAINS = {
    "half plane": (half_plane(8.0, 16.0, 8, 16), "bottom", "top"),
    "tetrahedra": (box(6, 16.0), "z_min", "z_max"),
}
TIGHT = Numerics(linear_tolerance=1e-13, nonlinear_tolerance=1e-9, longest_powered_step=5.0)


def two_tissues(domain: Domain, plate: str, boundary: str, power: float) -> ThermalCase:
    """An electrode on one end of a block whose properties vary from cell to cell, a pad on the other end."""
    drive = replace(constant_power(power), cooling_phase=0.0, limits=Limits(1e4, 1e4, 1e4))
    case = electrode_case(drive, TIGHT)
    (electrodes,) = case.sources
    assert isinstance(electrodes, RadiofrequencySpec)
    variation = np.random.default_rng(5).uniform(0.7, 1.3, len(domain.cells))
    fields = {name: values[0] * variation for name, values in case.cell_fields.items()}
    fields["metabolic_heat"] = 7000.0 * variation
    surfaces = {"plate": domain.surfaces[plate], "boundary": domain.surfaces[boundary]}
    return replace(
        case,
        domain=replace(domain, surfaces=surfaces),
        cell_fields=fields,
        vessel_conductance=np.zeros(len(domain.cells)),
        lumen_fraction=np.zeros(len(domain.cells)),
        sources=(replace(electrodes, ground=Ground(None, "boundary")),),
    )


class Reference:
    """The step in UFL on the mesh of a discretisation, so that both number their nodes alike."""

    def __init__(self, case: ThermalCase, space: Discretisation) -> None:
        self.case, self.space = case, space
        self.test, self.trial = ufl.TestFunction(space.space), ufl.TrialFunction(space.space)
        position = ufl.SpatialCoordinate(space.mesh)
        self.weight = 2.0 * ufl.pi * position[0] if space.axisymmetric else ufl.as_ufl(1.0)
        self.constant = fem.functionspace(space.mesh, ("DG", 0))
        self.cells = {name: self.cellwise(values[space.input_cell]) for name, values in case.cell_fields.items()}
        self.temperature = np.full(space.count, case.body_temperature)
        self.before, self.time, self.last_duration = self.temperature, 0.0, 1.0
        self.withheld = 0.0
        self.death = DeathTracker(heat_death_models(), case.deciding_models, space.count)
        self.lowest = space.points[:, -1] < 1e-9
        self.highest = space.points[:, -1] > space.points[:, -1].max() - 1e-9

    def cellwise(self, values: Floats) -> fem.Function:
        function = fem.Function(self.constant)
        function.x.array[: self.space.cell_count] = values
        return function

    def nodal(self, values: Floats) -> fem.Function:
        function = fem.Function(self.space.space)
        function.x.array[:] = values
        return function

    def at_centroids(self, expression: Any) -> fem.Function:
        """A law evaluated once per cell."""
        function = fem.Function(self.constant)
        function.interpolate(fem.Expression(expression, self.constant.element.interpolation_points()))
        return function

    def vector(self, integrand: Any, measure: Any = ufl.dx) -> Floats:
        return assemble_vector(fem.form(integrand * measure)).array.copy()

    def matrix(self, integrand: Any) -> sparse.csr_matrix:
        assembled = assemble_matrix(fem.form(integrand * ufl.dx))
        assembled.assemble()
        rows, columns, values = assembled.getValuesCSR()
        return sparse.csr_matrix((values, columns, rows))

    @cached_property
    def plate(self) -> Any:
        facets = mesh.locate_entities_boundary(self.space.mesh, self.space.dimension - 1, lambda x: x[self.axis] < 1e-9)
        tags = mesh.meshtags(self.space.mesh, self.space.dimension - 1, facets, np.ones(len(facets), np.int32))
        return ufl.Measure("ds", domain=self.space.mesh, subdomain_data=tags)(1)

    @property
    def axis(self) -> int:
        return self.space.dimension - 1

    @cached_property
    def enthalpy(self) -> Enthalpy:
        """Row sums of the storage term; the sums over a node's cells keep the law's shape."""

        def lumped(name: str) -> Floats:
            return self.vector(
                bioheat.heat_storage(self.cells[name], 0.0, self.test, time_step=1.0, weight=self.weight)
            )

        low, high = self.case.transitions[0]
        transition = Transition(low, high, lumped("latent_heat_0"))
        return Enthalpy((lumped("heat_capacity_0"), lumped("heat_capacity_1")), (transition,))

    @cached_property
    def perfusion(self) -> Floats:
        return self.vector(
            bioheat.pennes_sink(
                0.0,
                self.test,
                perfusion_rate=self.cells["perfusion_rate"],
                blood_heat_capacity=self.case.blood_heat_capacity,
                arterial_temperature=1.0,
                weight=self.weight,
            )
        )

    @cached_property
    def metabolism(self) -> Floats:
        return self.vector(bioheat.volumetric_source(self.cells["metabolic_heat"], self.test, weight=self.weight))

    @cached_property
    def cooling(self) -> Floats:
        coefficient = self.case.cooling[0].heat_transfer_coefficient
        term = bioheat.surface_exchange(
            0.0, self.test, heat_transfer_coefficient=coefficient, outside_temperature=1.0, weight=self.weight
        )
        return self.vector(term, self.plate)

    def moisture(self, temperature: Any) -> Any:
        constants = self.case.constants
        return laws.moisture(
            temperature,
            vaporisation_start=constants["vaporisation_start"],
            vaporisation_width=constants["vaporisation_width"],
            xp=NUMPY,
        )

    def sigma(self, temperature: Floats, moisture: Floats) -> Any:
        constants = self.case.constants
        return laws.electrical_conductivity(
            self.nodal(temperature),
            self.nodal(moisture),
            reference=self.cells["electrical_conductivity"],
            slope=self.cells["electrical_conductivity_slope"],
            highest=constants["conductivity_cap_temperature"],
            residual_fraction=constants["conductivity_residual_fraction"],
            xp=UFL,
        )

    def steam(self, temperature: Floats) -> Any:
        """What steam adds to the thermal conductivity of each cell."""
        corners = temperature[self.space.space.dofmap.list]
        return laws.steam_conductivity(
            corners.min(axis=1),
            corners.max(axis=1),
            diffusivity=self.case.constants["boiling_water_diffusivity"],
            latent_heat=self.cells["latent_heat_0"].x.array,
            vaporisation_start=self.case.constants["vaporisation_start"],
            vaporisation_width=self.case.constants["vaporisation_width"],
            xp=NUMPY,
        )

    def joule_heat(self, temperature: Floats) -> tuple[Floats, Floats]:
        """Joule heat [W] of each node for a nodal temperature, and by how much it falls per kelvin of drying [W/K]."""
        moisture = self.moisture(temperature)
        sigma = self.at_centroids(self.sigma(temperature, moisture))
        stiffness = self.matrix(
            electric.conduction(self.trial, self.test, electrical_conductivity=sigma, weight=self.weight)
        )
        fixed = self.lowest | self.highest
        potential = self.nodal(with_fixed(stiffness, np.zeros(len(fixed)), fixed, np.where(self.lowest, 1.0, 0.0)))
        joule = electric.joule_heat(potential, electrical_conductivity=sigma)
        scale = self.case.sources[0].generators[0].controller["value"] / fem.assemble_scalar(
            fem.form(self.weight * joule * ufl.dx)
        )
        drier = self.at_centroids(self.sigma(temperature, moisture - 1e-3))
        lost = electric.joule_heat(potential, electrical_conductivity=(sigma - drier) / 1e-3)
        per_kelvin = self.vector(bioheat.volumetric_source(scale * lost, self.test, weight=self.weight))
        low, high = self.case.transitions[0]
        drying = (temperature > low) & (temperature < high)
        return (
            self.vector(bioheat.volumetric_source(scale * joule, self.test, weight=self.weight)),
            np.where(drying, per_kelvin / (high - low), 0.0),
        )

    def advance(self, duration: float) -> None:
        """One step: everything but the temperature is frozen at its extrapolated middle."""
        start = self.enthalpy.enthalpy(self.temperature)
        rise = start - self.enthalpy.enthalpy(self.before)
        middle = self.enthalpy.temperature(start + 0.5 * duration / self.last_duration * rise)
        conductivity = self.at_centroids(
            laws.thermal_conductivity(
                self.nodal(middle),
                reference=self.cells["thermal_conductivity"],
                slope=self.cells["thermal_conductivity_slope"],
                highest=self.case.constants["conductivity_cap_temperature"],
                xp=UFL,
            )
        )
        conductivity.x.array[:] += self.steam(middle)
        conduction = self.matrix(
            bioheat.conduction(self.trial, self.test, thermal_conductivity=conductivity, weight=self.weight)
        )
        living = laws.perfusion_rate(
            1.0,
            self.death.expected_dead_fraction(self.temperature, middle, 0.5 * duration),
            shutdown_start=self.case.constants["perfusion_shutdown_start"],
            shutdown_end=self.case.constants["perfusion_shutdown_end"],
            xp=NUMPY,
        )
        blood = self.perfusion * living
        power = self.case.sources[0].generators[0].controller["value"]
        repaid = 1.0 + min(max(self.withheld / (power * duration), -0.1), 0.1)
        joule, falling = (repaid * part for part in self.joule_heat(middle))
        operator = conduction + sparse.diags(blood + self.cooling + falling)
        inflow = joule + falling * middle + self.metabolism * living + blood * self.case.body_temperature
        inflow += self.cooling * self.case.cooling[0].temperature
        first = self.stage(start, duration, operator, inflow)
        reached = start + (1.0 - GAMMA) * duration * (inflow - operator @ first)
        last = self.stage(reached, duration, operator, inflow)
        mean = (1.0 - GAMMA) * first + GAMMA * last
        self.withheld += duration * (power - repaid * power + float(falling @ (mean - middle)))
        self.death.advance(self.temperature, last, duration)
        self.before, self.temperature, self.last_duration = self.temperature, last, duration
        self.time += duration

    def stage(self, known: Floats, duration: float, operator: sparse.csr_matrix, inflow: Floats) -> Floats:
        """Newton for the enthalpy: H + gamma dt A T(H) = known + gamma dt f, the boundary at body temperature."""
        implicit, enthalpy = GAMMA * duration, self.enthalpy.enthalpy(self.temperature)
        for _ in range(60):
            temperature = self.enthalpy.temperature(enthalpy)
            residual = known + implicit * (inflow - operator @ temperature) - enthalpy
            slope = sparse.diags(1.0 / self.enthalpy.heat_capacity_apparent(temperature))
            jacobian = sparse.identity(len(known)) + implicit * operator @ slope
            change = with_fixed(jacobian, residual, self.highest, np.zeros(len(known)))
            enthalpy = enthalpy + change
            if np.abs(slope @ change).max() < 1e-10:
                return self.enthalpy.temperature(enthalpy)
        raise AssertionError("Newton did not converge")


def with_fixed(matrix: sparse.csr_matrix, right: Floats, fixed: Any, values: Floats) -> Floats:
    """Solve for the free nodes, the fixed ones given."""
    solution, free = np.where(fixed, values, 0.0), ~fixed
    matrix = matrix.tocsr()
    solution[free] = spsolve(matrix[free][:, free].tocsc(), (right - matrix @ solution)[free])
    return solution


@pytest.mark.parametrize("name", DOMAINS)
def test_fast_path_gives_the_temperatures_of_the_symbolic_step_through_boiling(name: str) -> None:
    case = two_tissues(*DOMAINS[name], POWER[name])
    stage = Stage(MPI.COMM_SELF, case)
    boiling, boiled = case.transitions[0], False
    while stage.temperature.max() < boiling[1]:  # until the first node is dry
        stage.advance()
        boiled |= bool(((stage.temperature > boiling[0]) & (stage.temperature < boiling[1])).any())
    reference = Reference(case, discretised(case.domain))
    for row in stage.history:
        reference.advance(row["step_s"])
    assert boiled
    assert stage.death.dead_fraction().max() > 0.99
    assert np.abs(stage.temperature - reference.temperature).max() < 1e-7
