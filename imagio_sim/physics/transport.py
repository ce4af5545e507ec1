# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug in tissue: terms of convection, diffusion, exchange with blood, binding and uptake by cells.

    storage + diffusion - convection - source + loss = 0     for drug in the fluid of the interstitium

Concentrations are per volume of interstitial fluid [mol/m3], which is a share phi of the tissue; rates are amounts per
volume of tissue and second [mol/(m3 s)]. The exchange laws take symbols, numbers and arrays alike.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import ufl
from numpy.typing import NDArray

Expression: TypeAlias = Any
Array: TypeAlias = NDArray[np.float64]
"""A UFL expression, or a number or array where a coefficient is one."""


def storage(
    concentration: Expression,
    before: Expression,
    test: Expression,
    *,
    volume_fraction: Expression,
    time_step: Expression,
    weight: Expression,
) -> Expression:
    """Drug stored per time over an implicit step [mol/(m3 s) times test]: phi (c - c_before) / dt."""
    return weight * volume_fraction * (concentration - before) / time_step * test


def diffusion(
    concentration: Expression,
    test: Expression,
    *,
    volume_fraction: Expression,
    diffusivity: Expression,
    weight: Expression,
) -> Expression:
    """Diffusion in weak form: phi D grad c . grad w; D [m2/s] is that in the interstitium. Source: Fick's law."""
    return weight * volume_fraction * diffusivity * ufl.inner(ufl.grad(concentration), ufl.grad(test))


def convection(concentration: Expression, test: Expression, *, velocity: Expression, weight: Expression) -> Expression:
    """Drug carried by the fluid in weak, conservative form: c v . grad w.

    ``velocity`` [m/s] is Darcy's: volume of fluid per area of tissue and time. Nothing is carried through the boundary.
    """
    return weight * concentration * ufl.inner(velocity, ufl.grad(test))


def washout_rate(*, plasma_flow: Expression, permeability_surface: Expression, exp: Any = ufl.exp) -> Expression:
    """Clearance of the interstitium to blood [1/s], flow and wall in series: w (1 - exp(-PS / w)).

    Parameters
    ----------
    plasma_flow
        Volume of plasma per volume of tissue and time w [1/s].
    permeability_surface
        Permeability of the capillary wall times its area per volume of tissue PS [1/s].

    Notes
    -----
    Source: Renkin 1959 (doi 10.1152/ajplegacy.1959.197.6.1205) and Crone 1963. It is PS where blood is fast, and all
    that blood carries where the wall is open; without flow it is zero.
    """
    return plasma_flow * (1.0 - exp(-permeability_surface / plasma_flow))


def clearance_to_blood(plasma_flow: Array | float, permeability_surface: Array | float) -> Array:
    """The same (n,) for arrays [1/s], and zero where no plasma flows."""
    flows = np.asarray(plasma_flow) > 0.0
    flowing = np.where(flows, plasma_flow, 1.0)
    cleared = washout_rate(plasma_flow=flowing, permeability_surface=permeability_surface, exp=np.exp)
    return np.asarray(np.where(flows, cleared, 0.0))


def vascular_exchange(
    concentration: Expression, *, washout_rate: Expression, plasma_concentration: Expression
) -> Expression:
    """Drug gained from blood [mol/(m3 s)]: kappa (c_plasma - c), both the unbound part of it."""
    return washout_rate * (plasma_concentration - concentration)


def binding(
    free: Expression, bound: Expression, *, association_rate: Expression, dissociation_rate: Expression
) -> Expression:
    """Free drug that is bound to protein, per volume of fluid [mol/(m3 s)]: k_a c - k_d b."""
    return association_rate * free - dissociation_rate * bound


def uptake(
    free: Expression, bound: Expression, *, largest_uptake: Expression, half_saturation: Expression
) -> Expression:
    """Drug taken up by cells [mol/(m3 s)]: U (c + b) / (c + b + K_E).

    Parameters
    ----------
    largest_uptake
        U [mol/(m3 s)]: that of one cell times cells per volume of tissue.
    half_saturation
        K_E [mol/m3].

    Notes
    -----
    Source: Eikenberry 2009 (doi 10.1186/1742-4682-6-16), after El-Kareh and Secomb 2000.
    """
    return largest_uptake * (free + bound) / (free + bound + half_saturation)


def efflux(cells: Expression, *, largest_efflux: Expression, half_saturation: Expression) -> Expression:
    """Drug given back by cells [mol/(m3 s)]: U I / (I + K_I), I and K_I [mol/m3] per volume of tissue. Source: ibid."""
    return largest_efflux * cells / (cells + half_saturation)
