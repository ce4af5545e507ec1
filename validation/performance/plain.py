# SPDX-License-Identifier: LGPL-3.0-or-later
"""The product's physics as a DOLFINx program is usually written: every operator is a form, assembled when needed.

Electric field, two implicit stages with Newton on the enthalpy form, perfusion that dies, a cooled electrode and the
remote ground; conjugate gradients with hypre as it comes for the field, rebuilt every ten steps, and with Jacobi for
the heat. It solves the discrete equations of ``imagio_sim.solve`` on the same mesh, so that only the way differs.
Restrictions that keep it short: one rank, one electrode at constant power, homogeneous tissue, nothing boils.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import (
    apply_lifting,
    assemble_matrix,
    assemble_vector,
    create_matrix,
    create_vector,
    set_bc,
)
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from imagio_sim.physics import bioheat, electric
from imagio_sim.physics.arithmetic import UFL
from imagio_sim.solve import versions
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.death import DeathTracker
from imagio_sim.tissue import laws
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.death import heat_death_models
from imagio_sim.tissue.enthalpy import Enthalpy, Transition
from validation.independence.study import electrodes_of
from validation.performance.clock import Clock

Floats = NDArray[np.float64]

GAMMA = 1.0 - 1.0 / np.sqrt(2.0)
REBUILT_EVERY = 10
STRONG_THRESHOLD = 0.5
"""What hypre's manual advises for three dimensions; all else of BoomerAMG is left at its defaults."""
NEWTON_TOLERANCE, NEWTON_LIMIT = 1e-6, 20
JIT = {"cffi_extra_compile_args": ["-O3", "-march=native"]}
LUMPED = {"quadrature_rule": "vertex", "quadrature_degree": 1}
ELECTRODE, OUTSIDE = 1, 2


@dataclass
class Plain:
    """The state of a run: temperature ``now`` and one step ``before`` [degC], potential per volt, and its solvers."""

    case: ThermalCase
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        domain = self.case.domain
        self.mesh = versions.create_simplex_mesh(MPI.COMM_SELF, domain.cells, domain.points_mm * 1e-3)
        self.space = fem.functionspace(self.mesh, ("P", 1))
        self.tags = self._tagged_facets()
        names = ("now", "before", "middle", "first", "temperature", "potential", "moisture", "living")
        self.fields = {name: fem.Function(self.space) for name in names}
        for name in ("now", "before", "middle", "first", "temperature"):
            self.fields[name].x.array[:] = self.case.body_temperature
        self.death = DeathTracker(heat_death_models(), self.case.deciding_models, len(self.fields["now"].x.array))
        self.duration, self.power = (fem.Constant(self.mesh, 1.0) for _ in range(2))
        self.last_duration, self.steps = 1.0, 0
        self._make_electric()
        self._make_heat()

    @property
    def input_nodes(self) -> NDArray[np.int64]:
        """Input number of every degree of freedom."""
        numbers = np.empty(len(self.fields["now"].x.array), np.int64)
        numbers[self.space.dofmap.list.ravel()] = self.mesh.geometry.dofmap.ravel()
        return np.asarray(self.mesh.geometry.input_global_indices)[numbers]

    def _tagged_facets(self) -> Any:
        self.mesh.topology.create_connectivity(2, 3)
        self.mesh.topology.create_connectivity(2, 0)
        facets = mesh.exterior_facet_indices(self.mesh.topology)
        nodes = np.asarray(self.mesh.geometry.input_global_indices)[
            mesh.entities_to_geometry(self.mesh, 2, facets)
        ].reshape(-1, 3)
        values = np.zeros(len(facets), np.int32)
        (conductor,) = electrodes_of(self.case).conductors
        for tag, names in ((ELECTRODE, conductor.surfaces), (OUTSIDE, ("boundary",))):
            wanted = np.concatenate([self.case.domain.surfaces[name] for name in names])
            values[_rows_in(nodes, wanted)] = tag
        return mesh.meshtags(self.mesh, 2, facets, values)

    def _property(self, name: str) -> float:
        """A tissue property; they are the same in all cells."""
        return float(self.case.cell_fields[name][0])

    def _make_electric(self) -> None:
        constants, trial, test = self.case.constants, ufl.TrialFunction(self.space), ufl.TestFunction(self.space)
        middle, potential = self.fields["middle"], self.fields["potential"]
        sigma = laws.electrical_conductivity(
            middle,
            self.fields["moisture"],
            reference=self._property("electrical_conductivity"),
            slope=self._property("electrical_conductivity_slope"),
            highest=constants["conductivity_cap_temperature"],
            residual_fraction=constants["conductivity_residual_fraction"],
            xp=UFL,
        )
        # One point per cell for conduction, source and power, so that the last two are the same number.
        dx = ufl.dx(metadata={"quadrature_degree": 1})
        ds = ufl.ds(domain=self.mesh, subdomain_data=self.tags, metadata=LUMPED)

        centre_mm = electrodes_of(self.case).ground.centre_mm
        assert centre_mm is not None

        def leaving(one: Any, other: Any) -> Any:
            return electric.remote_ground(
                one,
                other,
                electrical_conductivity=sigma,
                position=ufl.SpatialCoordinate(self.mesh),
                normal=ufl.FacetNormal(self.mesh),
                centre=ufl.as_vector([1e-3 * x for x in centre_mm]),
                weight=1.0,
            ) * ds(OUTSIDE)

        form = electric.conduction(trial, test, electrical_conductivity=sigma, weight=1.0) * dx + leaving(trial, test)
        self.field_matrix_form = fem.form(form, jit_options=JIT)
        self.field_right_form = fem.form(fem.Constant(self.mesh, 0.0) * test * dx, jit_options=JIT)
        self.joule = electric.joule_heat(potential, electrical_conductivity=sigma)
        self.source_measure = dx
        self.near_form = fem.form(self.joule * dx, jit_options=JIT)
        self.far_form = fem.form(leaving(potential, potential), jit_options=JIT)
        dofs = fem.locate_dofs_topological(self.space, 2, self.tags.find(ELECTRODE))
        self.field_conditions = [fem.dirichletbc(1.0, dofs, self.space)]
        self.field_matrix, self.field_right = (
            create_matrix(self.field_matrix_form),
            create_vector(self.field_right_form),
        )
        self.field_solver = self._solver(self.field_matrix, "hypre")

    def _make_heat(self) -> None:
        fields, test = self.fields, ufl.TestFunction(self.space)
        constants, (low, high) = self.case.constants, self.case.transitions[0]
        law = Enthalpy(
            (self._property("heat_capacity_0"), self._property("heat_capacity_1")),
            (Transition(low, high, self._property("latent_heat_0")),),
        )
        conductivity = laws.thermal_conductivity(
            fields["middle"],
            reference=self._property("thermal_conductivity"),
            slope=self._property("thermal_conductivity_slope"),
            highest=constants["conductivity_cap_temperature"],
            xp=UFL,
        )
        now, temperature = fields["now"], fields["temperature"]
        dx, ds = ufl.dx(metadata=LUMPED), ufl.ds(domain=self.mesh, subdomain_data=self.tags, metadata=LUMPED)
        (cooling,) = self.case.cooling
        metabolism = fem.Constant(self.mesh, self._property("metabolic_heat"))
        implicit = GAMMA * self.duration

        def enthalpy(of: Any) -> Any:
            return law.enthalpy(of, xp=UFL)

        def stage(known: Any) -> Any:
            """Residual of one implicit stage; ``known`` is the enthalpy it starts from."""
            return (
                bioheat.heat_storage(enthalpy(temperature), known, test, time_step=implicit, weight=1.0) * dx
                + bioheat.conduction(temperature, test, thermal_conductivity=conductivity, weight=1.0)
                * ufl.dx(metadata={"quadrature_degree": 1})
                - bioheat.pennes_sink(
                    temperature,
                    test,
                    perfusion_rate=self._property("perfusion_rate") * fields["living"],
                    blood_heat_capacity=self.case.blood_heat_capacity,
                    arterial_temperature=self.case.body_temperature,
                    weight=1.0,
                )
                * dx
                - bioheat.volumetric_source(metabolism * fields["living"], test, weight=1.0) * dx
                - bioheat.volumetric_source(self.power * self.joule, test, weight=1.0) * self.source_measure
                - bioheat.surface_exchange(
                    temperature,
                    test,
                    heat_transfer_coefficient=cooling.heat_transfer_coefficient,
                    outside_temperature=cooling.temperature,
                    weight=1.0,
                )
                * ds(ELECTRODE)
            )

        gained = (1.0 - GAMMA) / GAMMA * (enthalpy(fields["first"]) - enthalpy(now))
        residuals = stage(enthalpy(now)), stage(enthalpy(now) + gained)
        self.heat_forms = [
            (fem.form(form, jit_options=JIT), fem.form(ufl.derivative(form, temperature), jit_options=JIT))
            for form in residuals
        ]
        dofs = fem.locate_dofs_topological(self.space, 2, self.tags.find(OUTSIDE))
        self.heat_conditions = [fem.dirichletbc(self.case.body_temperature, dofs, self.space)]
        self.heat_matrix, self.heat_right = create_matrix(self.heat_forms[0][1]), create_vector(self.heat_forms[0][0])
        self.heat_solver = self._solver(self.heat_matrix, "jacobi")
        self.change = self.heat_right.duplicate()

    def _solver(self, matrix: Any, preconditioner: str) -> Any:
        solver = PETSc.KSP().create(MPI.COMM_SELF)
        solver.setOperators(matrix)
        solver.setType("cg")
        solver.getPC().setType(preconditioner)
        solver.setTolerances(rtol=self.case.numerics.linear_tolerance)
        if preconditioner == "hypre":
            solver.setInitialGuessNonzero(True)
            PETSc.Options().setValue("pc_hypre_boomeramg_strong_threshold", STRONG_THRESHOLD)
            solver.getPC().setFromOptions()
        return solver

    def advance(self, duration: float) -> None:
        """One step [s]."""
        fields = self.fields
        self.duration.value = duration
        rise = fields["now"].x.array - fields["before"].x.array
        fields["middle"].x.array[:] = fields["now"].x.array + 0.5 * duration / self.last_duration * rise
        self._coefficients(duration)
        self._electric_field()
        for number, name in enumerate(("first", "temperature")):
            self._stage(number)
            fields[name].x.array[:] = fields["temperature"].x.array
        with self.clock.of("death"):
            self.death.advance(fields["now"].x.array, fields["temperature"].x.array, duration)
        fields["before"].x.array[:] = fields["now"].x.array
        fields["now"].x.array[:] = fields["temperature"].x.array
        self.last_duration, self.steps = duration, self.steps + 1

    def _coefficients(self, duration: float) -> None:
        constants, middle = self.case.constants, self.fields["middle"].x.array
        self.fields["moisture"].x.array[:] = laws.moisture(
            middle,
            vaporisation_start=constants["vaporisation_start"],
            vaporisation_width=constants["vaporisation_width"],
            xp=NUMPY,
        )
        with self.clock.of("death"):
            dead = self.death.expected_dead_fraction(self.fields["now"].x.array, middle, 0.5 * duration)
        self.fields["living"].x.array[:] = laws.perfusion_rate(
            1.0,
            dead,
            shutdown_start=constants["perfusion_shutdown_start"],
            shutdown_end=constants["perfusion_shutdown_end"],
            xp=NUMPY,
        )

    def _electric_field(self) -> None:
        """Potential of the electrode at 1 V, and the factor on its heat that makes the generator's power."""
        potential = self.fields["potential"]
        with self.clock.of("electric assembly"):
            _assemble(self.field_matrix, self.field_matrix_form, self.field_conditions)
            _clear(self.field_right)
            assemble_vector(self.field_right, self.field_right_form)
            apply_lifting(self.field_right, [self.field_matrix_form], [self.field_conditions])
            set_bc(self.field_right, self.field_conditions)
        with self.clock.of("electric solve"):
            self.field_solver.setOperators(self.field_matrix)
            self.field_solver.getPC().setReusePreconditioner(self.steps % REBUILT_EVERY != 0)
            self.field_solver.solve(self.field_right, potential.x.petsc_vec)
        with self.clock.of("electric assembly"):
            unit_power = fem.assemble_scalar(self.near_form) + fem.assemble_scalar(self.far_form)
            self.power.value = electrodes_of(self.case).generators[0].controller["value"] / unit_power

    def _stage(self, number: int) -> None:
        """Newton on one implicit stage, from the temperature that is there."""
        residual_form, slope_form = self.heat_forms[number]
        temperature, first = self.fields["temperature"], None
        for _ in range(NEWTON_LIMIT):
            with self.clock.of("heat assembly"):
                _clear(self.heat_right)
                assemble_vector(self.heat_right, residual_form)
                set_bc(self.heat_right, self.heat_conditions, x0=temperature.x.petsc_vec, alpha=-1.0)
                size = self.heat_right.norm()
            first = size if first is None else first
            if size <= NEWTON_TOLERANCE * first:
                return
            with self.clock.of("heat assembly"):
                _assemble(self.heat_matrix, slope_form, self.heat_conditions)
            with self.clock.of("heat solve"):
                self.heat_solver.solve(self.heat_right, self.change)
            temperature.x.array[:] -= self.change.array
        raise RuntimeError("Newton did not converge")

    def temperature(self) -> Floats:
        """Temperature of all nodes (n,) [degC] in input order."""
        whole = np.empty(len(self.input_nodes))
        whole[self.input_nodes] = self.fields["now"].x.array
        return whole


def _assemble(matrix: Any, form: Any, conditions: list[Any]) -> None:
    matrix.zeroEntries()
    assemble_matrix(matrix, form, bcs=conditions)
    matrix.assemble()


def _clear(vector: Any) -> None:
    with vector.localForm() as local:
        local.set(0.0)


def _rows_in(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row of node numbers is one of the wanted rows, in any order."""
    both = np.sort(np.concatenate([rows, wanted]), axis=1)
    _, number = np.unique(both, axis=0, return_inverse=True)
    return np.asarray(np.isin(number[: len(rows)], number[len(rows) :]))
