# SPDX-License-Identifier: LGPL-3.0-or-later
"""Linear systems are solved also where the usual way fails."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.meshing.phantoms import box
from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.linear import FreeMatrix, LinearFailure, Solver
from tests.solve.conftest import discretised


def system() -> tuple[FreeMatrix, Floats]:
    """A Laplacian with a sink everywhere, and a right-hand side."""
    space = discretised(box(6, 20.0))
    operators = EdgeOperators(space)
    coupling = operators.edge_coupling(np.ones(space.cell_count))
    matrix = FreeMatrix(operators, np.zeros(space.count, dtype=bool))
    matrix.fill(coupling, space.accumulated(-operators.edge_sum(coupling)) + 1e-3)
    return matrix, np.random.default_rng(3).random(space.count)


def residual(matrix: FreeMatrix, right: Floats, solution: Floats) -> float:
    given, product = matrix.matrix.createVecs()
    given.array[:] = solution
    matrix.matrix.mult(given, product)
    return float(np.linalg.norm(product.array - right) / np.linalg.norm(right))


def test_where_multigrid_fails_the_system_is_solved_without(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, right = system()
    solver = Solver(matrix, "multigrid", tolerance=1e-10, prefix="failing_")

    def fail(right: Floats, guess: Floats) -> Floats:
        raise LinearFailure("the preconditioner is not positive definite")

    with monkeypatch.context() as patch:
        patch.setattr(solver, "_attempt", fail)
        solution = solver.solve(right, np.zeros_like(right))
    assert residual(matrix, right, solution) < 1e-8
    assert solver.solves == 1
    assert solver.iterations > 0
    assert residual(matrix, right, solver.solve(right, solution)) < 1e-8


def test_a_system_that_nothing_solves_is_reported() -> None:
    matrix, right = system()
    solver = Solver(matrix, "multigrid", tolerance=1e-10, prefix="hopeless_")
    with pytest.raises(LinearFailure):
        solver.solve(np.full_like(right, np.nan), np.zeros_like(right))
