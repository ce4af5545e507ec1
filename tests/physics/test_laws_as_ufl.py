# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue laws give the same numbers as arrays and as symbolic expressions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from dolfinx import fem, mesh
from mpi4py import MPI

from imagio_sim.physics.arithmetic import UFL
from imagio_sim.tissue.arithmetic import NUMPY, Arithmetic, smoothstep
from imagio_sim.tissue.enthalpy import Enthalpy, Transition
from imagio_sim.tissue.laws import (
    electrical_conductivity,
    flowing_fraction,
    freezing_conductivity,
    frozen_fraction,
    mean_frozen_fraction,
    moisture,
    perfusion_rate,
    steam_conductivity,
    thermal_conductivity,
)

MATERIAL = Enthalpy((2.0e6, 3.8e6, 0.6e6), (Transition(-8.0, -1.0, 1.6e8), Transition(95.0, 100.0, 1.66e9)))


def sigma(temperature: Any, xp: Arithmetic) -> Any:
    return electrical_conductivity(
        temperature,
        moisture(temperature, vaporisation_start=100.0, vaporisation_width=5.0, xp=xp),
        reference=0.2,
        slope=0.015,
        highest=100.0,
        residual_fraction=1e-3,
        xp=xp,
    )


LAWS: dict[str, Callable[[Any, Arithmetic], Any]] = {
    "electrical conductivity": sigma,
    "thermal conductivity": lambda t, xp: thermal_conductivity(t, reference=0.5, slope=0.002, highest=100.0, xp=xp),
    "ice": lambda t, xp: frozen_fraction(t, freezing_start=-1.0, freezing_width=7.0, xp=xp),
    "freezing conductivity": lambda t, xp: freezing_conductivity(
        mean_frozen_fraction(t, t + 3.0, freezing_start=-1.0, freezing_width=7.0, xp=xp), unfrozen=0.5, rise=1.5
    ),
    "flow in ice": lambda t, xp: flowing_fraction(t, freezing_start=-1.0, perfusion_stop=-2.0, xp=xp),
    "perfusion": lambda t, xp: perfusion_rate(0.01, t / 130.0, shutdown_start=0.7, shutdown_end=0.9, xp=xp),
    "steam": lambda t, xp: steam_conductivity(
        t, t + 3.0, diffusivity=1e-8, latent_heat=1.66e9, vaporisation_start=100.0, vaporisation_width=5.0, xp=xp
    ),
    "smoothstep": lambda t, xp: smoothstep(t, start=42.0, end=43.0, xp=xp),
    "enthalpy": lambda t, xp: MATERIAL.enthalpy(t, xp=xp),
    "apparent heat capacity": lambda t, xp: MATERIAL.heat_capacity_apparent(t, xp=xp),
    "temperature": lambda t, xp: MATERIAL.temperature(t * 1e7, xp=xp),
}


@pytest.mark.parametrize("name", LAWS)
def test_symbolic_and_numeric_laws_agree(name: str) -> None:
    line = mesh.create_interval(MPI.COMM_WORLD, 400, [-20.0, 130.0])
    space = fem.functionspace(line, ("P", 1))
    temperature = fem.Function(space)
    temperature.interpolate(lambda x: x[0] + 0.01)
    result = fem.Function(space)
    result.interpolate(fem.Expression(LAWS[name](temperature, UFL), space.element.interpolation_points()))
    np.testing.assert_allclose(result.x.array, LAWS[name](temperature.x.array, NUMPY), rtol=1e-12, atol=1e-9)


def test_the_exponential_is_the_same_in_both() -> None:
    assert float(UFL.exp(1.5)) == pytest.approx(NUMPY.exp(1.5))
