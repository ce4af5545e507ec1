# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.outcome.drug_statistics import VolumeHistogram
from imagio_sim.outcome.probe import Probe
from tests.outcome.meshes import cube, sphere

RADIUS_MM = 10.0


def falling_from_the_middle() -> VolumeHistogram:
    """A field that falls linearly from 10 in the middle of a ball to 0 at its surface."""
    domain, locator = cube()
    nodal = RADIUS_MM - np.linalg.norm(domain.points_mm, axis=1)
    return VolumeHistogram.of(Probe(domain, locator), nodal, sphere(RADIUS_MM).interior_samples(0.4))


def test_the_histogram_of_a_ball_follows_its_closed_form() -> None:
    """At or above c lies the ball of radius 10 - c."""
    found = falling_from_the_middle()
    for threshold in (1.0, 4.0, 7.0):
        assert found.share_above(threshold) == pytest.approx((1.0 - threshold / RADIUS_MM) ** 3, abs=0.01)
    assert found.mean == pytest.approx(RADIUS_MM / 4.0, rel=0.02)


@pytest.mark.parametrize("share", [0.95, 0.5, 0.05])
def test_a_quantile_is_what_so_much_of_the_volume_exceeds(share: float) -> None:
    found = falling_from_the_middle()
    assert found.exceeded_by(share) == pytest.approx(RADIUS_MM * (1.0 - share ** (1.0 / 3.0)), abs=0.1)
    assert found.share_above(found.exceeded_by(share)) == pytest.approx(share, abs=1e-3)


def test_the_curve_begins_with_everything_and_falls() -> None:
    thresholds, shares = falling_from_the_middle().curve()
    assert shares[0] == 1.0
    assert np.all(np.diff(shares) <= 0.0)
    assert thresholds[-1] == pytest.approx(RADIUS_MM, abs=0.5)


def test_beyond_the_region_there_is_no_drug() -> None:
    domain, locator = cube()
    far = sphere(5.0, (100.0, 0.0, 0.0)).interior_samples(1.0)
    found = VolumeHistogram.of(Probe(domain, locator), np.ones(len(domain.points_mm)), far)
    assert found.mean == 0.0


def test_weights_count_as_volume() -> None:
    section = VolumeHistogram(np.array([1.0, 2.0, 3.0]), np.array([700.0, 200.0, 100.0])).section((1.5, 2.5))
    assert section["volume_ml"] == 1.0
    assert section["mean"] == pytest.approx(1.4)
    assert (section["C95"], section["C50"], section["C5"]) == (1.0, 1.0, 3.0)
    assert section["histogram"] == {"1.5": pytest.approx(0.3), "2.5": pytest.approx(0.1)}
