# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fluid of the interstitium: terms of Darcy flow that is fed by capillaries and drained by lymph.

    seepage - filtration + drainage = 0

Lengths in m, pressures in Pa, flows in m3 of fluid per m3 of tissue and second.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import ufl

Expression: TypeAlias = Any
"""A UFL expression, or a number where a coefficient is constant."""


def seepage(
    pressure: Expression, test: Expression, *, hydraulic_conductivity: Expression, weight: Expression
) -> Expression:
    """Darcy flow in weak form: K grad p . grad q, K in m2/(Pa s). Source: Darcy's law."""
    return weight * hydraulic_conductivity * ufl.inner(ufl.grad(pressure), ufl.grad(test))


def darcy_velocity(pressure: Expression, *, hydraulic_conductivity: Expression) -> Expression:
    """Volume of fluid per area of tissue and time [m/s]: -K grad p."""
    return -hydraulic_conductivity * ufl.grad(pressure)


def filtration_pressure(
    *,
    capillary_pressure: Expression,
    oncotic_reflection: Expression,
    plasma_oncotic_pressure: Expression,
    interstitial_oncotic_pressure: Expression,
) -> Expression:
    """Interstitial pressure [Pa] at which capillaries lose no fluid: p_v - sigma (pi_v - pi_i). Source: Starling."""
    return capillary_pressure - oncotic_reflection * (plasma_oncotic_pressure - interstitial_oncotic_pressure)


def filtration(
    pressure: Expression,
    test: Expression,
    *,
    filtration_conductance: Expression,
    filtration_pressure: Expression,
    weight: Expression,
) -> Expression:
    """Fluid from the capillaries [1/s times test]: L_p S/V (p_f - p).

    Parameters
    ----------
    filtration_conductance
        L_p S/V [1/(Pa s)]: hydraulic permeability of capillary walls times their area per volume of tissue.
    filtration_pressure
        See :func:`filtration_pressure` [Pa].

    Notes
    -----
    Source: Starling's law as used by Baxter and Jain 1989 (doi 10.1016/0026-2862(89)90074-5).
    """
    return weight * filtration_conductance * (filtration_pressure - pressure) * test


def drainage(
    pressure: Expression,
    test: Expression,
    *,
    lymphatic_conductance: Expression,
    lymph_pressure: Expression,
    weight: Expression,
) -> Expression:
    """Fluid to the lymph [1/s times test]: L (p - p_l), while the interstitial pressure is the higher one.

    Source: Baxter and Jain 1990 (doi 10.1016/0026-2862(90)90023-K).
    """
    return weight * lymphatic_conductance * (pressure - lymph_pressure) * test
