# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.outcome.margins import Margins, ablative_margins, target_coverages, volume_histogram
from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.zone import ablation_zone
from tests.outcome.meshes import cube, pierced_cube, sphere

HEAD = np.array([0.0, 0.0, 1.0])


def margins_of(target: Surface, radius: float = 15.0, capsule: Surface | None = None) -> Margins:
    domain, locator = cube()
    level = radius - np.linalg.norm(domain.points_mm, axis=1)
    zones = {"model": ablation_zone(domain, level, HEAD)}
    return ablative_margins(target, zones, {"model": level}, Probe(domain, locator), capsule=capsule)["model"]


def test_concentric_spheres_have_their_difference_as_margin_everywhere() -> None:
    margins = margins_of(sphere(9.0))
    assert margins.margins_mm == pytest.approx(np.full(len(margins.margins_mm), 6.0), abs=0.1)
    assert margins.minimal_mm == pytest.approx(6.0, abs=0.1)
    assert margins.surface_fraction(5.0, np.inf) == 1.0
    assert margins.surface_fraction(10.0, np.inf) == 0.0


def test_a_target_larger_than_the_zone_has_negative_margins() -> None:
    margins = margins_of(sphere(18.0))
    assert margins.minimal_mm == pytest.approx(-3.0, abs=0.1)
    assert margins.surface_fraction(-np.inf, 0.0) == 1.0


def test_a_shifted_target_has_its_margins_by_geometry() -> None:
    margins = margins_of(sphere(8.0, (10.0, 0.0, 0.0)))
    expected = 15.0 - np.linalg.norm(margins.points_mm, axis=1)
    assert margins.margins_mm == pytest.approx(expected, abs=0.1)
    assert margins.minimal_mm == pytest.approx(-3.0, abs=0.15)
    assert margins.minimal_point_mm == pytest.approx([18.0, 0.0, 0.0], abs=1.0)
    # A sphere's surface is uniform in projection: uncovered where 100 + 64 + 160 u > 225.
    assert margins.surface_fraction(-np.inf, 0.0) == pytest.approx((1 - 61 / 160) / 2, abs=0.01)


def test_bands_of_margin_share_the_whole_surface() -> None:
    margins = margins_of(sphere(8.0, (6.0, 0.0, 0.0)))
    bands = [margins.surface_fraction(a, b) for a, b in ((-np.inf, 0.0), (0.0, 5.0), (5.0, np.inf))]
    assert sum(band or 0.0 for band in bands) == pytest.approx(1.0)


def test_the_subcapsular_surface_may_be_left_out() -> None:
    target = sphere(8.0, (10.0, 0.0, 0.0))
    capsule = sphere(19.0)
    everywhere, counted = margins_of(target), margins_of(target, capsule=capsule)
    # 5 mm within the capsule of 19 mm the zone of 15 mm still leaves 1 mm.
    assert counted.minimal_mm == pytest.approx(1.0, abs=0.2)
    assert counted.minimal_anywhere_mm == everywhere.minimal_mm
    assert 0.3 < counted.subcapsular_fraction < 0.5
    assert counted.surface_fraction(-np.inf, 0.0) == 0.0


def test_without_a_zone_there_is_no_margin_and_nothing_is_covered() -> None:
    margins = margins_of(sphere(8.0), radius=-1.0)
    assert margins.minimal_mm is None
    assert margins.minimal_point_mm is None
    assert margins.surface_fraction(-np.inf, 0.0) == 1.0


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 1.0), (60.0, 0.0)])
def test_a_target_is_covered_wholly_or_not_at_all(shift: float, expected: float) -> None:
    domain, locator = cube()
    level = 15.0 - np.linalg.norm(domain.points_mm, axis=1)
    covered = target_coverages(sphere(8.0, (shift, 0.0, 0.0)), {"model": level}, Probe(domain, locator))["model"]
    assert covered.fraction == expected


def test_every_death_model_has_the_margins_and_the_coverage_of_its_own_zone() -> None:
    domain, locator = cube()
    levels = {f"{radius:g}": radius - np.linalg.norm(domain.points_mm, axis=1) for radius in (7.0, 15.0)}
    zones = {name: ablation_zone(domain, level, HEAD) for name, level in levels.items()}
    margins = ablative_margins(sphere(9.0), zones, levels, Probe(domain, locator), capsule=None)
    coverages = target_coverages(sphere(9.0), levels, Probe(domain, locator))
    assert [margins[name].minimal_mm for name in levels] == pytest.approx([-2.0, 6.0], abs=0.15)
    assert [coverages[name].fraction for name in levels] == pytest.approx([(7.0 / 9.0) ** 3, 1.0], abs=0.01)


def test_half_a_sphere_is_half_covered() -> None:
    domain, locator = cube()
    level = domain.points_mm @ np.array([0.6, 0.0, 0.8])
    coverage = target_coverages(sphere(10.0), {"model": level}, Probe(domain, locator))["model"]
    assert coverage.fraction == pytest.approx(0.5, abs=2e-3)
    assert coverage.residual_mm3 == pytest.approx(coverage.volume_mm3 / 2, rel=5e-3)


def test_the_needle_inside_the_zone_counts_as_covered_and_outside_it_does_not() -> None:
    domain, locator = pierced_cube()
    level = 8.0 - np.linalg.norm(domain.points_mm, axis=1)
    inside_needle = np.array([[0.1, 0.05, 5.0], [0.1, 0.05, 14.0]])
    assert np.isnan(locator.interpolate(level, inside_needle)).all()
    assert Probe(domain, locator).dead(level, inside_needle).tolist() == [True, False]


def test_a_point_beyond_the_region_is_not_dead() -> None:
    domain, locator = cube()
    assert not Probe(domain, locator).dead(np.ones(len(domain.points_mm)), np.array([[25.0, 0.0, 0.0]]))[0]


def test_a_cumulative_histogram_falls_with_its_threshold() -> None:
    values, weights = np.array([40.0, 50.0, 60.0, np.nan]), np.array([1.0, 2.0, 1.0, 4.0])
    assert volume_histogram(values, weights, (30.0, 45.0, 60.0)) == {30.0: 0.5, 45.0: 0.375, 60.0: 0.125}
