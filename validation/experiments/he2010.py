# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave zones of He et al. 2010 in excised pig and living dog liver (MW01 to MW03).

The antennas are not described and their frequency is not stated. One number, the share of the set power that reaches
the antenna, is fitted to the 40 W row in excised liver for each antenna of the library that stands for the unknown one;
all other rows are predicted with it. It stands in place of the library's own share, which is that of another cable.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.library import load_device
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from validation.experiments.bench import Bench, Burned, burned

MINUTES = (6.0, 8.0, 10.0, 12.0, 14.0, 16.0)
CALIBRATION_POWER = 40.0
SHARES = (0.6, 0.8, 1.0)
"""Candidates for the share of the set power that reaches the antenna."""


def excised(antenna: str, watt: float, minutes: Sequence[float] = MINUTES) -> Burned:
    """A burn in excised liver from the temperature of a room, with the zones at all times [min]."""
    program = {"mode": "constant_power", "power": f"{watt} W", "duration": f"{max(minutes)} min"}
    times = [60.0 * one for one in minutes]
    return burned(Bench(antenna, program, excised=True, body_temperature=20.0), times)


def widths(burn: Burned, minutes: Sequence[float] = MINUTES) -> NDArray[np.float64]:
    """Across the antenna [mm] at all times [min]."""
    return np.array([burn.size_at(60.0 * one).across_mm for one in minutes])


def root_mean_square(found: NDArray[np.float64], measured: Sequence[float]) -> float:
    """Of the deviations."""
    return float(np.sqrt(np.mean((found - np.asarray(measured)) ** 2)))


@cache
def efficiency(antenna: str, measured: tuple[float, ...]) -> float:
    """By what to multiply the set power so that the share of it that reaches the antenna fits the row at 40 W best."""
    device = load_device(antenna)
    assert isinstance(device, MicrowaveDevice)
    factors = [share / device.antenna.line.transmission.value for share in SHARES]
    errors = [root_mean_square(widths(excised(antenna, factor * CALIBRATION_POWER)), measured) for factor in factors]
    return factors[int(np.argmin(errors))]
