# SPDX-License-Identifier: LGPL-3.0-or-later
"""The gate that keeps untreated tissue alive.

No published heat-death law has a stable state at body temperature: left alone at 37 degC, the rate laws kill within
hours and thermal dose adds up.
Every rate of every law is therefore multiplied by a factor that is 0 below 42 degC, 1 above 43 degC and smooth
between; the published constants stay as they are.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.tissue.arithmetic import NUMPY, smoothstep
from imagio_sim.tissue.death.model import Array

GATE_START = 42.0
"""Temperature [degC] up to which no heat death is counted."""

GATE_END = 43.0
"""Temperature [degC] from which the published law holds unchanged."""


def gate(temperature: Array) -> Array:
    """Factor in [0, 1] on the rates at a temperature [degC]."""
    return np.asarray(smoothstep(temperature, start=GATE_START, end=GATE_END, xp=NUMPY))


def gate_integral(temperature: Array) -> Array:
    """Integral of :func:`gate` over temperature [K] from far below to ``temperature`` [degC]."""
    share = np.clip((temperature - GATE_START) / (GATE_END - GATE_START), 0.0, 1.0)
    rising = share**3 * (1.0 - 0.5 * share) * (GATE_END - GATE_START)
    return np.asarray(rising + np.maximum(temperature - GATE_END, 0.0))


def open_time(temperature_start: Array, temperature_end: Array, duration: float) -> Array:
    """Time [s] counted in full over a linear change of temperature [degC]: the integral of the gate."""
    change = temperature_end - temperature_start
    still = np.abs(change) < 1e-6
    middle = gate(0.5 * (temperature_start + temperature_end))
    rise = gate_integral(temperature_end) - gate_integral(temperature_start)
    return duration * np.where(still, middle, rise / np.where(still, 1.0, change))
