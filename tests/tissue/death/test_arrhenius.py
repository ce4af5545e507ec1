# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arrhenius damage against its closed form (case AN06)."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from imagio_sim.tissue.death import death_model
from imagio_sim.tissue.death.arrhenius import Arrhenius


def model(name: str, *, gated: bool) -> Arrhenius:
    found = death_model(name)
    assert isinstance(found, Arrhenius)
    return replace(found, gated=gated)


@pytest.mark.parametrize(
    ("name", "duration", "expected"),
    [
        ("arrhenius_jacques", 60.0, 50.08),
        ("arrhenius_jacques", 600.0, 42.50),
        ("arrhenius_hepg2", 60.0, 63.66),
        ("arrhenius_hepg2", 600.0, 51.36),
        ("arrhenius_hep3b", 60.0, 61.32),
        ("arrhenius_hep3b", 600.0, 47.84),
    ],
)
def test_temperature_for_a_damage_integral_of_one(name: str, duration: float, expected: float) -> None:
    law = model(name, gated=False)

    def excess(temperature: float) -> float:
        held = np.array([temperature])
        return float(law.level(law.advance(law.initial(1), held, held, duration))[0])

    assert brentq(excess, 38.0, 80.0) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize(("start", "end"), [(37.0, 60.0), (42.3, 42.8), (95.0, 38.0), (140.0, 160.0)])
def test_a_ramp_is_integrated_exactly(gated: bool, start: float, end: float) -> None:
    law = model("arrhenius_hepg2", gated=gated)
    state = law.advance(law.initial(1), np.array([start]), np.array([end]), 20.0)
    if end > 150.0:
        expected = 10.0 * float(law.rate(np.array([150.0]))[0])
        expected += quad(lambda t: float(law.rate(np.array([start + (end - start) * t / 20.0]))[0]), 0.0, 10.0)[0]
    else:
        kinks = [20.0 * (kink - start) / (end - start) for kink in (42.0, 43.0)]
        inside = [kink for kink in kinks if 0.0 < kink < 20.0]
        expected = quad(
            lambda t: float(law.rate(np.array([start + (end - start) * t / 20.0]))[0]), 0.0, 20.0, points=inside or None
        )[0]
    assert state[0, 0] == pytest.approx(expected, rel=1e-6)


def test_a_still_temperature_is_the_limit_of_a_slow_ramp() -> None:
    law = model("arrhenius_jacques", gated=True)
    still = law.advance(law.initial(1), np.array([50.0]), np.array([50.0]), 5.0)
    slow = law.advance(law.initial(1), np.array([49.999]), np.array([50.001]), 5.0)
    np.testing.assert_allclose(still, slow, rtol=1e-6)
