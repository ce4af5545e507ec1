# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.anatomy.volume import ClosedSurface
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.phantoms import ball
from imagio_sim.meshing.sample import barycentric_lattice, sample, vessel_shares, wall_areas, wall_areas_by_vessel
from tests.meshing.made_anatomy import MadeAnatomy, cube_grid, cylinder
from tests.meshing.needles import small_recipe


@pytest.fixture(scope="module")
def domain() -> Domain:
    return generate(small_recipe()).domain


def in_ball(radius: float) -> MadeAnatomy:
    """Tumour in a ball, liver around it, and nothing known where x > 10 mm."""

    def tissue(points: np.ndarray) -> np.ndarray:
        return np.where(points[:, 0] > 10.0, 0, np.where(np.linalg.norm(points, axis=1) < radius, 2, 1))

    return MadeAnatomy(("fat", "liver", "tumour"), tissue)


def test_the_fractions_of_every_cell_add_up_to_one(domain: Domain) -> None:
    sampled = sample(domain, in_ball(8.0))
    assert sampled.fractions.sum(axis=1) == pytest.approx(1.0)
    assert sampled.fractions.min() >= 0.0


def test_a_tumour_keeps_its_volume(domain: Domain) -> None:
    sampled = sample(domain, in_ball(8.0))
    volume = domain.cell_volumes_mm3 @ sampled.fractions[:, 2]
    assert volume == pytest.approx(4.0 / 3.0 * np.pi * 8.0**3, rel=0.01)
    assert np.any((sampled.fractions[:, 2] > 0.0) & (sampled.fractions[:, 2] < 1.0))


def test_what_is_unknown_is_counted(domain: Domain) -> None:
    sampled = sample(domain, in_ball(8.0))
    cap = np.pi * 20.0**2 * (30.0 - 20.0 / 3.0)
    assert domain.cell_volumes_mm3 @ sampled.unlabelled_fraction == pytest.approx(cap, rel=0.02)
    assert np.all(sampled.outside_fraction == 0.0)


def test_what_lies_beyond_the_image_is_counted(domain: Domain) -> None:
    small = MadeAnatomy(("fat",), lambda points: np.zeros(len(points), dtype=np.int64), grid=cube_grid(20, 1.0))
    sampled = sample(domain, small)
    outside = domain.cell_volumes_mm3 @ sampled.outside_fraction
    assert outside == pytest.approx(domain.cell_volumes_mm3.sum() - 20.0**3, rel=0.01)


def test_cells_that_were_cut_away_have_no_tissue(domain: Domain) -> None:
    cut = MadeAnatomy(("liver",), lambda points: np.where(points[:, 2] > 0.0, -1, 0))
    fractions = sample(domain, cut).fractions[:, 0]
    assert set(np.unique(fractions)) == {0.0, 1.0}


def test_equal_meshes_give_equal_samples(domain: Domain) -> None:
    assert np.array_equal(sample(domain, in_ball(8.0)).fractions, sample(domain, in_ball(8.0)).fractions)


def test_the_lumen_of_a_vessel_keeps_its_volume(domain: Domain) -> None:
    grid = cube_grid(60, 1.0)
    centres = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float))
    lumen = (np.hypot(centres[:, 0], centres[:, 1]) < 4.0).reshape(grid.shape)
    anatomy = MadeAnatomy(("liver",), lambda points: np.zeros(len(points), dtype=np.int64), grid=grid, lumen=lumen)
    volume = domain.cell_volumes_mm3 @ sample(domain, anatomy).lumen_fraction
    assert volume == pytest.approx(lumen.sum() * 40.0 / 60.0, rel=0.5)
    voxels = np.linalg.norm(centres, axis=1).reshape(grid.shape) < 30.0
    assert volume == pytest.approx((lumen & voxels).sum(), rel=0.02)


def test_the_wall_of_a_vessel_keeps_its_area_inside_the_region(domain: Domain) -> None:
    surface = cylinder(radius=5.0, length=100.0)
    areas = wall_areas(domain, {"portal_vein": surface})
    side = 2.0 * 48 * 5.0 * np.sin(np.pi / 48)
    assert areas.sum() == pytest.approx(side * 2.0 * np.sqrt(30.0**2 - 5.0**2), rel=0.02)
    centres = domain.points_mm[domain.cells[areas > 0.0]].mean(axis=1)
    assert np.abs(np.hypot(centres[:, 0], centres[:, 1]) - 5.0).max() < 4.0


def test_a_wall_of_few_large_triangles_is_spread_over_the_cells_it_runs_through(domain: Domain) -> None:
    plane = ClosedSurface(
        np.array([[-40.0, -40.0, 0.1], [40.0, -40.0, 0.1], [40.0, 40.0, 0.1], [-40.0, 40.0, 0.1]]),
        np.array([[0, 1, 2], [0, 2, 3]]),
    )
    areas = wall_areas(domain, {"wall": plane})
    assert areas.sum() == pytest.approx(np.pi * 900.0, rel=0.02)
    heights = domain.points_mm[domain.cells][:, :, 2]
    crossed = (heights.min(axis=1) < 0.1) & (heights.max(axis=1) > 0.1)
    assert np.all(crossed[areas > 0.0])
    assert (areas > 0.0).sum() > 0.6 * crossed.sum()


def test_a_region_without_vessels_has_no_wall() -> None:
    domain = ball(10.0, 3.0)
    assert np.all(wall_areas(domain, {}) == 0.0)
    vessel = cylinder(2.0, 5.0)
    far = vessel._replace(points_mm=vessel.points_mm + 90.0)
    assert np.all(wall_areas(domain, {"far": far}) == 0.0)


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_the_lattice_is_inside_and_balanced(order: int) -> None:
    weights = barycentric_lattice(order)
    assert len(weights) == order * (order + 1) * (order + 2) // 6
    assert weights.min() > 0.0
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert weights.mean(axis=0) == pytest.approx(0.25)


def test_each_vessel_keeps_the_area_of_its_own_wall(domain: Domain) -> None:
    walls = {"vein": cylinder(radius=5.0, length=100.0), "artery": cylinder(radius=2.0, length=100.0)}
    walls["artery"] = walls["artery"]._replace(points_mm=walls["artery"].points_mm + np.array([9.0, 0.0, 0.0]))
    sampled = sample(domain, MadeAnatomy(("liver",), lambda points: np.zeros(len(points), np.int64), surfaces=walls))
    for name, wall in walls.items():
        own = sampled.wall_area_mm2 @ sampled.vessel_shares[name]
        assert own == pytest.approx(wall_areas(domain, {name: wall}).sum(), rel=1e-12)
    assert sum(sampled.vessel_shares.values()) == pytest.approx(1.0)


def test_a_lumen_belongs_to_the_vessel_whose_wall_is_nearest(domain: Domain) -> None:
    walls = {"vein": cylinder(radius=6.0, length=100.0), "artery": cylinder(radius=2.0, length=100.0)}
    walls["artery"] = walls["artery"]._replace(points_mm=walls["artery"].points_mm + np.array([20.0, 0.0, 0.0]))
    shares = vessel_shares(domain, wall_areas_by_vessel(domain, walls))
    centres = domain.points_mm[domain.cells].mean(axis=1)
    assert np.all(shares["vein"][np.hypot(centres[:, 0], centres[:, 1]) < 3.0] == 1.0)
    assert np.all(shares["artery"][np.hypot(centres[:, 0] - 20.0, centres[:, 1]) < 1.0] == 1.0)


def test_without_vessels_there_are_no_shares() -> None:
    assert vessel_shares(ball(10.0, 3.0), {}) == {}
