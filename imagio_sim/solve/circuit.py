# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generators and electrodes as one small circuit: drives and the conductance matrix in, volts and watts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from imagio_sim.devices.generator import Drive
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.linear import LinearFailure

_ITERATIONS = 200
_SETTLED = 1e-12


@dataclass(frozen=True)
class Output:
    """One generator output: the index of the conductor it drives, and of its return (None: the far ground or pad)."""

    driven: int
    returned: int | None = None


@dataclass(frozen=True, eq=False)
class CircuitState:
    """Voltages of all conductors (n,) [V]; per output its voltage [V], current [A] and power [W]."""

    conductor_voltages: Floats
    voltages: Floats
    currents: Floats
    powers: Floats


def solve_circuit(conductance: Floats, outputs: Sequence[Output], drives: Sequence[Drive]) -> CircuitState:
    """Voltages at which every generator holds what it is set to, within its limits.

    Conductors whose output is off float (no net current). Outputs that are on at the same time are in phase.
    """
    active = [number for number, drive in enumerate(drives) if drive.kind != "off" and drive.value > 0.0]
    count = len(outputs)
    if not active:
        return CircuitState(np.zeros(len(conductance)), np.zeros(count), np.zeros(count), np.zeros(count))
    response = _response(conductance, [outputs[number] for number in active])
    admittance = (conductance @ response)[[outputs[number].driven for number in active]]
    amplitude = _amplitudes(admittance, [drives[number] for number in active])
    voltages, currents = np.zeros(count), np.zeros(count)
    voltages[active], currents[active] = amplitude, admittance @ amplitude
    return CircuitState(response @ amplitude, voltages, currents, voltages * currents)


def _response(conductance: Floats, outputs: Sequence[Output]) -> Floats:
    """Conductor voltages (n, outputs) per volt of each output, the others at zero volts."""
    system, right = conductance.copy(), np.zeros((len(conductance), len(outputs)))
    for number, output in enumerate(outputs):
        system[output.driven] = 0.0
        system[output.driven, output.driven] = 1.0
        right[output.driven, number] = 1.0
        if output.returned is not None:
            system[output.driven, output.returned] = -1.0
            system[output.returned] = conductance[output.driven] + conductance[output.returned]
    return np.asarray(np.linalg.solve(system, right))


def _amplitudes(admittance: Floats, drives: Sequence[Drive]) -> Floats:
    """Output voltages (outputs,) that fulfil every drive; each is set against the others in turn until all settle."""
    amplitude = np.zeros(len(drives))
    for _ in range(_ITERATIONS):
        before = amplitude.copy()
        for number, drive in enumerate(drives):
            own = admittance[number, number]
            induced = admittance[number] @ amplitude - own * amplitude[number]
            amplitude[number] = _voltage(drive, float(own), float(induced))
        if np.abs(amplitude - before).max() <= _SETTLED * np.abs(amplitude).max():
            return amplitude
    raise LinearFailure("the generators did not settle against each other")


def _voltage(drive: Drive, own: float, induced: float) -> float:
    """Voltage [V] that gives an output its setting, or the first limit it meets.

    ``own`` is its conductance [S]; the others drive ``induced`` [A] through it when it is at zero volts. Of the two
    voltages with the same power it is the one at which the output gives power and does not take it.
    """

    def of_current(current: float) -> float:
        return (current - induced) / own

    def of_power(power: float) -> float:
        return (sqrt(induced**2 + 4.0 * own * power) - induced) / (2.0 * own)

    limits = drive.limits
    wanted = drive.value
    if drive.kind != "voltage":
        wanted = (of_power if drive.kind == "power" else of_current)(drive.value)
    return min(wanted, limits.voltage_V, of_current(limits.current_A), of_power(limits.power_W))
