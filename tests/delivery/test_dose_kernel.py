# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose kernels against published ones, and on voxels. The references are in validation/verification/dose."""

import numpy as np
import pytest

from imagio_sim.delivery.dose_kernel import _electrons_in_water, fibonacci_directions, point_kernel
from imagio_sim.pharmacy.nuclides import JOULE_PER_MEV, load_nuclide, nuclide_names
from validation.verification.dose.study import (
    REFERENCE,
    TISSUE_DENSITY,
    absorbed_fraction,
    phosphorus,
    photons_kept,
    voxel_s_value,
)

Y90 = point_kernel("y90")


def test_the_energy_within_each_radius_is_the_published_one() -> None:
    table = REFERENCE["kernel_y90"]
    own = Y90.share_within(table["radius_mm"]) * Y90.energy / JOULE_PER_MEV
    assert own == pytest.approx(table["energy_MeV"], rel=0.01)
    assert own[-1] == pytest.approx(table["energy_MeV"][-1], rel=0.005)


def test_kernels_of_one_energy_agree_with_another_monte_carlo_code() -> None:
    table, water = REFERENCE["mono_energetic"], _electrons_in_water()
    for energy, shares in zip(table["energy_MeV"], table["share"], strict=True):
        assert water.within(energy, np.array(table["distance"])) == pytest.approx(shares, abs=0.02)


@pytest.mark.parametrize("case", REFERENCE["voxel_s_values"]["cases"], ids=str)
def test_a_voxel_gets_its_published_dose(case: dict[str, object]) -> None:
    assert voxel_s_value(Y90, case["spacing_mm"]) == pytest.approx(case["value"], rel=0.05)  # type: ignore[arg-type]


def test_betas_as_energetic_as_those_of_holmium_give_voxels_their_published_dose() -> None:
    table = REFERENCE["phosphorus"]
    own = [voxel_s_value(phosphorus(), [side] * 3) for side in table["spacing_mm"]]
    assert own == pytest.approx(table["value"], rel=0.03)


def test_spheres_absorb_their_published_shares() -> None:
    table = REFERENCE["sphere_absorbed_fractions"]
    own = [absorbed_fraction(Y90, radius, table["density"]) for radius in table["radius_mm"]]
    assert own == pytest.approx(table["quoted"], rel=0.05)


@pytest.mark.parametrize("name", nuclide_names())
def test_kernel_and_bremsstrahlung_are_all_energy_of_the_electrons(name: str) -> None:
    kernel = point_kernel(name)
    assert kernel.energy + kernel.radiated == pytest.approx(load_nuclide(name).electron_energy, rel=1e-12, abs=0.0)
    assert 0.0 < kernel.radiated < 0.01 * kernel.energy


@pytest.mark.parametrize("name", nuclide_names())
def test_the_share_within_a_radius_rises_from_none_to_all(name: str) -> None:
    kernel = point_kernel(name)
    assert kernel.within[0] == 0.0
    assert kernel.within[-1] == pytest.approx(1.0)
    assert (np.diff(kernel.within) >= 0.0).all()


def test_holmium_reaches_less_far_than_yttrium() -> None:
    assert point_kernel("ho166").radius_with(0.9) < 0.8 * Y90.radius_with(0.9)


def test_lengths_shrink_with_the_density() -> None:
    assert Y90.radius_with(0.5, 2000.0) == pytest.approx(0.5 * Y90.radius_with(0.5))
    assert Y90.share_within(3.0, 500.0) == pytest.approx(Y90.share_within(1.5))


@pytest.mark.parametrize("density", [260.0, 1000.0])
def test_the_dose_of_a_point_integrates_to_the_energy(density: float) -> None:
    radius = np.linspace(0.02, Y90.reach_mm * 1000.0 / density, 40001)
    middle = 0.5 * (radius[1:] + radius[:-1])
    shells = 4.0 * np.pi * (middle * 1e-3) ** 2 * np.diff(radius) * 1e-3 * density
    first = float(Y90.share_within(0.02, density)) * Y90.energy
    assert first + float(Y90.dose(middle, density) @ shells) == pytest.approx(Y90.energy, rel=1e-3, abs=0.0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 3.0, 3.0), (0.8, 0.8, 5.0), (20.0, 20.0, 20.0)])
def test_a_decay_gives_all_its_energy_to_voxels_in_every_grid(spacing: tuple[float, float, float]) -> None:
    shares = Y90.voxel_shares(spacing)
    assert shares.sum() == pytest.approx(1.0, rel=1e-12)
    assert shares.min() >= 0.0
    assert shares == pytest.approx(np.flip(shares), abs=1e-15)


def test_small_voxels_add_up_to_a_large_one() -> None:
    fine, coarse = Y90.voxel_shares((1.0, 1.0, 1.0)), Y90.voxel_shares((3.0, 3.0, 3.0))
    half = fine.shape[0] // 2
    offsets = np.arange(-half, half + 1)
    # Nine pairs of small voxels along an axis lie in the large voxel itself, at these offsets with these weights.
    weight = np.clip(1.0 - np.abs(offsets) / 3.0, 0.0, 1.0)
    inside = np.einsum("ijk,i,j,k", fine, weight, weight, weight)
    assert inside == pytest.approx(coarse[tuple(size // 2 for size in coarse.shape)], rel=0.01)


def test_directions_are_unit_vectors_without_a_preference() -> None:
    directions = fibonacci_directions(500)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert directions.mean(axis=0) == pytest.approx(0.0, abs=1e-3)
    assert directions.T @ directions / 500 == pytest.approx(np.eye(3) / 3.0, abs=1e-3)


def test_photons_left_out_are_less_than_a_hundredth_of_the_dose_of_holmium() -> None:
    holmium = load_nuclide("ho166")
    left_out = holmium.value("photon_energy") / holmium.value("electron_energy")
    for volume_ml, limit in ((100.0, 0.004), (1800.0, 0.01)):
        least, largest = photons_kept(volume_ml)
        assert 0.5 * limit < least * left_out < largest * left_out < limit


def test_photons_kept_are_those_of_straight_ways_out_of_a_ball() -> None:
    """Small balls: the coefficient times the mean way out, three quarters of the radius; large ones keep nearly all."""
    radius_cm = (3.0 * 0.01 / (4.0 * np.pi)) ** (1.0 / 3.0)
    least, _ = photons_kept(0.01)
    coefficient = REFERENCE["photons_in_water"]["smallest"] * TISSUE_DENSITY * 1e-3
    assert least == pytest.approx(coefficient * 0.75 * radius_cm, rel=0.01)
    assert photons_kept(1e9)[0] > 0.9


def test_the_customary_constants_lie_within_the_spread_of_the_energies() -> None:
    for name in nuclide_names():
        nuclide, customary = load_nuclide(name), REFERENCE["mird"][name]
        energy = nuclide.values["electron_energy"]
        assert energy.low is not None
        assert energy.high is not None
        per_energy = nuclide.energy_per_activity * 1e9 / energy.value
        assert per_energy * energy.low <= customary <= per_energy * energy.high * 1.001
