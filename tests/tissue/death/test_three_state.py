# SPDX-License-Identifier: LGPL-3.0-or-later
"""Three-state cell death against an independent integration (case AN05)."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from imagio_sim.tissue.death import death_model
from imagio_sim.tissue.death.gate import gate
from imagio_sim.tissue.death.three_state import ThreeState

TIME_TO_DEATH = {
    37.0: 3835.5,
    43.0: 2350.7,
    45.0: 2062.4,
    50.0: 1546.2,
    55.0: 1203.4,
    60.0: 960.10,
    65.0: 779.75,
    70.0: 641.90,
    80.0: 448.25,
    90.0: 322.22,
    100.0: 236.42,
}


def model(*, gated: bool) -> ThreeState:
    found = death_model("three_state")
    assert isinstance(found, ThreeState)
    return replace(found, gated=gated)


@pytest.mark.parametrize(("temperature", "expected"), TIME_TO_DEATH.items())
def test_time_until_four_fifths_are_dead(temperature: float, expected: float) -> None:
    law = model(gated=False)
    held = np.array([temperature])

    def excess(duration: float) -> float:
        return float(law.level(law.advance(law.initial(1), held, held, duration))[0])

    assert brentq(excess, 10.0, 9000.0) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("start", "end"), [(37.0, 75.0), (42.0, 43.0), (90.0, 37.0)])
def test_a_gated_ramp_agrees_with_an_independent_integration(start: float, end: float) -> None:
    law, duration = model(gated=True), 60.0

    def slope(time: float, state: NDArray[np.float64]) -> list[float]:
        temperature = start + (end - start) * time / duration
        alive, dead = state
        opening = float(gate(np.array([temperature]))[0])
        rate = law.forward_rate * np.exp(temperature / law.temperature_scale) * opening
        vulnerable = 1.0 - alive - dead
        return [
            -rate * (1.0 - alive) * alive + law.backward_rate * opening * vulnerable,
            rate * (1.0 - alive) * vulnerable,
        ]

    reference = solve_ivp(slope, (0.0, duration), law.initial(1)[:, 0], rtol=1e-10, atol=1e-14, max_step=0.1).y[:, -1]
    state = law.advance(law.initial(1), np.array([start]), np.array([end]), duration)[:, 0]
    np.testing.assert_allclose(1.0 - state[0], 1.0 - reference[0], rtol=1e-3)
    assert state[1] == pytest.approx(reference[1], rel=5e-3)


def test_vulnerable_cells_of_untreated_tissue_count_as_surviving() -> None:
    law = model(gated=True)
    assert law.initial(1)[0, 0] == 0.99
    assert law.survival(law.initial(1))[0] == 1.0


def test_level_is_zero_at_the_threshold() -> None:
    assert model(gated=True).level(np.array([[0.1], [0.8]]))[0] == pytest.approx(0.0, abs=1e-12)
