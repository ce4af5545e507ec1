# SPDX-License-Identifier: LGPL-3.0-or-later
"""The gate on heat death."""

import numpy as np
import pytest
from scipy.integrate import quad

from imagio_sim.tissue.death.gate import gate, gate_integral, open_time


def test_the_gate_is_closed_below_and_open_above() -> None:
    np.testing.assert_allclose(gate(np.array([37.0, 42.0, 42.5, 43.0, 60.0])), [0.0, 0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("temperature", [41.0, 42.2, 42.9, 43.0, 70.0])
def test_its_integral_is_exact(temperature: float) -> None:
    expected = quad(lambda t: float(gate(np.array([t]))[0]), 40.0, temperature, points=[42.0, 43.0])[0]
    assert gate_integral(np.array([temperature]))[0] == pytest.approx(expected, abs=1e-10)


def test_a_rise_through_the_gate_counts_the_time_above_its_middle() -> None:
    assert open_time(np.array([37.0]), np.array([62.0]), 25.0)[0] == pytest.approx(62.0 - 42.5)


def test_a_still_temperature_counts_by_the_gate() -> None:
    np.testing.assert_allclose(open_time(np.array([37.0, 42.5, 50.0]), np.array([37.0, 42.5, 50.0]), 8.0), [0, 4, 8])
