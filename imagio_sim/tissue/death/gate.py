# SPDX-License-Identifier: LGPL-3.0-or-later
"""The gate that keeps untreated tissue alive.

No published heat-death law has a stable state at body temperature: left alone at 37 degC, the rate laws kill within
hours and thermal dose adds up.
Every rate of every law is therefore multiplied by a factor that is 0 below 42 degC, 1 above 43 degC and smooth
between (``constants.yaml``); the published constants stay as they are.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from imagio_sim.tissue.arithmetic import NUMPY, smoothstep
from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.death.model import Array


@cache
def gate_range() -> tuple[float, float]:
    """Temperatures [degC] up to which no heat death is counted, and from which the published laws hold unchanged."""
    constants = load_constants()
    return constants["heat_death_gate_start"].value, constants["heat_death_gate_end"].value


def gate(temperature: Array) -> Array:
    """Factor in [0, 1] on the rates at a temperature [degC]."""
    start, end = gate_range()
    return np.asarray(smoothstep(temperature, start=start, end=end, xp=NUMPY))


def gate_integral(temperature: Array) -> Array:
    """Integral of :func:`gate` over temperature [K] from far below to ``temperature`` [degC]."""
    start, end = gate_range()
    share = np.clip((temperature - start) / (end - start), 0.0, 1.0)
    rising = share**3 * (1.0 - 0.5 * share) * (end - start)
    return np.asarray(rising + np.maximum(temperature - end, 0.0))


def open_time(temperature_start: Array, temperature_end: Array, duration: float) -> Array:
    """Time [s] counted in full over a linear change of temperature [degC]: the integral of the gate."""
    change = temperature_end - temperature_start
    still = np.abs(change) < 1e-6
    middle = gate(0.5 * (temperature_start + temperature_end))
    rise = gate_integral(temperature_end) - gate_integral(temperature_start)
    return duration * np.where(still, middle, rise / np.where(still, 1.0, change))
