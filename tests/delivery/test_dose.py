# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doses on voxels: energy, MIRD, spheres, and boundaries between media."""

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.delivery.dose import VoxelDose, voxel_dose
from imagio_sim.delivery.dose_kernel import point_kernel
from imagio_sim.outcome.dose import dose_of_share
from imagio_sim.pharmacy.nuclides import load_nuclide, nuclide_names
from imagio_sim.physics.radiation import mird_dose
from validation.verification.dose.study import REFERENCE, closed_sphere, sphere_dose

LIVER, LUNG = 1060.0, 260.0


def cube(count: int, spacing: float) -> Grid:
    return Grid((count, count, count), np.diag([spacing, spacing, spacing, 1.0]))


def booked(dose: VoxelDose) -> float:
    return dose.deposited + dose.radiated + dose.lost


@pytest.fixture(scope="module")
def under_lung() -> VoxelDose:
    """Activity in liver below z = 0 of an upright grid, lung above it."""
    grid = Grid((15, 15, 24), np.diag([2.0, 2.0, 2.0, 1.0]))
    activity, density = np.zeros(grid.shape), np.full(grid.shape, LIVER)
    activity[:, :, 4:12], density[:, :, 12:] = 1e5, LUNG
    return voxel_dose(activity, density, grid, "y90")


@pytest.mark.parametrize("nuclide", nuclide_names())
def test_a_large_body_full_of_activity_has_the_mird_dose(nuclide: str) -> None:
    grid = cube(27, 2.0)
    dose = voxel_dose(np.full(grid.shape, 1e5), np.full(grid.shape, LIVER), grid, nuclide)
    loaded = load_nuclide(nuclide)
    decay = {"energy_per_decay": loaded.electron_energy, "decay_rate": loaded.decay_constant}
    expected = float(mird_dose(1e5, 8e-9 * LIVER, **decay))
    assert dose.local[13, 13, 13] == pytest.approx(expected, rel=1e-9)
    assert dose.kernel[13, 13, 13] == pytest.approx(expected, rel=0.005)


def test_yttrium_gives_what_planners_calculate_with() -> None:
    grid = cube(27, 2.0)
    gigabecquerel_per_kilogram = np.full(grid.shape, 1e9 * 8e-9 * LIVER)
    dose = voxel_dose(gigabecquerel_per_kilogram, np.full(grid.shape, LIVER), grid, "y90")
    assert dose.kernel[13, 13, 13] == pytest.approx(REFERENCE["mird"]["y90"], rel=0.005)


def test_all_energy_is_booked_and_none_is_lost_within_the_grid() -> None:
    grid = cube(25, 2.0)
    activity = np.zeros(grid.shape)
    activity[10:15, 9:12, 12] = 1e6
    dose = voxel_dose(activity, np.full(grid.shape, LIVER), grid, "y90")
    assert booked(dose) == pytest.approx(dose.emitted, rel=1e-12)
    assert dose.lost == pytest.approx(0.0, abs=1e-9 * dose.emitted)
    mass = 8e-9 * LIVER
    assert dose.kernel.sum() * mass == pytest.approx(dose.deposited, rel=1e-9)


def test_a_sphere_has_the_dose_volume_figures_of_the_closed_form() -> None:
    mean, d95, d50 = closed_sphere(point_kernel("y90"), 15.0)
    dose, local = sphere_dose(15.0, 1.0)
    weights = np.ones(len(dose))
    assert dose.mean() == pytest.approx(mean, rel=0.01)
    assert dose_of_share(dose, weights, 0.95) == pytest.approx(d95, rel=0.03)
    assert dose_of_share(dose, weights, 0.50) == pytest.approx(d50, rel=0.01)
    assert local == pytest.approx(1.0)
    assert local.mean() > 1.1 * dose.mean()


def test_finer_voxels_come_closer_to_the_closed_form() -> None:
    mean, _, _ = closed_sphere(point_kernel("y90"), 15.0)
    errors = [abs(float(sphere_dose(15.0, spacing)[0].mean()) - mean) for spacing in (3.0, 1.5)]
    assert errors[1] < 0.7 * errors[0]


def test_kernel_and_local_deposition_agree_inside_and_differ_at_the_edge() -> None:
    grid = cube(31, 2.0)
    activity = np.zeros(grid.shape)
    activity[:16] = 1e5
    dose = voxel_dose(activity, np.full(grid.shape, LIVER), grid, "y90")
    ratio = dose.kernel[:16, 15, 15] / dose.local[:16, 15, 15]
    assert ratio[8] == pytest.approx(1.0, abs=0.005)
    assert ratio[15] < 0.8
    assert dose.kernel[16, 15, 15] > 0.2 * dose.local[15, 15, 15]
    assert dose.local[16, 15, 15] == 0.0


def test_energy_is_booked_across_a_boundary(under_lung: VoxelDose) -> None:
    assert booked(under_lung) == pytest.approx(under_lung.emitted, rel=1e-12)
    assert under_lung.kernel.min() >= 0.0


def test_the_dose_is_continuous_from_liver_to_lung_and_reaches_farther_there(under_lung: VoxelDose) -> None:
    column = under_lung.kernel[5:10, 5:10].mean(axis=(0, 1))
    grid = under_lung.grid
    uniform = voxel_dose(_slab(grid), np.full(grid.shape, LIVER), grid, "y90").kernel[5:10, 5:10].mean(axis=(0, 1))
    before, after = column[11], column[12]
    assert after < before
    # As much energy per mass: liver's energy divided by the mass of lung would be four times as much.
    assert 0.5 * before < after
    assert before == pytest.approx(uniform[11], rel=0.05)
    assert column[16] > 3.0 * uniform[16]


def _slab(grid: Grid) -> np.ndarray:
    activity = np.zeros(grid.shape)
    activity[:, :, 4:12] = 1e5
    return activity


def test_the_same_seed_gives_the_same_dose_and_another_one_nearly_so(under_lung: VoxelDose) -> None:
    grid = under_lung.grid
    density = np.full(grid.shape, LIVER)
    density[:, :, 12:] = LUNG
    again = voxel_dose(_slab(grid), density, grid, "y90")
    other = voxel_dose(_slab(grid), density, grid, "y90", seed=1)
    assert np.array_equal(again.kernel, under_lung.kernel)
    middle = (slice(3, 12), slice(3, 12))
    assert other.kernel[*middle, 4:12] == pytest.approx(again.kernel[*middle, 4:12], rel=1e-3)
    planes = [dose.kernel[*middle, 12:18].mean(axis=(0, 1)) for dose in (other, again)]
    assert planes[0] == pytest.approx(planes[1], rel=0.03)
    assert not np.array_equal(other.kernel, again.kernel)


def test_air_takes_no_dose_and_what_goes_into_it_is_booked_as_lost() -> None:
    grid = Grid((9, 9, 20), np.diag([2.0, 2.0, 2.0, 1.0]))
    density = np.full(grid.shape, LIVER)
    density[:, :, 12:] = 1.2
    activity = np.zeros(grid.shape)
    activity[4, 4, 11] = 1e6
    dose = voxel_dose(activity, density, grid, "y90")
    assert not dose.kernel[:, :, 12:].any()
    assert 0.2 * dose.emitted < dose.lost < 0.6 * dose.emitted
    assert booked(dose) == pytest.approx(dose.emitted, rel=1e-12)


def test_bone_stops_what_liver_would_let_through_and_nothing_is_gained() -> None:
    grid = Grid((9, 9, 24), np.diag([2.0, 2.0, 2.0, 1.0]))
    activity = np.zeros(grid.shape)
    activity[4, 4, 10:12] = 1e6
    density = np.full(grid.shape, LIVER)
    plain = voxel_dose(activity, density, grid, "y90")
    density[:, :, 12:] = 1900.0
    bony = voxel_dose(activity, density, grid, "y90")
    assert bony.kernel[4, 4, 15] < 0.6 * plain.kernel[4, 4, 15]
    assert bony.deposited >= plain.deposited
    assert 0.0 <= bony.lost <= plain.lost
    assert booked(bony) == pytest.approx(bony.emitted, rel=1e-12)


def test_no_activity_gives_no_dose() -> None:
    grid = cube(5, 2.0)
    dose = voxel_dose(np.zeros(grid.shape), np.full(grid.shape, LIVER), grid, "y90")
    assert not dose.kernel.any()
    assert dose.emitted == 0.0


def test_a_negative_activity_is_refused() -> None:
    grid = cube(5, 2.0)
    with pytest.raises(ValueError, match="cannot be negative"):
        voxel_dose(np.full(grid.shape, -1.0), np.full(grid.shape, LIVER), grid, "y90")
