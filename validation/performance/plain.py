# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same physics as DOLFINx's demos would write it: forms assembled anew, default multigrid, Newton on the heat.

This is what the product's fast path is compared with. It is not tuned: hypre with its default options (threshold 0.5),
set up anew every ten steps, a Jacobian and two residuals assembled for every stage of every step, nothing extrapolated
but what the time-stepping scheme itself asks for.
"""

from __future__ import annotations

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
from petsc4py import PETSc

from imagio_sim.physics import bioheat, electric
from imagio_sim.physics.arithmetic import UFL
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Discretisation, Floats
from imagio_sim.solve.heat import GAMMA
from imagio_sim.tissue import laws
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.death import heat_death_models
from imagio_sim.tissue.enthalpy import Enthalpy, Transition

MULTIGRID_KEPT_FOR = 10
JIT = {"cffi_extra_compile_args": ["-O3", "-march=native"]}
LUMPED = {"quadrature_rule": "vertex", "quadrature_degree": 1}
ONE_POINT = {"quadrature_degree": 1}


class PlainStage:
    """One monopolar electrode at constant power, remote ground, cooled; ``advance`` takes a prescribed step."""

    def __init__(self, case: ThermalCase, space: Discretisation, *, power: float) -> None:
        self.case, self.space, self.power, self.steps = case, space, power, 0
        self.previous_duration = 1.0
        self.death = DeathTracker(heat_death_models(), case.deciding_model, space.count)
        self._functions()
        self._measures()
        self._electric_forms()
        self._heat_forms()

    def _functions(self) -> None:
        space = self.space.space
        names = ("now", "before", "middle", "moisture", "potential", "temperature", "living", "known", "update")
        self.f = {name: fem.Function(space) for name in names}
        for name in ("now", "before", "temperature"):
            self.f[name].x.array[:] = self.case.body_temperature
        self.f["living"].x.array[:] = 1.0
        constant = fem.functionspace(self.space.mesh, ("DG", 0))
        self.cells = {}
        for name, values in self.case.cell_fields.items():
            self.cells[name] = fem.Function(constant)
            self.cells[name].x.array[: self.space.cell_count] = values[self.space.input_cell]
        self.scale, self.implicit = (fem.Constant(self.space.mesh, 1.0) for _ in range(2))

    def _measures(self) -> None:
        domain, space = self.space.mesh, self.space
        facets, tags = [], []
        self.dofs = {}
        surfaces = {1: self.case.conductors[0].surfaces[0], 2: "boundary"}
        for tag, name in surfaces.items():
            nodes = space.nodes_of(self.case.domain.surfaces[name])
            marked = np.zeros(space.count, bool)
            marked[nodes] = True
            vertices = np.zeros(domain.topology.index_map(0).size_local + domain.topology.index_map(0).num_ghosts, bool)
            domain.topology.create_connectivity(space.dimension, 0)
            connected = domain.topology.connectivity(space.dimension, 0).array.reshape(-1, space.dimension + 1)
            vertices[connected.ravel()] = marked[space.space.dofmap.list.ravel()]
            domain.topology.create_connectivity(space.dimension - 1, 0)
            domain.topology.create_connectivity(space.dimension - 1, space.dimension)
            outside = mesh.exterior_facet_indices(domain.topology)
            corners = domain.topology.connectivity(space.dimension - 1, 0).array.reshape(-1, space.dimension)
            found = outside[vertices[corners[outside]].all(axis=1)]
            facets.append(found)
            tags.append(np.full(len(found), tag, np.int32))
            self.dofs[name] = nodes
        order = np.argsort(np.concatenate(facets))
        marks = mesh.meshtags(domain, space.dimension - 1, np.concatenate(facets)[order], np.concatenate(tags)[order])
        self.ds = ufl.Measure("ds", domain=domain, subdomain_data=marks)

    def _electric_forms(self) -> None:
        case, space = self.case, self.space
        trial, test = ufl.TrialFunction(space.space), ufl.TestFunction(space.space)
        sigma = laws.electrical_conductivity(
            self.f["middle"],
            self.f["moisture"],
            reference=self.cells["electrical_conductivity"],
            slope=self.cells["electrical_conductivity_slope"],
            highest=case.constants["conductivity_cap_temperature"],
            residual_fraction=case.constants["conductivity_residual_fraction"],
            xp=UFL,
        )
        assert case.ground.centre_mm is not None
        ground: dict[str, Any] = {
            "electrical_conductivity": sigma,
            "position": ufl.SpatialCoordinate(space.mesh),
            "normal": ufl.FacetNormal(space.mesh),
            "centre": ufl.as_vector([x * 1e-3 for x in case.ground.centre_mm]),
            "weight": 1.0,
        }
        inside, outer = ufl.dx(metadata=ONE_POINT), self.ds(2, metadata=LUMPED)
        left = electric.conduction(trial, test, electrical_conductivity=sigma, weight=1.0) * inside
        self.electric_left = self._form(left + electric.remote_ground(trial, test, **ground) * outer)
        self.electric_right = self._form(fem.Constant(space.mesh, 0.0) * test * inside)
        phi = self.f["potential"]
        self.joule = electric.joule_heat(phi, electrical_conductivity=sigma)
        far = electric.remote_ground(phi, phi, **ground)
        self.total_power = self._form(self.joule * inside + far * outer)
        tip = self.dofs[case.conductors[0].surfaces[0]]
        self.electric_fixed = [fem.dirichletbc(1.0, tip, space.space)]
        self.electric_matrix, self.electric_vector = (
            create_matrix(self.electric_left),
            create_vector(self.electric_right),
        )
        self.electric_solver = self._solver(self.electric_matrix, "hypre")

    def _heat_forms(self) -> None:
        case, space, cells, body = self.case, self.space, self.cells, self.case.body_temperature
        trial, test, now = ufl.TrialFunction(space.space), ufl.TestFunction(space.space), self.f["temperature"]
        low, high = case.transitions[0]
        law = Enthalpy(
            (cells["heat_capacity_0"], cells["heat_capacity_1"]), (Transition(low, high, cells["latent_heat_0"]),)
        )
        nodes, inside = ufl.dx(metadata=LUMPED), ufl.dx(metadata=ONE_POINT)
        tip = self.ds(1, metadata=LUMPED)
        conductivity = laws.thermal_conductivity(
            self.f["middle"],
            reference=cells["thermal_conductivity"],
            slope=cells["thermal_conductivity_slope"],
            highest=case.constants["conductivity_cap_temperature"],
            xp=UFL,
        )
        blood = cells["perfusion_rate"] * case.blood_heat_capacity * self.f["living"]
        coolant, coefficient = case.cooling[0].temperature, case.cooling[0].heat_transfer_coefficient

        def loss(temperature: Any, *, above: float, coolant: float) -> Any:
            conducted = bioheat.conduction(temperature, test, thermal_conductivity=conductivity, weight=1.0) * inside
            sink = blood * (temperature - above) * test * nodes
            return conducted + sink + coefficient * (temperature - coolant) * test * tip

        self.enthalpy = self._form(law.enthalpy(now, xp=UFL) * test * nodes)
        gain = self.scale * self.joule * test * ufl.dx(metadata=ONE_POINT)
        self.heat_residual = self._form(
            law.enthalpy(now, xp=UFL) * test * nodes + self.implicit * (loss(now, above=body, coolant=coolant) - gain)
        )
        slope = law.heat_capacity_apparent(now, xp=UFL)
        self.heat_jacobian = self._form(
            slope * trial * test * nodes + self.implicit * loss(trial, above=0.0, coolant=0.0)
        )
        self.heat_fixed = [fem.dirichletbc(0.0, self.dofs["boundary"], space.space)]
        self.heat_matrix, self.heat_vector = create_matrix(self.heat_jacobian), create_vector(self.heat_residual)
        self.heat_solver = self._solver(self.heat_matrix, "jacobi")

    def _form(self, expression: Any) -> Any:
        return fem.form(expression, jit_options=JIT)

    def _solver(self, matrix: PETSc.Mat, preconditioner: str) -> PETSc.KSP:
        solver = PETSc.KSP().create(self.space.comm)
        solver.setOperators(matrix)
        solver.setType("cg")
        solver.getPC().setType(preconditioner)
        solver.setTolerances(rtol=self.case.numerics.linear_tolerance)
        if preconditioner == "hypre":
            PETSc.Options().setValue("pc_hypre_boomeramg_strong_threshold", 0.5)
            solver.setInitialGuessNonzero(True)
            solver.getPC().setFromOptions()
        return solver

    def advance(self, duration: float) -> None:
        """One step of ``duration`` [s]."""
        f = self.f
        now, before = f["now"].x.array, f["before"].x.array
        f["middle"].x.array[:] = now + 0.5 * duration / self.previous_duration * (now - before)
        constants = self.case.constants
        f["moisture"].x.array[:] = laws.moisture(
            f["middle"].x.array,
            vaporisation_start=constants["vaporisation_start"],
            vaporisation_width=constants["vaporisation_width"],
            xp=NUMPY,
        )
        f["living"].x.array[:] = laws.perfusion_rate(
            1.0,
            self.death.expected_dead_fraction(now, f["middle"].x.array, 0.5 * duration),
            shutdown_start=constants["perfusion_shutdown_start"],
            shutdown_end=constants["perfusion_shutdown_end"],
            xp=NUMPY,
        )
        self._solve_electric()
        self._two_stages(duration)
        self.death.advance(now.copy(), f["temperature"].x.array, duration)
        f["before"].x.array[:] = now
        f["now"].x.array[:] = f["temperature"].x.array
        self.previous_duration, self.steps = duration, self.steps + 1

    def _solve_electric(self) -> None:
        matrix, vector, fixed = self.electric_matrix, self.electric_vector, self.electric_fixed
        matrix.zeroEntries()
        assemble_matrix(matrix, self.electric_left, bcs=fixed)
        matrix.assemble()
        self._assemble(vector, self.electric_right)
        apply_lifting(vector, [self.electric_left], [fixed])
        vector.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
        set_bc(vector, fixed)
        self.electric_solver.setOperators(matrix)
        self.electric_solver.getPC().setReusePreconditioner(self.steps % MULTIGRID_KEPT_FOR != 0)
        self.electric_solver.solve(vector, self.f["potential"].x.petsc_vec)
        self.f["potential"].x.scatter_forward()
        delivered = self.space.comm.allreduce(fem.assemble_scalar(self.total_power))
        self.scale.value = self.power / delivered

    def _two_stages(self, duration: float) -> None:
        self.implicit.value = GAMMA * duration
        start = self._vector_of(self.enthalpy)
        self._newton(start)
        rate = (self._vector_of(self.enthalpy) - start) / (GAMMA * duration)
        self._newton(start + duration * (1.0 - GAMMA) * rate)

    def _vector_of(self, form: Any) -> Floats:
        vector = create_vector(form)
        self._assemble(vector, form)
        vector.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
        values = np.asarray(vector.array.copy())
        vector.destroy()
        return values

    def _assemble(self, vector: PETSc.Vec, form: Any) -> None:
        with vector.localForm() as local:
            local.set(0.0)
        assemble_vector(vector, form)

    def _newton(self, known: Floats) -> None:
        temperature, update = self.f["temperature"], self.f["update"]
        first = 0.0
        for iteration in range(20):
            self._assemble(self.heat_vector, self.heat_residual)
            self.heat_vector.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
            self.heat_vector.array[:] -= known
            set_bc(self.heat_vector, self.heat_fixed)
            size = self.heat_vector.norm()
            first = first or size
            if iteration and size <= 1e-5 * first:
                return
            self.heat_matrix.zeroEntries()
            assemble_matrix(self.heat_matrix, self.heat_jacobian, bcs=self.heat_fixed)
            self.heat_matrix.assemble()
            self.heat_solver.setOperators(self.heat_matrix)
            self.heat_solver.solve(self.heat_vector, update.x.petsc_vec)
            update.x.scatter_forward()
            temperature.x.array[:] -= update.x.array
        raise RuntimeError("Newton did not converge")
