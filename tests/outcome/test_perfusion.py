# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.outcome.perfusion import perfusion_about
from tests.outcome.meshes import cube, sphere


def test_flow_is_averaged_over_the_target_and_the_shell_around_it() -> None:
    domain, _ = cube()
    target = sphere(6.0)
    distance = np.linalg.norm(domain.points_mm[domain.cells].mean(axis=1), axis=1)
    factor = np.where(distance < 6.0, 0.1, np.where(distance < 16.0, 0.5, 1.0))
    found = perfusion_about(domain, 0.02 * factor, factor, target, np.flatnonzero(distance < 6.0))
    assert found["target_per_s"] == pytest.approx(0.002)
    assert found["target_normal_per_s"] == pytest.approx(0.02)
    assert found["beside_per_s"] == pytest.approx(0.01, rel=0.02)
    assert found["beside_normal_per_s"] == pytest.approx(0.02)


def test_a_target_that_the_mesh_does_not_reach_has_no_flow_to_tell() -> None:
    domain, _ = cube()
    ones = np.ones(len(domain.cells))
    found = perfusion_about(domain, ones, ones, sphere(3.0, (200.0, 0.0, 0.0)), np.empty(0, dtype=np.int64))
    assert set(found.values()) == {None}
