# SPDX-License-Identifier: LGPL-3.0-or-later
"""Heat in perfused tissue: terms of the Pennes equation in enthalpy form.

    storage + conduction - perfusion - source - surface exchange = 0

Storage and conduction stand on the left; the other terms are heat gained by the tissue and stand on the right.
Lengths in m, temperatures in degC, powers in W.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import ufl

Expression: TypeAlias = Any
"""A UFL expression, or a number where a coefficient is constant."""


def heat_storage(
    enthalpy: Expression, enthalpy_before: Expression, test: Expression, *, time_step: Expression, weight: Expression
) -> Expression:
    """Heat stored per time over an implicit step [W/m3 times test]: (H - H_before) / dt.

    Parameters
    ----------
    enthalpy, enthalpy_before
        Volumetric enthalpy [J/m3] at the end and at the start of the step.
    time_step
        [s].
    """
    return weight * (enthalpy - enthalpy_before) / time_step * test


def conduction(
    temperature: Expression, test: Expression, *, thermal_conductivity: Expression, weight: Expression
) -> Expression:
    """Heat conduction in weak form: k grad T . grad v. Source: Fourier's law."""
    return weight * thermal_conductivity * ufl.inner(ufl.grad(temperature), ufl.grad(test))


def pennes_sink(
    temperature: Expression,
    test: Expression,
    *,
    perfusion_rate: Expression,
    blood_heat_capacity: Expression,
    arterial_temperature: Expression,
    weight: Expression,
) -> Expression:
    """Heat carried in by blood [W/m3 times test]: w rho_b c_b (T_a - T); negative where tissue is hotter.

    Parameters
    ----------
    perfusion_rate
        Volume of blood per volume of tissue and time [1/s].
    blood_heat_capacity
        Volumetric heat capacity of blood [J/(m3 K)].
    arterial_temperature
        [degC].

    Notes
    -----
    Source: Pennes 1948 (doi 10.1152/jappl.1948.1.2.93). With the wall exchange coefficient times wall area per
    volume [W/(m3 K)] in place of w rho_b c_b the same term describes a vessel's wall.
    """
    return weight * perfusion_rate * blood_heat_capacity * (arterial_temperature - temperature) * test


def volumetric_source(power_density: Expression, test: Expression, *, weight: Expression) -> Expression:
    """Heat deposited or produced [W/m3 times test], from a device or by metabolism."""
    return weight * power_density * test


def surface_exchange(
    temperature: Expression,
    test: Expression,
    *,
    heat_transfer_coefficient: Expression,
    outside_temperature: Expression,
    weight: Expression,
) -> Expression:
    """Heat gained through a surface [W/m2 times test]: h (T_out - T). For a surface measure.

    Parameters
    ----------
    heat_transfer_coefficient
        [W/(m2 K)]; of a cooled applicator, of skin to air, of a vessel's wall.
    outside_temperature
        Of coolant, air or blood [degC].

    Notes
    -----
    Source: Newton's law of cooling.
    """
    return weight * heat_transfer_coefficient * (outside_temperature - temperature) * test
