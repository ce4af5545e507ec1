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
    dose = voxel_dose(sphere * 1e6, np.full(grid.shape, TISSUE_DENSITY), grid, "y90")
    mass = grid.voxel_volume_mm3 * 1e-9 * TISSUE_DENSITY
    full = 1e6 * load_nuclide("y90").energy_per_activity / mass
    return dose.kernel[sphere] / full, dose.local[sphere] / full


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
    print("\n| sphere of 15 mm, voxels (mm) | mean, kernel | closed form | D95 | closed | D50 | closed |")
    print("|---|---|---|---|---|---|---|")
    mean, d95, d50 = closed_sphere(kernel, 15.0)
    for spacing in (3.0, 2.0, 1.0):
        dose, _ = sphere_dose(15.0, spacing)
        own = [dose_of_share(dose, np.ones(len(dose)), share) for share in (0.95, 0.5)]
        print(f"| {spacing:g} | {dose.mean():.4f} | {mean:.4f} | {own[0]:.4f} | {d95:.4f} | {own[1]:.4f} | {d50:.4f} |")


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
