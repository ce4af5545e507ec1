# SPDX-License-Identifier: LGPL-3.0-or-later
"""Blood that flows along a vessel and exchanges heat with its wall: correlations and their superposition.

The blood is quasi-steady (it passes the region within seconds) and described by its mixing-cup temperature T_b(x):
``C dT_b = dq`` with the flow's heat-capacity rate C = rho c Q [W/K]. After a step of the wall temperature at x = 0, T_b
has taken on the share ``S(z) = 1 - exp(-4 Nu(z) z)`` of that step at the Graetz length z = pi alpha x / (4 Q), where Nu
is the Nusselt number averaged from 0 to x. The flow's temperature is linear in that of the wall, so any course of the
wall temperature is a sum of steps (Duhamel): the thermal entrance begins wherever the wall begins to change.

Neither z nor S depends on the vessel's diameter (Chato 1980: the Graetz number is the controlling parameter).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LARGEST_LAMINAR_REYNOLDS = 2300.0
"""Flow in a pipe is laminar below this Reynolds number."""

# Mean Nusselt number from the beginning of a heated wall (VDI Heat Atlas, chapter G1): the cubes of three limits added.
_DEVELOPED, _BETWEEN, _ENTRANCE = 3.66, 0.7, 1.615
# A Graetz length after which blood has taken on nothing; Nu is infinite at zero.
_NOTHING = 1e-30


def reynolds_number(flow: float, radius: ArrayLike, kinematic_viscosity: float) -> Floats:
    """Reynolds number of a flow [m3/s] in a pipe of a radius [m], viscosity [m2/s]."""
    return np.asarray(2.0 * flow / (np.pi * np.asarray(radius) * kinematic_viscosity))


def graetz_length(length: ArrayLike, flow: float, diffusivity: float) -> Floats:
    """Length [m] along a vessel over diameter and Peclet number, z = pi alpha x / (4 Q); the inverse Graetz number."""
    return np.asarray(np.pi * diffusivity * np.asarray(length) / (4.0 * flow))


def laminar_nusselt(graetz: ArrayLike) -> Floats:
    """Nusselt number averaged over a wall of constant temperature up to a Graetz length, developed laminar flow.

    Gnielinski in the VDI Heat Atlas; within 1 % of the Graetz solution. 3.66 far from the beginning.
    """
    entrance = _ENTRANCE / np.cbrt(graetz) - _BETWEEN
    return np.asarray(np.cbrt(_DEVELOPED**3 + _BETWEEN**3 + entrance**3))


def turbulent_nusselt(reynolds: ArrayLike, prandtl: float) -> Floats:
    """Nusselt number of developed turbulent flow in a smooth pipe, 3000 < Re < 5e6.

    Gnielinski 1976, with Petukhov's friction factor.
    """
    number = np.asarray(reynolds, float)
    eighth = (0.790 * np.log(number) - 1.64) ** -2 / 8.0
    transfer = eighth * (number - 1000.0) * prandtl
    return np.asarray(transfer / (1.0 + 12.7 * np.sqrt(eighth) * (prandtl ** (2.0 / 3.0) - 1.0)))


def share_taken(graetz: ArrayLike, nusselt: float | None = None) -> Floats:
    """Share S of a step of the wall temperature that the blood has taken on after a Graetz length (0: none, inf: all).

    ``nusselt`` is that of turbulent flow; None is laminar.
    """
    z = np.asarray(graetz, float)
    if nusselt is not None:
        return np.asarray(-np.expm1(-4.0 * nusselt * z))
    return np.asarray(-np.expm1(-4.0 * laminar_nusselt(np.maximum(z, _NOTHING)) * z))


def shell_conductance(conductivity: ArrayLike, length: ArrayLike, inner: ArrayLike, outer: ArrayLike) -> Floats:
    """Conductance [W/K] of the tissue between two cylinders about a vessel (radii [m]); infinite where they are one."""
    ratio = np.log(np.asarray(outer, float) / np.asarray(inner, float))
    with np.errstate(divide="ignore"):
        return np.asarray(2.0 * np.pi * np.asarray(conductivity) * np.asarray(length) / ratio)


@dataclass(frozen=True, eq=False)
class LineResponse:
    """What the blood of one vessel is like, as means of what surrounds it.

    With the tissue temperatures (m,) outside the wall of each segment, those (m,) of the lumen's own nodes and that of
    the inlet stacked as ``u`` (2 m + 1,):

    Attributes
    ----------
    reference
        (m, 2 m + 1): ``reference @ u`` is the temperature that each segment's wall sees.
    bulk
        (m + 1, 2 m + 1): ``bulk @ u`` is the mixing-cup temperature at the ends of the segments.
    wall_conductance
        Heat per kelvin (m,) [W/K] between the tissue outside and ``reference``.
    lumen_conductance
        Heat per kelvin (m,) [W/K] between the lumen's nodes and ``bulk`` at the segment's beginning, where they mix.
    """

    reference: Floats
    bulk: Floats
    wall_conductance: Floats
    lumen_conductance: Floats


def line_response(
    graetz: Floats, capacity_rate: float, *, contact: Floats, lumen: Floats, nusselt: float | None = None
) -> LineResponse:
    """Superpose the responses of the blood to the wall temperatures of a vessel's segments.

    Every row of the result is a mean (no negative weights, sum 1), so blood is never hotter than the hottest tissue it
    has met, and ``C (bulk[-1] - inlet)`` is what its walls and its lumen gave: exact for any segment length.

    Parameters
    ----------
    graetz
        Graetz length (m + 1,) of the segments' ends, increasing.
    capacity_rate
        C [W/K].
    contact
        Share (m,) of the blood side's conductance that is left by what lies between wall and tissue temperature
        (1: the tissue temperature is the wall's; 0: no contact).
    lumen
        Heat per kelvin (m,) [W/K] that flow takes from the lumen's own nodes.
    nusselt
        Of turbulent flow, see :func:`share_taken`.
    """
    segments = len(graetz) - 1
    taken = share_taken(np.maximum(graetz[:, None] - graetz[None, :], 0.0), nusselt)
    step = taken[:, :-1] - taken[:, 1:]  # [j, k]: what the end j has of the wall between k and k + 1
    own = np.diagonal(taken[1:, :-1])
    mixed = -np.expm1(-lumen / capacity_rate)
    inlet = np.zeros(2 * segments + 1)
    inlet[-1] = 1.0
    base, above = inlet, np.zeros((segments, len(inlet)))
    reference, bulk = np.empty((segments, len(inlet))), np.empty((segments + 1, len(inlet)))
    for j in range(segments):
        bulk[j] = base + step[j, :j] @ above[:j]
        base, above[:j] = (1.0 - mixed[j]) * base, (1.0 - mixed[j]) * above[:j]
        base[segments + j] += mixed[j]
        reference[j] = base + (step[j, :j] - step[j + 1, :j]) @ above[:j] / own[j]
        wall = (1.0 - contact[j]) * reference[j]
        wall[j] += contact[j]
        above[j] = wall - base
    bulk[segments] = base + step[segments] @ above
    return LineResponse(reference, bulk, capacity_rate * own * contact, capacity_rate * mixed)
