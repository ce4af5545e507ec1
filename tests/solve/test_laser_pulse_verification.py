# SPDX-License-Identifier: LGPL-3.0-or-later
"""The heat of a short laser pulse in perfused tissue against its Green function (AN09)."""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad_vec
from scipy.special import erfc

from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.solve.discretisation import EdgeOperators
from imagio_sim.solve.heat import Exchange, HeatProblem
from tests.solve.conftest import Floats, LinearEnthalpy, discretised, norm, observed_order

PULSE, END = 0.3, 5.0
"""Length of the pulse and time of comparison [s]."""
DIFFUSIVITY, PERFUSION, ABSORPTION, RADIUS = 0.12e-6, 0.0013, 60.0, 4.5e-3
"""[m2/s], [1/s], [1/m] and radius of the beam at 1/e2 [m]."""
STRENGTH = 350e-6
"""Rise per time times half the squared radius [K m2/s]."""
HEAT_CAPACITY = 3.8e6
BEFORE_MM, AFTER_MM, WIDE_MM = 8.0, 20.0, 20.0
"""Tissue before and behind the plane where the light begins, and radius of the mesh."""
SEEN_MM = 14.0
"""Depth down to which it is compared: the mesh ends in light, which the closed form does not."""


def rise_rate(r: Floats, z: Floats) -> Floats:
    """Heat of the pulse over heat capacity [K/s]: a Gaussian beam that is absorbed from z = 0 on."""
    shape = np.exp(-2.0 * (r / RADIUS) ** 2 - ABSORPTION * z)
    return np.asarray(np.where(z > 0.0, 2.0 * STRENGTH / RADIUS**2 * shape, 0.0))


def closed_form(r: Floats, z: Floats) -> Floats:
    """Rise [K] at the end: every moment of the pulse spreads for as long as it is ago, and blood takes its share."""

    def left_of(moment: float) -> Floats:
        spread = DIFFUSIVITY * (END - moment)
        width = RADIUS**2 + 8.0 * spread
        across = np.exp(-PERFUSION * (END - moment) - 2.0 * r**2 / width) / width
        along = np.exp(ABSORPTION**2 * spread - ABSORPTION * z)
        return np.asarray(across * along * erfc((2.0 * spread * ABSORPTION - z) / np.sqrt(4.0 * spread)))

    return np.asarray(STRENGTH * quad_vec(left_of, 0.0, PULSE)[0])


def deviation(n: int) -> tuple[float, float]:
    """Of the rise down to the depth that is compared: its L2 norm [K], and the largest over the largest rise.

    Cells of 1/n mm.
    """
    height = BEFORE_MM + AFTER_MM
    domain = half_plane(WIDE_MM, height, int(n * WIDE_MM), int(n * height))
    space = discretised(domain)
    operators = EdgeOperators(space)
    r, z = space.points[:, 0], space.points[:, 1] - 1e-3 * BEFORE_MM
    middles = np.stack([r, z])[:, space.cells].mean(axis=2)
    volume = operators.distributed(np.ones(space.cell_count))
    problem = HeatProblem(
        operators,
        LinearEnthalpy(volume * HEAT_CAPACITY),
        fixed_nodes=np.array([], dtype=np.int32),
        fixed_temperature=0.0,
        tolerance=1e-12,
        nonlinear_tolerance=1e-9,
    )
    rise, load = np.zeros(space.count), operators.distributed(HEAT_CAPACITY * rise_rate(*middles))
    conductivity = np.full(space.cell_count, DIFFUSIVITY * HEAT_CAPACITY)
    blood = {"blood": Exchange(volume * PERFUSION * HEAT_CAPACITY, 0.0)}
    for duration, heat in [(PULSE / (3 * n), load)] * 3 * n + [((END - PULSE) / (12 * n), 0.0 * load)] * 12 * n:
        step = problem.step(rise, duration, guesses=[rise, rise], conductivity=conductivity, exchanges=blood, load=heat)
        rise = step.temperature
    exact = closed_form(r, z)
    apart = np.where(z <= 1e-3 * SEEN_MM, rise - exact, 0.0)
    return norm(space, volume, apart), float(np.abs(apart).max() / exact.max())


def test_heat_of_a_pulse_spreads_as_the_green_function_says() -> None:
    found = [deviation(n) for n in (1, 2, 4)]
    assert 1.8 <= observed_order([one[0] for one in found]) <= 2.2
    assert found[-1][1] < 0.01
