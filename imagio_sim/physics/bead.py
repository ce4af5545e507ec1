# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads that give a drug to the fluid around them: ion exchange, and diffusion out of a sphere.

**Ion exchange.** A bead's sites hold drug against the salt of the fluid. At the salt of body fluid the load in
equilibrium with a free concentration C is Langmuir's, and the load M approaches it by first order:

    dM/dt = -k (M - M_eq(C)),     M_eq(C) = Q C / (C + C_h).

Load, sites Q and rates below may be per volume of beads, per volume of tissue or per bead, as long as all are alike.
Between the beads' surface, where the fluid has the concentration C_s, and the mean C of the tissue stands the tissue
itself, which lets H (C_s - C) pass [H in 1/s when amounts are per volume of tissue].

:func:`release_rate` is the rate with both, for tissue whose fluid is known at some distance from the beads; it is a
closed form, point by point.

All are written for numbers, arrays and UFL expressions alike, except the series. Concentrations in mol/m3, times in s.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imagio_sim.tissue.arithmetic import Operand

Array: TypeAlias = NDArray[np.float64]

Shape: TypeAlias = Literal["sphere", "cylinder"]
"""A single bead in its share of tissue, or a vessel full of beads in its."""

_SERIES_TERMS = 50
# Below this Fourier number the short-time form is exact to rounding.
_EARLY = 0.02


def equilibrium_load(concentration: Operand, *, capacity: Operand, half_saturation: Operand) -> Operand:
    """Load in equilibrium with a free concentration, in the unit of ``capacity``: Langmuir's isotherm.

    With one exchanging ion that is in excess the mass-action law of ion exchange has this form, and
    ``half_saturation`` is proportional to the salt of the fluid.
    """
    return capacity * concentration / (concentration + half_saturation)


def equilibrium_concentration(load: Operand, *, capacity: Operand, half_saturation: Operand) -> Operand:
    """Free concentration [mol/m3] in equilibrium with a load below the capacity; inverse of the above."""
    return half_saturation * load / (capacity - load)


def exchange_flux(
    load: Operand, concentration: Operand, *, capacity: Operand, half_saturation: Operand, exchange_rate: Operand
) -> Operand:
    """Rate at which beads lose drug to fluid of a concentration at their surface, in ``load`` per second."""
    bound = equilibrium_load(concentration, capacity=capacity, half_saturation=half_saturation)
    return exchange_rate * (load - bound)


def radial_weight(radius: Operand, shape: Shape) -> Operand:
    """Volume per length along the radius [m2, or m along a vessel]: 4 pi r^2 or 2 pi r."""
    return 4.0 * np.pi * radius**2 if shape == "sphere" else 2.0 * np.pi * radius


def exchange_rate_of(
    rate: float, *, half_saturation: float, capacity: float, other_half_saturation: float, other_capacity: float
) -> float:
    """Rate k [1/s] of another drug in the same beads, from the one that is known.

    Drug moves through a bead's pores as far as it is free, so that what is held more tightly moves more slowly:
    k is proportional to C_h / Q, the free share at low load (diffusion with binding; linear driving force of Glueckauf
    1955). The pores' diffusivity is taken as the same for both.
    """
    return rate * (other_half_saturation / other_capacity) / (half_saturation / capacity)


def release_rate(
    load: Operand,
    concentration: Operand,
    *,
    capacity: Operand,
    half_saturation: Operand,
    exchange_rate: Operand,
    transfer_rate: Operand,
) -> Operand:
    """Rate at which beads lose drug to the tissue [mol/(m3 s)]; negative where they take it up.

    Parameters
    ----------
    load, capacity
        Drug in the beads and their sites, M and Q [mol per m3 of tissue], 0 <= load <= capacity; both zero without
        beads.
    concentration
        Free drug C in the interstitial fluid, as far from the beads as H says [mol/m3 of fluid].
    half_saturation
        C_h [mol/m3].
    exchange_rate
        k [1/s].
    transfer_rate
        H [1/s], what the tissue around the beads lets pass per difference in concentration, per volume of tissue.

    Notes
    -----
    The concentration C_s at the surface follows from k (M - M_eq(C_s)) = H (C_s - C): a quadratic in the rate r,

        r^2 / (k H) + r ((C + C_h) / k + (Q - M) / H) + Q C - M (C + C_h) = 0,

    whose root of smaller magnitude is meant.
    """
    quadratic = 1.0 / (exchange_rate * transfer_rate)
    linear = (concentration + half_saturation) / exchange_rate + (capacity - load) / transfer_rate
    constant = capacity * concentration - load * (concentration + half_saturation)
    return _root(quadratic, linear, constant)


def _root(quadratic: Operand, linear: Operand, constant: Operand) -> Operand:
    """Root of smaller magnitude of a x^2 + b x + c = 0 with a, b > 0, without cancellation."""
    return -2.0 * constant / (linear + (linear**2 - 4.0 * quadratic * constant) ** 0.5)


def linear_driving_force_rate(*, radius: float, diffusivity: float) -> float:
    """Rate k [1/s] with which a sphere that drug diffuses out of approaches equilibrium by first order: 15 D / R^2.

    It gives what :func:`fickian_released_share` does in the mean, too little at first and too much later
    (source: Glueckauf 1955). ``radius`` [m], ``diffusivity`` in the sphere [m2/s].
    """
    return 15.0 * diffusivity / radius**2


def bath_equilibrium_share(*, filling: float, bath_ratio: float, half_saturation: float, capacity: float) -> float:
    """Share of the load that beads have given to a closed bath in the end.

    Parameters
    ----------
    filling
        Load at the start relative to the capacity, 0 to 1.
    bath_ratio
        Volume of the bath relative to that of the beads.
    half_saturation, capacity
        C_h and Q [mol/m3], the latter per volume of beads.
    """
    # x, the amount given relative to the capacity: (filling - x) (x + h) = x with h = C_h B / Q
    h = half_saturation * bath_ratio / capacity
    given = _root(1.0, 1.0 + h - filling, -filling * h)
    return float(given / filling)


def bath_half_saturation(*, released_share: float, filling: float, bath_ratio: float, capacity: float) -> float:
    """Half saturation [mol/m3] of beads that give a share of their load to a closed bath; inverse of the above."""
    concentration = released_share * filling * capacity / bath_ratio
    left = (1.0 - released_share) * filling
    return concentration * (1.0 - left) / left


def fickian_released_share(time: Array, *, radius: float, diffusivity: float) -> Array:
    """Share of its drug that a uniformly loaded sphere in a well-stirred large bath has given (n,).

    Parameters
    ----------
    time
        (n,) [s], >= 0.
    radius, diffusivity
        Of the sphere [m] and of the drug in it [m2/s].

    Notes
    -----
    1 - 6 / pi^2 sum_j exp(-j^2 pi^2 D t / R^2) / j^2; at early times, where the series converges slowly, its
    complement 6 sqrt(D t / (pi R^2)) - 3 D t / R^2. Source: Crank 1975, The Mathematics of Diffusion, eqs. 6.20, 6.21.
    """
    fourier = np.asarray(diffusivity * time / radius**2)
    j = np.arange(1, _SERIES_TERMS + 1)[:, None]
    late = 1.0 - 6.0 / np.pi**2 * np.sum(np.exp(-(j**2) * np.pi**2 * fourier) / j**2, axis=0)
    early = 6.0 * np.sqrt(fourier / np.pi) - 3.0 * fourier
    return np.where(fourier < _EARLY, early, late)
