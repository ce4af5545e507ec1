# SPDX-License-Identifier: LGPL-3.0-or-later
"""Kernel, voxel and sphere doses of Y-90 beside published ones.

Run as ``python3 -m validation.verification.dose.study``; writes the tables to standard output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.delivery.dose import voxel_dose
from imagio_sim.delivery.dose_kernel import DoseKernel, kernel_of, point_kernel
from imagio_sim.outcome.dose import dose_of_share
from imagio_sim.pharmacy.nuclides import JOULE_PER_MEV, Emission, Nuclide, load_nuclide
from imagio_sim.tissue.value import Value

Floats = NDArray[np.float64]

REFERENCE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "reference.yaml").read_text(encoding="utf-8"))
TISSUE_DENSITY = 1060.0


def phosphorus() -> DoseKernel:
    """Kernel of P-32, made as those of the pharmacy are."""
    table = REFERENCE["phosphorus"]
    energy = Value(table["mean_energy_MeV"], "MeV", None, None, None, table["source"], "read")
    spectrum = Emission(tuple(table["energy_MeV"]), tuple(table["electrons_per_MeV"]), table["source"])
    none = Emission((), (), table["source"])
    return kernel_of(Nuclide(table["name"], "Phosphorus-32", {"electron_energy": energy}, spectrum, none))


def absorbed_fraction(kernel: DoseKernel, radius_mm: float, density: float) -> float:
    """Share of the electrons' energy that a sphere full of activity absorbs.

    The mean over the sphere of the share of directions that stay in it at a distance s is 1 - 3 s / 4R + s^3 / 16 R^3.
    """
    distance = np.linspace(0.0, 2.0 * radius_mm, 20001)
    relative = distance / radius_mm
    stays = 1.0 - 0.75 * relative + relative**3 / 16.0
    deposited = np.diff(kernel.share_within(distance, density))
    absorbed = float(deposited @ (0.5 * (stays[1:] + stays[:-1])))
    return absorbed * kernel.energy / (kernel.energy + kernel.radiated)


def photons_kept(volume_ml: float) -> tuple[float, float]:
    """Least and largest share of the energy of the photons of Ho-166 that a ball full of it absorbs.

    Photons go straight on and lose energy by the mass energy-absorption coefficient: scattered ones carry theirs along.
    The mean of exp(-x s) over the ways s from everywhere in a ball of radius R to its surface is
    3 (y^2 / 2 - 1 + (1 + y) exp(-y)) / y^3 with y = 2 x R.
    """
    radius_cm = (3.0 * volume_ml / (4.0 * np.pi)) ** (1.0 / 3.0)
    found = []
    for coefficient in (REFERENCE["photons_in_water"]["smallest"], REFERENCE["photons_in_water"]["largest"]):
        y = 2.0 * coefficient * TISSUE_DENSITY * 1e-3 * radius_cm
        leaves = 3.0 / y**3 * (0.5 * y**2 - 1.0 + (1.0 + y) * np.exp(-y))
        found.append(1.0 - float(leaves))
    return found[0], found[1]


def sphere_profile(kernel: DoseKernel, radius_mm: float, density: float, places_mm: Floats) -> Floats:
    """Dose at distances (p,) from the centre of a sphere of activity, by that of a large body (kernel alone)."""
    edges = np.linspace(0.0, kernel.reach_mm, 4001)
    share = np.diff(kernel.share_within(edges, density))
    step = 0.5 * (edges[1:] + edges[:-1])
    place = np.maximum(places_mm[:, None], 1e-6)
    within = (radius_mm**2 - (place - step) ** 2) / (4.0 * place * step)
    return np.asarray(np.clip(within, 0.0, 1.0) @ share)


def voxel_sphere(radius_mm: float, spacing_mm: float, *, margin_mm: float = 16.0) -> tuple[Grid, NDArray[np.bool_]]:
    """A grid, and its voxels whose centres lie in a sphere around the origin."""
    half = radius_mm + margin_mm
    grid = Grid.around(np.full(3, -half), np.full(3, half), spacing_mm)
    centres = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float))
    return grid, np.asarray(np.linalg.norm(centres, axis=1) <= radius_mm).reshape(grid.shape)


def sphere_dose(radius_mm: float, spacing_mm: float) -> tuple[Floats, Floats]:
    """Dose by kernel and by local deposition of the voxels (n,) of a sphere of activity, by that of a large body."""
    grid, sphere = voxel_sphere(radius_mm, spacing_mm)
    density: Floats = np.full(grid.shape, TISSUE_DENSITY)
    dose = voxel_dose(np.asarray(sphere * 1e6, float), density, grid, "y90")
    mass = grid.voxel_volume_mm3 * 1e-9 * TISSUE_DENSITY
    full = 1e6 * load_nuclide("y90").energy_per_activity / mass
    return np.asarray(dose.kernel[sphere] / full, float), np.asarray(dose.local[sphere] / full, float)


def main() -> None:
    """Print the tables."""
    kernel = point_kernel("y90")
    table = REFERENCE["kernel_y90"]
    print("| radius (mm) | here (MeV) | published (MeV) | energy | share of the total |\n|---|---|---|---|---|")
    total = table["energy_MeV"][-1]
    for radius, published in zip(table["radius_mm"], table["energy_MeV"], strict=True):
        share = float(kernel.share_within(radius))
        own = share * kernel.energy / JOULE_PER_MEV
        print(
            f"| {radius:g} | {own:.4f} | {published:.4f} | {100 * (own / published - 1):+.2f} % "
            f"| {share:.4f} ({100 * (share / (published / total) - 1):+.2f} %) |"
        )
    print("\n| voxel (mm) | here | published | |\n|---|---|---|---|")
    for case in REFERENCE["voxel_s_values"]["cases"]:
        own, published = voxel_s_value(kernel, case["spacing_mm"]), case["value"]
        change = 100.0 * (own / published - 1.0)
        print(f"| {case['spacing_mm']} | {own:.4f} | {published} ({case['source']}) | {change:+.1f} % |")
    table = REFERENCE["phosphorus"]
    for side, published in zip(table["spacing_mm"], table["value"], strict=True):
        own = voxel_s_value(phosphorus(), [side] * 3)
        print(f"| {side:g} of P-32 | {own:.4f} | {published} (mird17) | {100.0 * (own / published - 1.0):+.1f} % |")
    spheres = REFERENCE["sphere_absorbed_fractions"]
    print("\n| radius (mm) | here | Akabani, Amato | MCNPX |\n|---|---|---|---|")
    for radius, quoted, own in zip(spheres["radius_mm"], spheres["quoted"], spheres["own"], strict=True):
        print(f"| {radius} | {absorbed_fraction(kernel, radius, spheres['density']):.3f} | {quoted} | {own} |")
    for name in ("y90", "ho166"):
        nuclide = load_nuclide(name)
        print(f"\n{name}: {1e9 * nuclide.energy_per_activity:.2f} J/GBq, customary {REFERENCE['mird'][name]}; ", end="")
        print(f"bremsstrahlung {100 * point_kernel(name).radiated / nuclide.electron_energy:.2f} %")
    holmium = load_nuclide("ho166")
    for volume in (100.0, 1800.0):
        least, largest = photons_kept(volume)
        by_electrons = holmium.value("photon_energy") / holmium.value("electron_energy")
        print(f"photons of Ho-166 kept in {volume:g} ml: {least:.3f} to {largest:.3f} of their energy, ", end="")
        print(f"{100 * least * by_electrons:.2f} to {100 * largest * by_electrons:.2f} % of the electrons'")
    print("\n| sphere of 15 mm, voxels (mm) | mean, kernel | closed form | D95 | closed | D50 | closed |")
    print("|---|---|---|---|---|---|---|")
    mean, d95, d50 = closed_sphere(kernel, 15.0)
    for spacing in (3.0, 2.0, 1.0):
        dose, _ = sphere_dose(15.0, spacing)
        own95, own50 = (dose_of_share(dose, np.ones(len(dose)), share) for share in (0.95, 0.5))
        print(f"| {spacing:g} | {dose.mean():.4f} | {mean:.4f} | {own95:.4f} | {d95:.4f} | {own50:.4f} | {d50:.4f} |")


def voxel_s_value(kernel: DoseKernel, spacing_mm: list[float]) -> float:
    """Dose of a voxel of unit density by a decay in it [mGy/(MBq s)]."""
    shares = kernel.voxel_shares(spacing_mm)
    middle = float(shares[tuple(size // 2 for size in shares.shape)])
    return middle * kernel.energy / (float(np.prod(spacing_mm)) * 1e-6) * 1e9


def closed_sphere(kernel: DoseKernel, radius_mm: float) -> tuple[float, float, float]:
    """Mean, D95 and D50 of a sphere of activity over the dose of a large body: the dose falls with the radius."""
    share = kernel.energy / (kernel.energy + kernel.radiated)
    mean = absorbed_fraction(kernel, radius_mm, TISSUE_DENSITY)
    places = np.array([0.95, 0.50]) ** (1.0 / 3.0) * radius_mm
    d95, d50 = share * sphere_profile(kernel, radius_mm, TISSUE_DENSITY, places)
    return mean, float(d95), float(d50)


if __name__ == "__main__":
    main()
