# SPDX-License-Identifier: LGPL-3.0-or-later
"""The field of one axisymmetric antenna: the circulation r H_phi on quadratic elements, solved by MUMPS.

The forms of ``physics.microwave`` are the definition. Their matrix is gathered here from element matrices that depend
on the mesh only, because the properties of tissue change many times during a run. One process solves; nothing here is
collective. Everything is for an incident wave of 1 W, to which powers are proportional.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from imagio_sim.meshing.antenna import AXIS, METAL, OUTER, PORT, AntennaMesh, FeedPort
from imagio_sim.physics import microwave
from imagio_sim.solve import versions
from imagio_sim.solve.linear import LinearFailure

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]

# The forms are not polynomial (1/r): this degree is exact but for the cells on the axis.
QUADRATURE_DEGREE = 6
# Vertices nearer to the axis than this [m] lie on it.
_ON_AXIS = 1e-9
# On an edge 1/r is integrated to round-off with so many points, but for edges that come near the axis.
_EDGE_POINTS = 8
_EDGES = np.array([[1, 2], [0, 2], [0, 1]])
# MUMPS foretells its memory from the pattern alone and gives up when pivots need more: its control 14 is what it takes
# in addition [%], of which its own 20 is little for an indefinite matrix.
_MUMPS_SPARE, _SPARE_PERCENT = 14, 100


@dataclass(frozen=True, eq=False)
class AntennaField:
    """What 1 W of incident power does.

    Attributes
    ----------
    heat
        Dissipated power density at the three vertices of each cell (m, 3) [W/m3], linear in between; its integral
        over a cell is the power that the finite elements dissipate there.
    electric
        Electric field (m, 3, 2) [V/m], peak and complex, components along r and z, at the same vertices.
    cell_powers
        Power (m,) [W] dissipated in each cell.
    reflection
        Coefficient of the voltage wave at the port.
    reflected, radiated, walls
        Power [W] that goes back up the line, leaves through the outer boundary, and is lost in metal walls.
    """

    heat: Floats
    electric: Complexes
    cell_powers: Floats
    reflection: complex
    reflected: float
    radiated: float
    walls: float

    @property
    def imbalance(self) -> float:
        """Share of the incident power that is not accounted for."""
        return 1.0 - self.reflected - self.radiated - self.walls - float(self.cell_powers.sum())


class AntennaProblem:
    """Field of an antenna on one mesh at one frequency, for changing permittivities of the cells.

    Parameters
    ----------
    frequency
        [Hz].
    wall_resistance
        Surface resistance [ohm] of all metal, 0 for perfect conductors.
    """

    def __init__(self, mesh: AntennaMesh, port: FeedPort, *, frequency: float, wall_resistance: float = 0.0) -> None:
        self.mesh, self.frequency = mesh, frequency
        self._wave_number = microwave.wave_number(frequency)
        self._elements = _Triangles(mesh)
        self._boundaries = {name: _Edges(self._elements, mesh.surfaces[name]) for name in (PORT, OUTER, METAL)}
        self._feed_index = np.sqrt(port.permittivity)
        self._wall_factor = self._wave_number * wall_resistance / microwave.VACUUM_IMPEDANCE
        self._incident = microwave.line_field(1.0, port.inner_mm * 1e-3, port.outer_mm * 1e-3, port.permittivity)
        self._build_system()

    def _build_system(self) -> None:
        """Numbering of the unknowns, what never changes of the matrix, and the factorisation's frame."""
        elements, mesh = self._elements, self.mesh
        free = np.ones(elements.count, dtype=bool)
        free[_Edges(elements, mesh.surfaces[AXIS]).dofs] = False
        self._number = np.where(free, np.cumsum(free) - 1, -1)
        self._mass = self._wave_number**2 * elements.mass
        dofs = [elements.dofs, *(edges.dofs for edges in self._boundaries.values())]
        self._system = _BlockSystem(self._number, dofs, int(free.sum()))
        port = self._boundaries[PORT]
        load = np.zeros(elements.count)
        np.add.at(load, port.dofs, self._incident * np.einsum("fq,qa->fa", port.weight, port.basis))
        self._load = 2j * self._wave_number / self._feed_index * load

    def solve(self, permittivity: Complexes) -> AntennaField:
        """The field for a complex relative permittivity (m,) of the cells; a loss makes its imaginary part negative.

        Raises
        ------
        LinearFailure
            When MUMPS cannot factor the matrix.
        """
        port, outer, metal = (self._boundaries[name] for name in (PORT, OUTER, METAL))
        inverse_index = np.asarray(1.0 / np.sqrt(permittivity[outer.cells]), dtype=complex)
        values = [
            self._elements.stiffness / permittivity[:, None, None] - self._mass,
            1j * self._wave_number / self._feed_index * port.mass,
            1j * self._wave_number * inverse_index[:, None, None] * outer.mass,
            (-1.0 + 1.0j) * self._wall_factor * metal.mass,
        ]
        field = np.zeros(self._elements.count, dtype=complex)
        try:
            field[self._number >= 0] = self._system.solve(values, self._load[self._number >= 0])
        except PETSc.Error as failure:
            reason = " ".join(str(failure).split())
            raise LinearFailure(f"the field of an antenna could not be solved ({reason})") from failure
        return self._described(field, permittivity, inverse_index)

    def _described(self, field: Complexes, permittivity: Complexes, inverse_index: Complexes) -> AntennaField:
        elements, outer, metal = self._elements, self._boundaries[OUTER], self._boundaries[METAL]
        curl = np.einsum("mqad,ma->mqd", elements.curl, field[elements.dofs])
        factor = -permittivity.imag / np.abs(permittivity) ** 2 / (2.0 * self._angular_permittivity)
        powers = factor * np.einsum("mq,mqd,mqd->m", elements.weight, curl, curl.conj()).real
        at_vertices = np.einsum("mvad,ma->mvd", elements.vertex_curl, field[elements.dofs])
        at_vertices = np.where(elements.on_axis[:, None, None], curl.mean(axis=1, keepdims=True), at_vertices)
        reflection, reflected = self._reflection(field)
        through = 0.5 * microwave.VACUUM_IMPEDANCE * inverse_index.real
        return AntennaField(
            heat=self._vertex_heat(factor[:, None] * (np.abs(at_vertices) ** 2).sum(axis=2), powers),
            electric=at_vertices / (1j * self._angular_permittivity * permittivity[:, None, None]),
            cell_powers=powers,
            reflection=reflection,
            reflected=reflected,
            radiated=float(through @ outer.squared(field)),
            walls=float(
                0.5 * self._wall_factor / self._wave_number * microwave.VACUUM_IMPEDANCE * metal.squared(field).sum()
            ),
        )

    @property
    def _angular_permittivity(self) -> float:
        """W eps0 [S/m]."""
        return 2.0 * np.pi * self.frequency * microwave.VACUUM_PERMITTIVITY

    def _vertex_heat(self, at_vertices: Floats, powers: Floats) -> Floats:
        """Density at the vertices (m, 3), scaled so that each cell keeps its power."""
        linear = np.einsum("mv,mv->m", self._elements.vertex_share, at_vertices)
        scale = np.divide(powers, linear, out=np.zeros_like(powers), where=linear > 0.0)
        return np.asarray(at_vertices * scale[:, None])

    def _reflection(self, field: Complexes) -> tuple[complex, float]:
        """Reflection coefficient of the voltage, and the reflected power [W], of all modes."""
        port = self._boundaries[PORT]
        back = port.values(field) - self._incident
        impedance = microwave.VACUUM_IMPEDANCE / self._feed_index
        projected = (port.weight * back).sum() / (port.weight * self._incident).sum()
        return -complex(projected), float(0.5 * impedance * (port.weight * np.abs(back) ** 2).sum())


class _Triangles:
    """Quadratic triangles: unknowns at vertices and middles of edges, element matrices with the weight 2 pi r."""

    def __init__(self, mesh: AntennaMesh) -> None:
        points, self.cells = mesh.points_mm * 1e-3, mesh.cells
        self.points, self.vertex_count = points, len(points)
        ends = np.sort(mesh.cells[:, _EDGES], axis=2).reshape(-1, 2)
        self._edge_keys, edge = np.unique(ends[:, 0] * self.vertex_count + ends[:, 1], return_inverse=True)
        self.dofs = np.concatenate([mesh.cells, self.vertex_count + edge.reshape(-1, 3)], axis=1)
        self.count = self.vertex_count + len(self._edge_keys)
        corners = points[mesh.cells]
        jacobian = corners[:, 1:] - corners[:, :1]
        area = 0.5 * np.abs(np.linalg.det(jacobian))
        own = np.linalg.inv(jacobian).transpose(0, 2, 1)
        gradient = np.asarray(np.concatenate([-own.sum(axis=1, keepdims=True), own], axis=1), dtype=np.float64)
        barycentric, weights = _triangle_rule()
        radius = corners[:, :, 0] @ barycentric.T
        volume = 2.0 * np.pi * area[:, None] * weights
        self.weight = volume * radius
        basis = _shapes(barycentric)
        self.curl = _rotated(_slopes(barycentric, gradient)) / radius[:, :, None, None]
        self.stiffness = np.einsum("mq,mqad,mqbd->mab", self.weight, self.curl, self.curl, optimize=True)
        self.mass = np.einsum("mq,qa,qb->mab", volume / radius, basis, basis, optimize=True)
        # At a vertex on the axis the curl is a limit that quadratic elements do not have: such cells take their mean.
        self.on_axis = np.any(corners[:, :, 0] < _ON_AXIS, axis=1)
        vertex_radius = np.where(self.on_axis[:, None], 1.0, corners[:, :, 0])
        self.vertex_curl = _rotated(_slopes(np.eye(3), gradient)) / vertex_radius[:, :, None, None]
        self.vertex_share = np.einsum("mq,qv->mv", self.weight, barycentric)

    def edge(self, facets: Integers) -> Integers:
        """Unknown in the middle of each facet (f,)."""
        ends = np.sort(facets, axis=1)
        return np.asarray(
            self.vertex_count + np.searchsorted(self._edge_keys, ends[:, 0] * self.vertex_count + ends[:, 1])
        )


class _Edges:
    """Quadratic edges on a part of the boundary; ``weight`` holds 2 pi / r, as circulations need it."""

    def __init__(self, triangles: _Triangles, facets: Integers) -> None:
        self.dofs = np.column_stack([facets, triangles.edge(facets)])
        corners = triangles.points[facets]
        nodes, weights = np.polynomial.legendre.leggauss(_EDGE_POINTS)
        share = 0.5 * (1.0 + nodes)
        first, second = 1.0 - share, share
        self.basis = np.column_stack([first * (2 * first - 1), second * (2 * second - 1), 4 * first * second])
        radius = corners[:, :, 0] @ np.stack([first, second])
        length = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
        on_axis = radius < _ON_AXIS
        self.weight = np.where(on_axis, 0.0, np.pi * length[:, None] * weights / np.where(on_axis, 1.0, radius))
        self.mass = np.einsum("fq,qa,qb->fab", self.weight, self.basis, self.basis)
        self.cells = _cells_beside(triangles, facets)

    def values(self, field: Complexes) -> Complexes:
        """Field at the quadrature points (f, q)."""
        return np.asarray(field[self.dofs] @ self.basis.T)

    def squared(self, field: Complexes) -> Floats:
        """Integral of |H|^2 over each facet (f,)."""
        return np.asarray((self.weight * np.abs(self.values(field)) ** 2).sum(axis=1))


class _BlockSystem:
    """A complex symmetric matrix as a real symmetric one with rows and columns (real, imaginary), factored by MUMPS."""

    def __init__(self, number: Integers, dofs: list[Integers], size: int) -> None:
        rows = np.concatenate([np.repeat(number[part], part.shape[1], axis=1).ravel() for part in dofs])
        columns = np.concatenate([np.tile(number[part], (1, part.shape[1])).ravel() for part in dofs])
        self._used = (rows >= 0) & (columns >= 0)
        rows, columns = 2 * rows[self._used], 2 * columns[self._used]
        self._matrix = PETSc.Mat().create(PETSc.COMM_SELF)
        self._matrix.setSizes((2 * size, 2 * size))
        self._matrix.setType(PETSc.Mat.Type.SEQAIJ)
        offsets = [(0, 0), (0, 1), (1, 0), (1, 1)]
        versions.preallocate_coo(
            self._matrix,
            np.concatenate([rows + row for row, _ in offsets]),
            np.concatenate([columns + column for _, column in offsets]),
        )
        self._matrix.setOption(PETSc.Mat.Option.SYMMETRIC, True)
        self._solver = PETSc.KSP().create(PETSc.COMM_SELF)
        self._solver.setType(PETSc.KSP.Type.PREONLY)
        self._solver.getPC().setType(PETSc.PC.Type.CHOLESKY)
        self._solver.getPC().setFactorSolverType(PETSc.Mat.SolverType.MUMPS)
        self._solver.setErrorIfNotConverged(True)
        self._solver.setOperators(self._matrix)
        self._solver.getPC().setFactorSetUpSolverType()
        self._solver.getPC().getFactorMatrix().setMumpsIcntl(_MUMPS_SPARE, _SPARE_PERCENT)
        self._right, self._left = self._matrix.createVecs()

    def solve(self, values: list[Complexes], load: Complexes) -> Complexes:
        """Solution (size,) for element matrices of every group of unknowns; the symbolic analysis is kept."""
        entries = np.concatenate([part.ravel() for part in values])[self._used]
        versions.set_values_coo(
            self._matrix, np.concatenate([entries.real, -entries.imag, -entries.imag, -entries.real])
        )
        self._solver.setOperators(self._matrix)
        self._right.setArray(np.column_stack([load.real, -load.imag]).ravel())
        self._solver.solve(self._right, self._left)
        parts = self._left.getArray().reshape(-1, 2)
        return np.asarray(parts[:, 0] + 1j * parts[:, 1])


def _triangle_rule() -> tuple[Floats, Floats]:
    """Barycentric coordinates (q, 3) and weights (q,), which sum to 1."""
    import basix

    points, weights = basix.make_quadrature(basix.CellType.triangle, QUADRATURE_DEGREE)
    return np.column_stack([1.0 - points.sum(axis=1), points]), weights / weights.sum()


def _shapes(barycentric: Floats) -> Floats:
    """The six quadratic shape functions (n, 6) at points (n, 3): vertices, then the edges opposite to them."""
    middles = 4.0 * barycentric[:, _EDGES[:, 0]] * barycentric[:, _EDGES[:, 1]]
    return np.concatenate([barycentric * (2.0 * barycentric - 1.0), middles], axis=1)


def _slopes(barycentric: Floats, gradient: Floats) -> Floats:
    """Gradient (m, q, 6, 2) of each shape function from those (m, 3, 2) of the barycentric coordinates."""
    first, second = _EDGES[:, 0], _EDGES[:, 1]
    vertices = (4.0 * barycentric - 1.0)[None, :, :, None] * gradient[:, None]
    middles = 4.0 * (
        barycentric[None, :, first, None] * gradient[:, None, second]
        + barycentric[None, :, second, None] * gradient[:, None, first]
    )
    return np.concatenate([vertices, middles], axis=2)


def _rotated(slope: Floats) -> Floats:
    """(-d/dz, d/dr) of (d/dr, d/dz)."""
    return np.stack([-slope[..., 1], slope[..., 0]], axis=-1)


def _cells_beside(triangles: _Triangles, facets: Integers) -> Integers:
    """The cell (f,) that each boundary facet belongs to."""
    middles = triangles.dofs[:, 3:].ravel()
    order = np.argsort(middles, kind="stable")
    return np.asarray(order[np.searchsorted(middles[order], triangles.edge(facets))] // 3)
