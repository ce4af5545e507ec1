# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where the energy of a radionuclide's electrons goes: dose point kernels in water, made from first sources.

The electrons of a decay (``pharmacy/library/nuclides``) are summed over the kernels of electrons of one energy, each
scaled by that energy's range (``electrons_in_water.yaml``). Bremsstrahlung and photons are not in the kernel: for Y-90
0.4 % of the energy, which leaves the neighbourhood. A medium of another density is water whose lengths are divided by
its relative density: energy per length and decay stay, per mass of path; what composition changes beyond that is left
out (0.7 % in liver, 6 % in lung, 12 % in bone, Cancer Biother Radiopharm 2017, doi 10.1089/cbr.2016.2117).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from imagio_sim.pharmacy.nuclides import JOULE_PER_MEV, Nuclide, load_nuclide

Floats = NDArray[np.float64]

WATER_DENSITY = 1000.0
"""Density [kg/m3] of what the kernels are tabulated in."""

_RADIUS_STEP_MM = 0.02
_ENERGY_STEPS = 800
# Directions and radii at which a kernel is put onto voxels, and voxels per radius where these are too few.
_DIRECTIONS, _RADII, _RADII_PER_VOXEL = 2000, 200, 8


@dataclass(frozen=True, eq=False)
class _ElectronsInWater:
    """Range [mm] and bremsstrahlung share by energy (n,) [MeV]; cumulative scaled kernels (k, m) by energy (k,)."""

    energy: Floats
    range_mm: Floats
    radiation_yield: Floats
    kernel_energy: Floats
    distance: Floats
    deposited: Floats

    def range_at(self, energy: Floats) -> Floats:
        """Range [mm] of electrons of some energies [MeV]."""
        slope = np.log(self.range_mm[1] / self.range_mm[0]) / np.log(self.energy[1] / self.energy[0])
        below = np.minimum(energy / self.energy[0], 1.0) ** slope
        return np.asarray(below * np.exp(np.interp(np.log(energy), np.log(self.energy), np.log(self.range_mm))))

    def radiated_at(self, energy: Floats) -> Floats:
        """Share of their energy [MeV] that electrons lose as bremsstrahlung."""
        return np.asarray(np.exp(np.interp(np.log(energy), np.log(self.energy), np.log(self.radiation_yield))))

    def within(self, energy: float, scaled: Floats) -> Floats:
        """Share of what is deposited that lies within scaled radii (r,) [ranges]."""
        place = np.interp(np.log(energy), np.log(self.kernel_energy), np.arange(len(self.kernel_energy)))
        lower = min(int(place), len(self.kernel_energy) - 2)
        weight = place - lower
        mixed = (1.0 - weight) * self.deposited[lower] + weight * self.deposited[lower + 1]
        return np.asarray(np.interp(scaled, self.distance, mixed))


@cache
def _electrons_in_water() -> _ElectronsInWater:
    text = files("imagio_sim.delivery").joinpath("electrons_in_water.yaml").read_text(encoding="utf-8")
    record = yaml.load(text, Loader=yaml.CSafeLoader)
    slowing, kernels = record["slowing_down"], record["scaled_kernels"]
    distance, density = np.array(kernels["distance"], float), np.array(kernels["density"], float)
    steps = 0.5 * (density[:, 1:] + density[:, :-1]) * np.diff(distance)
    summed = np.concatenate([np.zeros((len(density), 1)), np.cumsum(steps, axis=1)], axis=1)
    return _ElectronsInWater(
        energy=np.array(slowing["energy_MeV"], float),
        range_mm=10.0 * np.array(slowing["range_g_per_cm2"], float),
        radiation_yield=np.array(slowing["radiation_yield"], float),
        kernel_energy=np.array(kernels["energy_MeV"], float),
        distance=distance,
        deposited=summed / summed[:, -1:],
    )


@dataclass(frozen=True, eq=False)
class DoseKernel:
    """Energy that the electrons of a decay at a point deposit around it, in water.

    Attributes
    ----------
    nuclide
        Its name in the pharmacy.
    radius_mm
        Radii (n,) from 0 to where nothing is left.
    within
        Share (n,) of the deposited energy within them, 0 to 1.
    energy
        Deposited by the electrons of a decay [J].
    radiated
        What they lose as bremsstrahlung [J]; with ``energy`` it is their whole energy.
    """

    nuclide: str
    radius_mm: Floats
    within: Floats
    energy: float
    radiated: float

    @property
    def reach_mm(self) -> float:
        """Radius in water beyond which nothing is deposited."""
        return float(self.radius_mm[-1])

    def share_within(self, radius_mm: ArrayLike, density: float = WATER_DENSITY) -> Floats:
        """Share of the energy within radii [mm] in a medium of some density [kg/m3]."""
        scaled = np.asarray(radius_mm, float) * (density / WATER_DENSITY)
        return np.asarray(np.interp(scaled, self.radius_mm, self.within))

    def radius_with(self, share: float, density: float = WATER_DENSITY) -> float:
        """Radius [mm] within which a share of the energy is deposited."""
        return float(np.interp(share, self.within, self.radius_mm)) * WATER_DENSITY / density

    def dose(self, radius_mm: ArrayLike, density: float = WATER_DENSITY) -> Floats:
        """Dose of a decay [Gy] at distances [mm] from a point: dE/dr / (4 pi r^2 rho)."""
        radius = np.asarray(radius_mm, float)
        slope = PchipInterpolator(self.radius_mm, self.within, extrapolate=False).derivative()
        scale = density / WATER_DENSITY
        per_length = np.nan_to_num(slope(radius * scale)) * scale * 1e3
        return np.asarray(self.energy * per_length / (4.0 * np.pi * (radius * 1e-3) ** 2 * density))

    def voxel_shares(self, spacing_mm: ArrayLike, density: float = WATER_DENSITY) -> Floats:
        """Share of the energy of decays spread over a voxel that each voxel around it receives.

        Parameters
        ----------
        spacing_mm
            Size (3,) of a voxel.
        density
            Of the medium [kg/m3].

        Returns
        -------
        Floats
            Shares (2i+1, 2j+1, 2k+1), the voxel itself in the middle; they add up to 1.

        Notes
        -----
        For a decay anywhere in a voxel and a displacement u the share of the voxel at offset o is the overlap of two
        boxes, the product of max(0, 1 - |u_x / h_x - o_x|) over the axes: what trilinear weights give. The average of
        those weights over directions and radii is therefore the exact mean over source and target voxel, up to how
        densely directions (a Fibonacci lattice) and radii are taken.
        """
        spacing = np.asarray(spacing_mm, float)
        edges = self._radii(float(spacing.min()), density)
        shares = np.diff(self.share_within(edges, density))
        middle = 0.5 * (edges[1:] + edges[:-1])
        half = np.ceil(edges[-1] / spacing).astype(int)
        shape = 2 * half + 1
        found = np.zeros(int(np.prod(shape)))
        directions = fibonacci_directions(_DIRECTIONS)
        for radius, share in zip(middle, shares, strict=True):
            _spread(found, shape, directions * radius / spacing + half, share / len(directions))
        return _symmetric(found.reshape(shape))

    def _radii(self, finest_mm: float, density: float) -> Floats:
        """Edges [mm] of shells that resolve voxels as well as the kernel."""
        reach = self.reach_mm * WATER_DENSITY / density
        count = max(_RADII, int(np.ceil(_RADII_PER_VOXEL * reach / finest_mm)))
        return np.asarray(np.linspace(0.0, reach, count + 1), dtype=np.float64)


def _spread(found: Floats, shape: NDArray[np.int64], places: Floats, weight: float) -> None:
    """Add a weight to the eight voxels around each place (n, 3), by trilinear shares."""
    first = np.floor(places).astype(np.int64)
    part = places - first
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(np.array(corner) == 1, part, 1.0 - part), axis=1)
        index = np.minimum(first + corner, shape - 1)
        found += weight * np.bincount(np.ravel_multi_index(tuple(index.T), tuple(shape)), share, found.size)


def _symmetric(shares: Floats) -> Floats:
    """Mean of an array over its eight mirror images, scaled to a sum of 1."""
    for axis in range(3):
        shares = np.asarray(0.5 * (shares + np.flip(shares, axis)), dtype=np.float64)
    return np.asarray(shares / shares.sum())


def fibonacci_directions(count: int) -> Floats:
    """Unit vectors (count, 3), evenly over the sphere: a Fibonacci lattice."""
    height = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    angle = np.pi * (1.0 + np.sqrt(5.0)) * np.arange(count)
    ring = np.sqrt(1.0 - height**2)
    return np.asarray(np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1), dtype=np.float64)


@cache
def point_kernel(nuclide: str) -> DoseKernel:
    """Kernel of a radionuclide of the pharmacy."""
    return kernel_of(load_nuclide(nuclide))


def kernel_of(nuclide: Nuclide) -> DoseKernel:
    """Kernel of a radionuclide from its electrons."""
    water = _electrons_in_water()
    energy, number = _electrons(nuclide)
    kept = 1.0 - water.radiated_at(energy)
    ranges = water.range_at(energy)
    end = float(ranges.max()) * float(water.distance[-1])
    radius = np.linspace(0.0, end, int(np.ceil(end / _RADIUS_STEP_MM)) + 1)
    parts = zip(number * energy * kept, energy, ranges, strict=True)
    deposited = np.sum([amount * water.within(one, radius / length) for amount, one, length in parts], axis=0)
    total = float(number @ (energy * kept))
    return DoseKernel(
        nuclide=nuclide.name,
        radius_mm=np.asarray(radius, dtype=np.float64),
        within=np.asarray(deposited / deposited[-1]),
        energy=total * JOULE_PER_MEV,
        radiated=float(number @ energy - total) * JOULE_PER_MEV,
    )


def _electrons(nuclide: Nuclide) -> tuple[Floats, Floats]:
    """Energies (n,) [MeV] and numbers of the electrons of a decay, the spectrum cut into narrow bands.

    The numbers are scaled so that the electrons carry the energy of the table of mean energies.
    """
    spectrum, lines = nuclide.spectrum, nuclide.lines
    width = spectrum.energy_MeV[-1] / _ENERGY_STEPS
    middle = (np.arange(_ENERGY_STEPS) + 0.5) * width
    number = PchipInterpolator(spectrum.energy_MeV, spectrum.number)(middle) * width
    energies = np.concatenate([middle, np.array(lines.energy_MeV)])
    numbers = np.concatenate([number, np.array(lines.number)])
    return energies, numbers * (nuclide.value("electron_energy") / float(energies @ numbers))
