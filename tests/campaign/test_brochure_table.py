# SPDX-License-Identifier: LGPL-3.0-or-later
"""The equivalent antenna and the sheet it was calibrated on: what validation/calibration/antennas says holds."""

from __future__ import annotations

import pytest

from imagio_sim.anatomy.datasets import known_datasets
from imagio_sim.devices import load_device
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from validation.calibration.antennas.study import (
    CALIBRATION_POWER,
    DEVICE,
    RESOLUTION_MM,
    SHEET,
    TRANSMISSIONS,
    Row,
    Simulated,
    phantom,
    root_mean_square,
    sheet,
    simulated,
)

needs_sheet = pytest.mark.skipif(
    SHEET.removeprefix("data:").partition("/")[0] not in known_datasets(), reason=f"{SHEET} is not on this machine"
)
ROW = Row(75.0, 60.0, along_mm=10.0, across_mm=8.0)
LARGER = Simulated(along_mm=13.0, across_mm=12.0, length_ratio=0.8)


def calibrated() -> float:
    device = load_device(DEVICE)
    assert isinstance(device, MicrowaveDevice)
    return device.antenna.line.transmission.value


def test_the_objective_is_that_of_both_semi_axes_before_or_after_contraction() -> None:
    assert LARGER.deviations(ROW, contracted=False) == (3.0, 4.0)
    assert LARGER.deviations(ROW, contracted=True) == pytest.approx((0.4, 1.6))
    assert root_mean_square([ROW], [LARGER], contracted=False) == pytest.approx(12.5**0.5)
    assert root_mean_square([ROW], [LARGER], contracted=True) == pytest.approx(1.36**0.5)


def test_liver_is_excised_or_perfused() -> None:
    scenarios = [phantom(state, 75.0, 60.0) for state in ("excised", "perfused")]
    assert [scenario.tissue("liver").value("perfusion_rate") > 0.0 for scenario in scenarios] == [False, True]


@pytest.mark.data
@needs_sheet
def test_five_rows_calibrate_and_ten_are_left_to_validate() -> None:
    powers = [row.power for row in sheet()]
    assert powers.count(CALIBRATION_POWER) == 5
    assert len(powers) == 15


@pytest.mark.slow
def test_more_power_at_the_antenna_makes_a_larger_zone() -> None:
    short = Row(75.0, 60.0, along_mm=10.0, across_mm=10.0)
    less, more = (simulated("excised", short, transmission) for transmission in (0.6, 1.0))
    assert more.along_mm > less.along_mm + 1.0
    assert more.across_mm > less.across_mm + 0.5


@pytest.mark.slow
@pytest.mark.data
@needs_sheet
def test_the_transmission_is_the_one_that_fits_best() -> None:
    rows = [row for row in sheet() if row.power == CALIBRATION_POWER]
    below, chosen, above = TRANSMISSIONS
    assert chosen == calibrated()
    found = {
        one: root_mean_square(rows, [simulated("excised", row, one) for row in rows], contracted=True)
        for one in (below, chosen, above)
    }
    assert found[chosen] == min(found.values())
    assert min(found[below], found[above]) > found[chosen] + 0.5 * RESOLUTION_MM
