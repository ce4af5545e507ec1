# SPDX-License-Identifier: LGPL-3.0-or-later
"""Diffuse light from fibres in absorbing, scattering tissue: -div(D grad phi) + mu_a phi = source.

One *unit fluence* is solved per fibre (1 W leaves it); light is additive, so any powers are a combination of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from imagio_sim.physics.laser import (
    coagulating,
    diffusion_coefficient,
    escape_coefficient,
    scattered_share,
)
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Facets, Floats
from imagio_sim.solve.linear import FreeMatrix, Solver

# The mean of the consistent and the lumped mass matrix: their errors of second order in the rate of decay cancel on
# regular meshes (docs/theory/laser.md), where either alone is off by (h / decay length)^2 / 24.
_CONSISTENT_SHARE = 0.5
BEAM = "beam"
"""What light that leaves the region unscattered is lost by."""


@dataclass(frozen=True, eq=False)
class Optics:
    """Absorption and reduced scattering per cell (cell_count,) [1/m]."""

    absorption: Floats
    reduced_scattering: Floats

    def mixed(self, other: Optics, share: Floats) -> Optics:
        """The tissue with a share (cell_count,) of it in another state."""
        return Optics(
            coagulating(self.absorption, other.absorption, dead_fraction=share),
            coagulating(self.reduced_scattering, other.reduced_scattering, dead_fraction=share),
        )

    @property
    def attenuation(self) -> Floats:
        """What a beam loses per length (cell_count,) [1/m]."""
        return self.absorption + self.reduced_scattering


@dataclass(frozen=True, eq=False)
class Opening:
    """A surface that loses a share of the diffuse light that meets it and sends back the rest."""

    name: str
    facets: Facets
    lost_share: float


@dataclass(frozen=True, eq=False)
class Emission:
    """What one fibre gives per watt that leaves it, on this rank.

    ``diffuse`` (count,) [W/W] is added to the diffuse light, ``absorbed`` (cell_count,) [W/W] heats cells at once,
    ``escaped`` [W/W] leaves the region unscattered.
    """

    diffuse: Floats
    absorbed: Floats
    escaped: float = 0.0


class Diffuser:
    """A surface that emits evenly and in all directions; what comes back to it leaves it again."""

    def __init__(self, operators: EdgeOperators, facets: Facets) -> None:
        share = operators.surface_share(facets)
        area = operators.discretisation.node_sum(share)
        self._emission = Emission(np.asarray(share / area), np.zeros(len(operators.cell_volume)))

    def emission(self, optics: Optics) -> Emission:
        """What it gives, whatever the tissue."""
        return self._emission


@dataclass(frozen=True, eq=False)
class Rays:
    """Straight rays sampled from where light leaves a fibre.

    Attributes
    ----------
    points
        (rays, samples, d) [m] in the middle of equally numbered pieces of each ray.
    lengths
        Length (samples,) [m] of the pieces.
    cells
        Cell (rays, samples) of each point in input numbering, -1 beyond the mesh, where the ray ends.
    shares
        Share (rays,) of the power in each ray.
    """

    points: Floats
    lengths: Floats
    cells: NDArray[np.int64]
    shares: Floats


class Beam:
    """The unscattered light of a bare fibre: it is absorbed and scattered along rays."""

    def __init__(self, operators: EdgeOperators, rays: Rays) -> None:
        space = operators.discretisation
        self._space, self._rays = space, rays
        local = np.full(space.cell_total, -1, dtype=np.int64)
        local[space.input_cell] = np.arange(space.cell_count)
        cells = np.where(rays.cells >= 0, local[rays.cells], -1).ravel()
        self._own = np.flatnonzero(cells >= 0)
        self._cells = cells[self._own]
        self._to_nodes = _spread(space, self._cells, rays.points.reshape(-1, space.dimension)[self._own])

    def emission(self, optics: Optics) -> Emission:
        """What it gives along rays that decay with the tissue they cross."""
        kept = self._remaining(optics)
        lost = (kept[:, :-1] - kept[:, 1:]).ravel()[self._own]
        scattered = scattered_share(absorption=optics.absorption, reduced_scattering=optics.reduced_scattering)
        share = scattered[self._cells]
        absorbed = np.bincount(self._cells, lost * (1.0 - share), minlength=self._space.cell_count)
        diffuse = self._space.accumulated(np.asarray(self._to_nodes @ (lost * share)))
        return Emission(diffuse, absorbed.astype(np.float64), escaped=float(kept[:, -1].sum()))

    def _remaining(self, optics: Optics) -> Floats:
        """Power (rays, samples + 1) left at the ends of the pieces, the same on all ranks."""
        own = np.zeros(self._rays.cells.size)
        own[self._own] = optics.attenuation[self._cells]
        attenuation = np.asarray(self._space.comm.allreduce(own)).reshape(self._rays.cells.shape)
        depth = np.cumsum(attenuation * self._rays.lengths, axis=1)
        start = np.zeros((len(depth), 1))
        return np.asarray(self._rays.shares[:, None] * np.exp(-np.concatenate([start, depth], axis=1)))


def _spread(space: Discretisation, cells: NDArray[np.int64], points: Floats) -> sparse.csr_matrix:
    """Barycentric coordinates (count, points) of points in the local cells (points,) given for them."""
    corners = space.points[space.cells[cells]]
    jacobian = (corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)
    inner = np.linalg.solve(jacobian, (points - corners[:, 0])[:, :, None])[:, :, 0]
    weights = np.concatenate([1.0 - inner.sum(axis=1, keepdims=True), inner], axis=1)
    columns = np.repeat(np.arange(len(cells)), weights.shape[1])
    return sparse.csr_matrix((weights.ravel(), (space.cells[cells].ravel(), columns)), shape=(space.count, len(cells)))


@dataclass(frozen=True, eq=False)
class UnitLight:
    """What 1 W from each fibre does.

    Attributes
    ----------
    fluence
        Diffuse fluence rate (fibres, count) [1/m2].
    heat
        Absorbed power per cell (fibres, cell_count) [1/m3], of diffuse light and beam.
    absorbed
        Power that heats tissue (fibres,) [W/W].
    lost
        Power lost through each opening, and the :data:`BEAM` beyond the region, by fibre (fibres,) [W/W].
    """

    fluence: Floats
    heat: Floats
    absorbed: Floats
    lost: Mapping[str, Floats]

    @property
    def imbalance(self) -> Floats:
        """Share of each fibre's power (fibres,) that is neither absorbed nor lost."""
        return np.asarray(1.0 - self.absorbed - sum(self.lost.values()))


class LightProblem:
    """Unit fluences of fibres in tissue whose optics change as it coagulates."""

    def __init__(
        self,
        operators: EdgeOperators,
        fibres: Sequence[Diffuser | Beam],
        openings: Sequence[Opening],
        *,
        tolerance: float,
    ) -> None:
        space = operators.discretisation
        self._operators, self._fibres = operators, tuple(fibres)
        self._losses = {
            one.name: operators.surface_share(one.facets) * float(escape_coefficient(one.lost_share))
            for one in openings
        }
        self.matrix = FreeMatrix(operators, np.zeros(space.count, dtype=bool))
        self.solver = Solver(self.matrix, "jacobi", tolerance=tolerance, prefix="light_")
        self._latest = np.zeros((len(self._fibres), space.count))

    def begin_from(self, fluence: Floats) -> None:
        """Take unit fluences (fibres, count) as what the next solution starts from."""
        self._latest = fluence.copy()

    def solve(self, optics: Optics) -> UnitLight:
        """Unit fluences in tissue with the optics given."""
        operators, space = self._operators, self._operators.discretisation
        diffusion = diffusion_coefficient(absorption=optics.absorption, reduced_scattering=optics.reduced_scattering)
        coupling = operators.edge_coupling(diffusion)
        coupling += _CONSISTENT_SHARE * operators.edge_overlap(optics.absorption)
        diagonal = space.accumulated(-operators.edge_sum(coupling)) + operators.distributed(optics.absorption)
        self.matrix.fill(coupling, diagonal + sum(self._losses.values()))
        emissions = [fibre.emission(optics) for fibre in self._fibres]
        for number, emission in enumerate(emissions):
            self._latest[number] = self.solver.solve(emission.diffuse, self._latest[number])
        return self._told(optics, emissions)

    def _told(self, optics: Optics, emissions: Sequence[Emission]) -> UnitLight:
        operators, space = self._operators, self._operators.discretisation
        fluence = self._latest.copy()
        power = np.array([optics.absorption * operators.cell_integral(field) for field in fluence])
        power = power.reshape(len(fluence), space.cell_count) + [emission.absorbed for emission in emissions]
        lost = {
            name: np.array([space.node_sum(loss * field) for field in fluence]) for name, loss in self._losses.items()
        }
        lost[BEAM] = np.array([emission.escaped for emission in emissions])
        absorbed = np.array([space.total(float(row.sum())) for row in power])
        return UnitLight(fluence, power / operators.cell_volume, absorbed, lost)
