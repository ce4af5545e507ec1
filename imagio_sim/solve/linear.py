# SPDX-License-Identifier: LGPL-3.0-or-later
"""Symmetric positive definite systems on the free nodes of a mesh, solved again and again with little change."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from imagio_sim.solve import versions
from imagio_sim.solve.discretisation import EdgeOperators, Floats, summed_by

Preconditioner = Literal["multigrid", "jacobi"]

# Measured in docs/decisions/0001: smoothed aggregation is dear to set up and cheap to apply, so it is kept; one
# smoothing step per level costs a few more iterations and a fifth less time than two.
_MULTIGRID_OPTIONS = {
    "pc_type": "gamg",
    "pc_gamg_threshold": 0.02,
    "pc_gamg_aggressive_coarsening": 1,
    "mg_levels_ksp_max_it": 1,
    "mg_levels_pc_type": "jacobi",
}
_JACOBI_OPTIONS = {"pc_type": "jacobi"}
# The kept multigrid is set up anew when the iterations have grown by this factor.
_GROWTH = 1.5
# Growth of the residual, relative to the right-hand side, that counts as divergence. It is generous because a guess may
# be far off where next to nothing is left to solve for.
_DIVERGED = 1e12

_REASONS = {
    PETSc.KSP.ConvergedReason.DIVERGED_MAX_IT: "the iteration limit was reached",
    PETSc.KSP.ConvergedReason.DIVERGED_DTOL: "the residual grew beyond bounds",
    PETSc.KSP.ConvergedReason.DIVERGED_NANORINF: "not-a-number or infinity appeared",
    PETSc.KSP.ConvergedReason.DIVERGED_INDEFINITE_MAT: "the matrix is not positive definite",
    PETSc.KSP.ConvergedReason.DIVERGED_INDEFINITE_PC: "the preconditioner is not positive definite",
    PETSc.KSP.ConvergedReason.DIVERGED_BREAKDOWN: "the iteration broke down",
    PETSc.KSP.ConvergedReason.DIVERGED_PCSETUP_FAILED: "the preconditioner could not be set up",
}


class LinearFailure(Exception):
    """A linear solve did not converge; the message gives PETSc's reason in words."""


class FreeMatrix:
    """A matrix with the sparsity of P1 stiffness whose ``fixed`` (count,) nodes keep only a diagonal entry.

    ``number`` (count,) is the global row that speaks for each local node, by default its own. Nodes that share one
    move together: what couples them with others goes to that row, and their own rows keep only a diagonal entry.
    """

    def __init__(
        self, operators: EdgeOperators, fixed: NDArray[np.bool_], *, number: NDArray[np.int64] | None = None
    ) -> None:
        self.operators, self.fixed = operators, fixed
        space = operators.discretisation
        number = space.global_node if number is None else number
        start, end = operators.edge_start, operators.edge_end
        self._free_edge = np.flatnonzero(~fixed[start] & ~fixed[end] & (number[start] != number[end]))
        self._touching = np.flatnonzero(fixed[start] | fixed[end])
        owned = np.arange(space.owned, dtype=np.int64)
        rows = number[start[self._free_edge]]
        columns = number[end[self._free_edge]]
        diagonal = space.global_node[owned]
        self.matrix = PETSc.Mat().create(space.comm)
        self.matrix.setSizes(((space.owned, space.node_total), (space.owned, space.node_total)))
        self.matrix.setType("aij")
        versions.preallocate_coo(
            self.matrix, np.concatenate([rows, columns, diagonal]), np.concatenate([columns, rows, diagonal])
        )
        self.matrix.setOption(PETSc.Mat.Option.SPD, True)
        self._values = np.empty(2 * len(self._free_edge) + space.owned)
        self._diagonal = self.matrix.createVecRight()

    def fill(self, coupling: Floats, diagonal: Floats) -> None:
        """Set off-diagonals from edge values (e,) of this rank and the diagonal (count,), already summed over ranks."""
        edges = len(self._free_edge)
        self._values[:edges] = coupling[self._free_edge]
        self._values[edges : 2 * edges] = self._values[:edges]
        self._values[2 * edges :] = diagonal[: self.operators.discretisation.owned]
        versions.set_values_coo(self.matrix, self._values)

    def set_diagonal(self, diagonal: Floats) -> None:
        """Replace the diagonal only, (count,)."""
        self._diagonal.array[:] = diagonal[: self.operators.discretisation.owned]
        self.matrix.setDiagonal(self._diagonal)

    def fixed_flow(self, coupling: Floats, values: Floats) -> Floats:
        """Sum over edges that touch a fixed node of coupling (values_other - values_here), (count,).

        With ``values`` zero on the free nodes, its free entries are minus the fixed columns times their values.
        """
        start = self.operators.edge_start[self._touching]
        end = self.operators.edge_end[self._touching]
        flow = coupling[self._touching] * (values[end] - values[start])
        count = self.operators.discretisation.count
        local = summed_by(start, flow, count) - summed_by(end, flow, count)
        return self.operators.discretisation.accumulated(local)

    def lift(self, coupling: Floats, fixed_values: Floats) -> Floats:
        """Right-hand side (count,) that the fixed values contribute to the free rows."""
        values = np.where(self.fixed, fixed_values, 0.0)
        start, end = self.operators.edge_start[self._touching], self.operators.edge_end[self._touching]
        entry = coupling[self._touching]
        count = self.operators.discretisation.count
        local = summed_by(start, -entry * values[end], count) + summed_by(end, -entry * values[start], count)
        return np.where(self.fixed, 0.0, self.operators.discretisation.accumulated(local))


class Solver:
    """Conjugate gradients that start from a guess and keep their multigrid as long as it serves.

    They stop when the preconditioned residual (2-norm) is below ``tolerance`` times the right-hand side, or below
    ``negligible``.
    """

    def __init__(
        self,
        matrix: FreeMatrix,
        preconditioner: Preconditioner,
        *,
        tolerance: float,
        prefix: str,
        negligible: float = 0.0,
    ) -> None:
        self._space = matrix.operators.discretisation
        self._matrix = matrix.matrix
        self._right, self._left = self._matrix.createVecs()
        self.iterations = self.setups = self.solves = 0
        self._fresh_iterations: int | None = None
        self._stale = True
        options = PETSc.Options()
        for name, value in (_MULTIGRID_OPTIONS if preconditioner == "multigrid" else _JACOBI_OPTIONS).items():
            if not options.hasName(prefix + name):
                options.setValue(prefix + name, value)
        # A run that ends before its first solve has not used them, of which PETSc would warn on standard output.
        if not options.hasName("options_left"):
            options.setValue("options_left", False)
        self._ksp = PETSc.KSP().create(self._space.comm)
        self._ksp.setOptionsPrefix(prefix)
        self._ksp.setOperators(self._matrix)
        self._ksp.setType("cg")
        self._ksp.setTolerances(rtol=tolerance, atol=negligible, divtol=_DIVERGED, max_it=2000)
        self._ksp.setInitialGuessNonzero(True)
        self._ksp.setFromOptions()
        self._kept = preconditioner == "multigrid"
        self._spare: Solver | None = None
        self._made_spare = partial(
            Solver, matrix, "jacobi", tolerance=tolerance, prefix=f"{prefix}spare_", negligible=negligible
        )

    def solve(self, right: Floats, guess: Floats) -> Floats:
        """Solve for a right-hand side (count,); returns the solution (count,) with ghosts.

        Raises
        ------
        LinearFailure
            When the iteration does not converge, neither with a fresh multigrid nor without.
        """
        if not self._kept:
            return self._attempt(right, guess)
        fresh = self._stale
        self._ksp.getPC().setReusePreconditioner(not fresh)
        self._ksp.setOperators(self._matrix)
        if fresh:
            self._ksp.setUp()
            self.setups, self._fresh_iterations, self._stale = self.setups + 1, None, False
        try:
            solution = self._attempt(right, guess)
        except LinearFailure:
            self._stale = True
            return self._without_multigrid(right, guess) if fresh else self.solve(right, guess)
        count = self.latest_iterations
        if self._fresh_iterations is None:
            self._fresh_iterations = count
        self._stale = count > _GROWTH * self._fresh_iterations + 1
        return solution

    def _without_multigrid(self, right: Floats, guess: Floats) -> Floats:
        """Solve slowly but surely: multigrid can fail where tissue dries and the coefficient drops by orders."""
        if self._spare is None:
            self._spare = self._made_spare()
        solution = self._spare.solve(right, guess)
        self.iterations, self.solves = self.iterations + self._spare.latest_iterations, self.solves + 1
        return solution

    @property
    def latest_iterations(self) -> int:
        """Iterations of the latest solve."""
        return int(self._ksp.getIterationNumber())

    def _attempt(self, right: Floats, guess: Floats) -> Floats:
        owned = self._space.owned
        self._left.array[:] = right[:owned]
        self._right.array[:] = guess[:owned]
        self._ksp.solve(self._left, self._right)
        self.iterations += self.latest_iterations
        self.solves += 1
        reason = self._ksp.getConvergedReason()
        if reason < 0:
            raise LinearFailure(_REASONS.get(reason, f"PETSc reason {reason}"))
        return self._with_ghosts(self._right)

    def _with_ghosts(self, vector: Any) -> Floats:
        solution = np.zeros(self._space.count)
        solution[: self._space.owned] = vector.array
        return self._space.forwarded(solution)


def extrapolated(history: list[tuple[float, Floats]], time: float) -> Floats:
    """Polynomial through the last (up to three) fields of a history of (time, field), at a later time."""
    times = [entry[0] for entry in history[-3:]]
    fields = [entry[1] for entry in history[-3:]]
    result = np.zeros_like(fields[0])
    for i, (own, field) in enumerate(zip(times, fields, strict=True)):
        weight = float(np.prod([(time - other) / (own - other) for j, other in enumerate(times) if j != i]))
        result += weight * field
    return result
