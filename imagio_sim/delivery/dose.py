# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose of microspheres on voxels, by a dose point kernel and by local deposition, when all has decayed.

*Kernel*: the energy of every voxel is spread over its neighbours by the kernel in a medium of the activity's mean
density (a convolution by FFT), then divided by the mass of the voxel that receives it. Where another density lies
within the electrons' reach (lung, fat, bone, air), the energy of those source voxels is followed along straight rays
instead, with the depth counted as mass per area: a ray deposits the same energy per mass of path in lung as in liver,
so that the dose is continuous across the boundary and reaches as far as the lung is thin. Rays are only used for the
*difference* to the uniform medium, so that they bring no noise where they change nothing. Bremsstrahlung (0.4 % for
Y-90) leaves. Electrons are not scattered at a boundary, and a voxel is of one density.

*Local deposition*: all energy of the electrons stays in the voxel of the decay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.signal import fftconvolve
from scipy.spatial.transform import Rotation

from imagio_sim.anatomy.volume import Grid
from imagio_sim.delivery.dose_kernel import WATER_DENSITY, DoseKernel, fibonacci_directions, point_kernel
from imagio_sim.pharmacy.nuclides import load_nuclide

Floats = NDArray[np.float64]
Box = tuple[slice, slice, slice]

LIGHTEST = 50.0
"""Density [kg/m3] below which a voxel is air: it takes no dose."""

# A density that differs by more than this share from that of the activity is another medium.
_OTHER_MEDIUM = 0.05
_FARTHEST_MM = 40.0
# Share of the energy within the distance over which another medium is looked for.
_LOOKED_AT = 0.999
_RAYS, _FEWEST_RAYS, _MOST_RAYS = 1_000_000, 8, 400
_RAYS_AT_ONCE = 200_000
_SEED = 90166


@dataclass(frozen=True, eq=False)
class VoxelDose:
    """Dose on voxels when all has decayed.

    Attributes
    ----------
    grid
        Where the voxels lie.
    kernel, local
        Dose (i, j, k) [Gy] by kernel and by local deposition.
    emitted, deposited, radiated, lost
        Energy [J] of all electrons; what of it the kernel deposits in the grid, what becomes bremsstrahlung, and what
        leaves the grid or ends in air. The last three add up to the first.
    """

    grid: Grid
    kernel: Floats
    local: Floats
    emitted: float
    deposited: float
    radiated: float
    lost: float


def voxel_dose(activity: Floats, density: Floats, grid: Grid, nuclide: str, *, seed: int = _SEED) -> VoxelDose:
    """Dose of an activity that stays where it is until all has decayed.

    Parameters
    ----------
    activity
        Per voxel (i, j, k) [Bq].
    density
        Per voxel (i, j, k) [kg/m3].
    nuclide
        Its name in the pharmacy.
    seed
        Of the rays across boundaries between media; the same seed gives the same dose.
    """
    if activity.min() < 0.0:
        raise ValueError(f"an activity cannot be negative, got {activity.min():g} Bq")
    decays = activity / load_nuclide(nuclide).decay_constant
    kernel = point_kernel(nuclide)
    volume = grid.voxel_volume_mm3 * 1e-9
    solid = density >= LIGHTEST
    mass = np.where(solid, density, 1.0) * volume
    energy = _spread_energy(decays * kernel.energy, density, grid, kernel, seed)
    emitted = float(decays.sum()) * (kernel.energy + kernel.radiated)
    deposited = float(energy[solid].sum())
    radiated = float(decays.sum()) * kernel.radiated
    return VoxelDose(
        grid=grid,
        kernel=np.where(solid, energy / mass, 0.0),
        local=np.where(solid, decays * (kernel.energy + kernel.radiated) / mass, 0.0),
        emitted=emitted,
        deposited=deposited,
        radiated=radiated,
        lost=emitted - deposited - radiated,
    )


def _spread_energy(energy: Floats, density: Floats, grid: Grid, kernel: DoseKernel, seed: int) -> Floats:
    """Energy (i, j, k) [J] where it is deposited, from where it is emitted."""
    spread = np.zeros(energy.shape)
    if not energy.any():
        return spread
    box = _box(energy > 0.0, grid.spacing_mm, _FARTHEST_MM)
    emitted, medium = energy[box], density[box]
    reference = max(float(np.average(medium, weights=emitted)), LIGHTEST)
    uniform = _convolved(emitted, kernel.voxel_shares(grid.spacing_mm, reference))
    other = np.abs(medium - reference) > _OTHER_MEDIUM * reference
    distance = kernel.radius_with(_LOOKED_AT, reference)
    sources = emitted * _near(other, grid.spacing_mm, distance)
    spread[box] = uniform
    if sources.any():
        rays = _Rays(medium, grid.spacing_mm, kernel, reference, np.random.default_rng(seed))
        actual, imagined, left = rays.traced(sources)
        found = np.maximum(np.where(other, actual, uniform + actual - imagined), 0.0)
        spread[box] = found * ((float(uniform.sum()) - left) / float(found.sum()))
    return spread


def _box(where: NDArray[np.bool_], spacing_mm: Floats, margin_mm: float) -> Box:
    """The block of voxels around all that are set, with a margin, within the array."""
    margin = np.ceil(margin_mm / spacing_mm).astype(int)
    slices = []
    for axis in range(3):
        rows = np.flatnonzero(where.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = rows[0] - margin[axis], rows[-1] + margin[axis] + 1
        slices.append(slice(max(int(first), 0), min(int(last), where.shape[axis])))
    return slices[0], slices[1], slices[2]


def _convolved(energy: Floats, shares: Floats) -> Floats:
    """Convolution within the array, without the negative values of rounding."""
    return np.asarray(np.maximum(fftconvolve(energy, shares, mode="same"), 0.0))


def _near(other: NDArray[np.bool_], spacing_mm: Floats, distance_mm: float) -> NDArray[np.bool_]:
    """Voxels whose centre lies closer than a distance, or half a voxel more, to one of another medium."""
    if not other.any():
        return np.zeros(other.shape, bool)
    reach = distance_mm + 0.5 * float(np.linalg.norm(spacing_mm))
    return np.asarray(distance_transform_edt(~other, sampling=spacing_mm) <= reach)


class _Rays:
    """Straight rays from source voxels through voxels of different density."""

    def __init__(
        self, density: Floats, spacing_mm: Floats, kernel: DoseKernel, reference: float, random: np.random.Generator
    ) -> None:
        self._density, self._spacing, self._kernel = density / WATER_DENSITY, spacing_mm, kernel
        self._reference, self._random = reference / WATER_DENSITY, random
        self._step = float(spacing_mm.min())

    def traced(self, energy: Floats) -> tuple[Floats, Floats, float]:
        """Energy (i, j, k) deposited in the actual and in the uniform medium, and what more leaves in the actual one.

        ``energy`` (i, j, k) is what the voxels emit [J].
        """
        actual, imagined = np.zeros(energy.size), np.zeros(energy.size)
        for start, direction, share in self._sampled(energy):
            self._follow(start, direction, share, actual, imagined)
        left = float(imagined.sum() - actual.sum())
        return actual.reshape(energy.shape), imagined.reshape(energy.shape), left

    def _sampled(self, energy: Floats) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Starts (n, 3) [voxels], directions (n, 3) and energies (n,) of rays, in blocks.

        Every voxel has the same even directions, turned at random, from places at random within it.
        """
        voxels = np.argwhere(energy > 0.0)
        each = int(np.clip(_RAYS // len(voxels), _FEWEST_RAYS, _MOST_RAYS))
        block = max(1, _RAYS_AT_ONCE // each)
        lattice = fibonacci_directions(each)
        for first in range(0, len(voxels), block):
            own = voxels[first : first + block]
            turns = Rotation.random(len(own), rng=self._random).as_matrix()
            direction = np.einsum("vij,dj->vdi", turns, lattice).reshape(-1, 3)
            chosen = np.repeat(own, each, axis=0)
            start = chosen + self._random.uniform(-0.5, 0.5, size=chosen.shape)
            yield start, direction, energy[tuple(chosen.T)] / each

    def _follow(self, start: Floats, direction: Floats, energy: Floats, actual: Floats, imagined: Floats) -> None:
        """Add what rays deposit, step by step until all of it is, or they have left."""
        shape = np.array(self._density.shape)
        move = direction * self._step / self._spacing
        place, before = start + 0.5 * move, 0.0
        depth: Floats = np.zeros(len(energy))
        within: Floats = np.zeros(len(energy))
        reach = self._kernel.reach_mm
        for number in range(int(np.ceil(_FARTHEST_MM / self._step))):
            index = np.floor(place + 0.5).astype(np.int32)
            goes_on = (depth < reach) | (self._reference * self._step * number < reach)
            inside = np.all((index >= 0) & (index < shape), axis=1) & goes_on
            if not inside.any():
                return
            place, move = place[inside], move[inside]
            energy, depth, within = energy[inside], depth[inside], within[inside]
            cell = np.ravel_multi_index(tuple(index[inside].T), tuple(shape))
            depth = depth + self._density.ravel()[cell] * self._step
            after = self._kernel.share_within(depth)
            uniform = float(self._kernel.share_within(self._reference * self._step * (number + 1)))
            actual += np.bincount(cell, energy * (after - within), len(actual))
            imagined += np.bincount(cell, energy * (uniform - before), len(imagined))
            place, within, before = place + move, after, uniform
