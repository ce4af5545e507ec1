# SPDX-License-Identifier: LGPL-3.0-or-later
"""Thermal dose against its closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.tissue.death import death_model
from imagio_sim.tissue.death.thermal_dose import ThermalDose


def model(name: str, *, gated: bool) -> ThermalDose:
    found = death_model(name)
    assert isinstance(found, ThermalDose)
    return replace(found, gated=gated)


def dose(law: ThermalDose, start: float, end: float, duration: float) -> float:
    return float(law.advance(law.initial(1), np.array([start]), np.array([end]), duration)[0, 0])


def closed_form(start: float, end: float, minutes: float, factor: float) -> float:
    """Dose [min] of a ramp on one side of 43 degC: the integral of R^(43 - T)."""
    antiderivative = [-(factor ** (43.0 - temperature)) / np.log(factor) for temperature in (start, end)]
    return minutes * (antiderivative[1] - antiderivative[0]) / (end - start)


@pytest.mark.parametrize("name", ["cem43_a_240", "cem43_b_240"])
@pytest.mark.parametrize(("start", "end", "factor"), [(43.0, 56.0, 0.5), (55.0, 44.0, 0.5), (40.0, 42.5, 0.25)])
def test_a_ramp_gives_the_closed_form(name: str, start: float, end: float, factor: float) -> None:
    expected = closed_form(start, end, 2.0, factor)
    assert dose(model(name, gated=False), start, end, 120.0) == pytest.approx(expected, rel=1e-8)


def test_a_minute_at_43_degrees_is_one_minute() -> None:
    assert dose(model("cem43_a_240", gated=True), 43.0, 43.0, 60.0) == pytest.approx(1.0)


def test_convention_a_counts_from_body_temperature_and_has_no_cap() -> None:
    law = model("cem43_a_240", gated=False)
    assert dose(law, 38.0, 38.0, 60.0) == pytest.approx(0.25**5)
    assert dose(law, 36.9, 36.9, 60.0) == 0.0
    assert dose(law, 60.0, 60.0, 60.0) == pytest.approx(2.0**17)


def test_convention_b_counts_nothing_below_39_and_no_more_above_57() -> None:
    law = model("cem43_b_240", gated=False)
    assert dose(law, 38.9, 38.9, 60.0) == 0.0
    assert dose(law, 39.1, 39.1, 60.0) == pytest.approx(0.25**3.9)
    assert dose(law, 57.0, 57.0, 60.0) == pytest.approx(2.0**14)
    assert dose(law, 60.0, 80.0, 60.0) == pytest.approx(2.0**14)


def test_level_is_zero_at_the_threshold() -> None:
    law = model("cem43_b_170", gated=True)
    assert law.level(np.array([[170.0]]))[0] == pytest.approx(0.0)
    assert law.survival(np.array([[170.0]]))[0] == pytest.approx(np.exp(-1.0))
