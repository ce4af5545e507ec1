# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every difference between versions of DOLFINx, PETSc and petsc4py, in one place."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc


@functools.cache
def _petsc_library() -> ctypes.CDLL:
    """The PETSc library that petsc4py has loaded: petsc4py 3.22 does not wrap the COO functions."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        path = next(line.split()[-1] for line in maps if "libpetsc" in line)
    return ctypes.CDLL(path)


def _check(code: int, call: str) -> None:
    if code:
        raise RuntimeError(f"PETSc {call} returned error code {code}")


def preallocate_coo(matrix: PETSc.Mat, rows: NDArray[Any], columns: NDArray[Any]) -> None:
    """Fix the pattern of a matrix from global (row, column) pairs; repeated pairs are added up."""
    rows, columns = rows.astype(PETSc.IntType), columns.astype(PETSc.IntType)  # PETSc overwrites its arguments
    if hasattr(matrix, "setPreallocationCOO"):
        matrix.setPreallocationCOO(rows, columns)
        return
    code = _petsc_library().MatSetPreallocationCOO(
        ctypes.c_void_p(matrix.handle),
        ctypes.c_ssize_t(len(rows)),
        ctypes.c_void_p(rows.ctypes.data),
        ctypes.c_void_p(columns.ctypes.data),
    )
    _check(code, "MatSetPreallocationCOO")


def set_values_coo(matrix: PETSc.Mat, values: NDArray[np.float64]) -> None:
    """Replace the values of a matrix in the order given to :func:`preallocate_coo`."""
    if hasattr(matrix, "setValuesCOO"):
        matrix.setValuesCOO(values, PETSc.InsertMode.INSERT_VALUES)
        return
    code = _petsc_library().MatSetValuesCOO(
        ctypes.c_void_p(matrix.handle), ctypes.c_void_p(values.ctypes.data), ctypes.c_int(1)
    )
    _check(code, "MatSetValuesCOO")


def create_simplex_mesh(comm: Any, cells: NDArray[np.int64], points: NDArray[np.float64]) -> Any:
    """A distributed DOLFINx mesh of linear simplices; only rank 0 passes cells and points."""
    import basix.ufl
    import ufl
    from dolfinx import mesh

    dimension = points.shape[1]
    shape = {1: "interval", 2: "triangle", 3: "tetrahedron"}[cells.shape[1] - 1]
    element = ufl.Mesh(basix.ufl.element("Lagrange", shape, 1, shape=(dimension,)))
    import inspect

    names = list(inspect.signature(mesh.create_mesh).parameters)
    if names.index("x") < names.index("e"):  # DOLFINx 0.9; newer ones take the element before the points
        return mesh.create_mesh(comm, cells, points, element)
    return mesh.create_mesh(comm, cells, element, points)
