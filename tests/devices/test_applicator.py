# SPDX-License-Identifier: LGPL-3.0-or-later
"""Placing an applicator's frame in the patient."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imagio_sim.devices import load_device, placement

COORDINATES = st.tuples(*[st.floats(-200.0, 200.0)] * 3)


@given(tip=COORDINATES, entry=COORDINATES)
def test_a_placement_is_a_rigid_motion_from_tip_towards_entry(
    tip: tuple[float, float, float], entry: tuple[float, float, float]
) -> None:
    way = np.array(entry) - np.array(tip)
    assume(np.linalg.norm(way) > 1.0)
    motion = placement(np.array(tip), np.array(entry))
    assert motion[:3, :3] @ motion[:3, :3].T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(motion[:3, :3]) == pytest.approx(1.0)
    assert motion[:3, 3] == pytest.approx(np.array(tip))
    assert motion[:3, 2] == pytest.approx(way / np.linalg.norm(way))


def test_moving_a_rod_keeps_its_length_and_sections() -> None:
    tine = load_device("starburst_xl").applicator(30.0)[3]
    moved = tine.moved(placement(np.array([1.0, 2.0, 3.0]), np.array([50.0, -20.0, 7.0])))
    assert moved.length_mm == pytest.approx(tine.length_mm)
    assert moved.sections == tine.sections
