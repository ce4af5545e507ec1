# SPDX-License-Identifier: LGPL-3.0-or-later
"""The reference: blood and tissue resolved in r and z, nothing of the library in it.

Poiseuille flow in the lumen carries heat, blood and tissue conduct (in r and z), both are heated evenly within a
cylinder. Finite volumes on a tensor grid, upwind in the direction of flow, Crank-Nicolson in time, solved directly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as direct
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slab:
    """A cylinder of tissue about a vessel along z, cold at its rim and ends; lengths [m], SI throughout."""

    vessel_radius: float
    velocity: float
    radius: float = 0.020
    length: float = 0.040
    heated_radius: float = 0.010
    heated_from: float = 0.010
    heated_to: float = 0.030
    heat: float = 1.5e6
    duration: float = 60.0
    conductivity: float = 0.52
    heat_capacity: float = 3.8e6


@dataclass(frozen=True, eq=False)
class Course:
    """The end: temperature rise (r, z) [K] at the middles of the cells.

    ``outlet_rise`` [K] is that of the blood's mixing cup at the outlet, ``carried`` [J] what it has carried away.
    """

    r: Floats
    z: Floats
    rise: Floats
    outlet_rise: float
    carried: float

    def at(self, r: float, z: float) -> float:
        """Temperature rise [K] at a place [m]."""
        from scipy.interpolate import RegularGridInterpolator

        return float(RegularGridInterpolator((self.r, self.z), self.rise)((r, z)))


def solve(slab: Slab, *, fineness: int = 1, steps: int = 240) -> Course:
    """The slab on a grid of ``fineness`` times the coarsest."""
    r: Floats = _radii(slab, fineness)
    z = np.asarray(np.linspace(0.0, slab.length, 120 * fineness + 1), np.float64)
    operator, carry, source, capacity = _assembled(slab, r, z)
    step = slab.duration / steps
    implicit = direct.splu((sparse.diags(capacity) - 0.5 * step * operator).tocsc())
    explicit = sparse.diags(capacity) + 0.5 * step * operator
    rise, carried = np.zeros(len(capacity)), 0.0
    for _ in range(steps):
        new = implicit.solve(explicit @ rise + step * source)
        carried += 0.5 * step * float(carry @ (rise + new))
        rise = new
    rate = np.pi * slab.vessel_radius**2 * slab.velocity * slab.heat_capacity
    middle_r, middle_z = (np.asarray((edges[1:] + edges[:-1]) / 2.0, np.float64) for edges in (r, z))
    shaped = rise.reshape(len(middle_r), len(middle_z))
    return Course(middle_r, middle_z, shaped, float(carry @ rise) / rate, carried)


def _radii(slab: Slab, fineness: int) -> Floats:
    """Faces in r: finest at the vessel's wall on both sides, one of them at the rim of the heated cylinder."""
    lumen = slab.vessel_radius * np.sin(np.linspace(0.0, 1.0, 24 * fineness + 1) * np.pi / 2.0)
    outwards = np.linspace(0.0, 1.0, 36 * fineness + 1)[1:] ** 1.5
    heated = slab.vessel_radius + (slab.heated_radius - slab.vessel_radius) * outwards
    last = heated[-1] - heated[-2]
    beyond = np.linspace(slab.heated_radius, slab.radius, int((slab.radius - slab.heated_radius) / last) + 1)
    return np.concatenate([lumen, heated, beyond[1:]])


def _assembled(slab: Slab, r: Floats, z: Floats) -> tuple[sparse.csr_array, Floats, Floats, Floats]:
    """Heat into each cell per kelvin, heat out of the outlet per kelvin, sources [W], and capacities [J/K]."""
    nr, nz, dz = len(r) - 1, len(z) - 1, z[1] - z[0]
    middle, ring = (r[1:] + r[:-1]) / 2.0, np.pi * (r[1:] ** 2 - r[:-1] ** 2)
    number = np.arange(nr * nz).reshape(nr, nz)
    across = 2.0 * np.pi * r[1:-1] * dz * slab.conductivity / (middle[1:] - middle[:-1])
    along = ring * slab.conductivity / dz
    entries: list[tuple[Floats, NDArray[np.int64], NDArray[np.int64]]] = []

    def linked(one: NDArray[np.int64], other: NDArray[np.int64], conductance: Floats) -> None:
        value, a, b = np.broadcast_to(conductance, one.shape).ravel(), one.ravel(), other.ravel()
        entries.extend([(-value, a, a), (value, a, b), (-value, b, b), (value, b, a)])

    def cold(cells: NDArray[np.int64], conductance: Floats | float) -> None:
        entries.append((-np.broadcast_to(conductance, cells.shape).ravel(), cells.ravel(), cells.ravel()))

    linked(number[:-1], number[1:], across[:, None])
    linked(number[:, :-1], number[:, 1:], along[:, None])
    tissue = middle > slab.vessel_radius
    cold(number[-1], 2.0 * np.pi * r[-1] * dz * slab.conductivity / (r[-1] - middle[-1]))
    cold(number[tissue, 0], 2.0 * along[tissue])
    cold(number[tissue, -1], 2.0 * along[tissue])
    flow = _carried(slab, r) * slab.heat_capacity
    cold(number, np.repeat(flow[:, None], nz, axis=1))
    downstream = np.repeat(flow[:, None], nz - 1, axis=1).ravel()
    entries.append((downstream, number[:, 1:].ravel(), number[:, :-1].ravel()))
    values, rows, columns = (np.concatenate(part) for part in zip(*entries, strict=True))
    matrix = sparse.coo_array((values, (rows, columns)), shape=(nr * nz, nr * nz)).tocsr()
    carry = np.zeros((nr, nz))
    carry[:, -1] = flow
    volume = np.repeat((ring * dz)[:, None], nz, axis=1)
    middle_z = (z[1:] + z[:-1]) / 2.0
    within = (middle_z > slab.heated_from) & (middle_z < slab.heated_to)
    heated = (middle < slab.heated_radius)[:, None] & within[None, :]
    source = slab.heat * np.where(heated, volume, 0.0)
    return matrix, carry.ravel(), source.ravel(), (volume * slab.heat_capacity).ravel()


def _carried(slab: Slab, r: Floats) -> Floats:
    """Flow [m3/s] through each ring: the integral of 2 u (1 - (r/R)^2)."""
    inside = np.minimum(r, slab.vessel_radius)
    whole = 2.0 * np.pi * slab.velocity * (inside**2 - inside**4 / (2.0 * slab.vessel_radius**2))
    return np.diff(whole)
