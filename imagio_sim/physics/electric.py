# SPDX-License-Identifier: LGPL-3.0-or-later
"""Quasi-static electric field in tissue: div(sigma grad phi) = 0 and the heat it makes.

Displacement currents are left out. They flow a quarter of a period off the conduction current and make no heat; with
the permittivity of liver at 500 kHz they raise the magnitude of the total current by about a tenth.
Lengths in m, potential in V (rms), conductivity in S/m.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import ufl

Expression: TypeAlias = Any
"""A UFL expression, or a number where a coefficient is constant."""


def conduction(
    potential: Expression, test: Expression, *, electrical_conductivity: Expression, weight: Expression
) -> Expression:
    """Conserve current, in weak form: sigma grad phi . grad v. Source: Ohm's law."""
    return weight * electrical_conductivity * ufl.inner(ufl.grad(potential), ufl.grad(test))


def joule_heat(potential: Expression, *, electrical_conductivity: Expression) -> Expression:
    """Heat per volume [W/m3]: sigma |grad phi|^2, for a potential in V rms.

    Its integral with the weight and the quadrature of the heat source is the power; with any other it is not.
    """
    return electrical_conductivity * ufl.inner(ufl.grad(potential), ufl.grad(potential))


def remote_ground(
    potential: Expression,
    test: Expression,
    *,
    electrical_conductivity: Expression,
    position: Expression,
    normal: Expression,
    centre: Expression,
    weight: Expression,
) -> Expression:
    """Let current leave through the region's surface to a ground far away. For a surface measure.

    Parameters
    ----------
    position, normal
        Point x [m] and outward unit normal n on the surface.
    centre
        Centre x_c [m] of the electrodes that share the return path; on the axis in the r-z half plane.

    Notes
    -----
    Outside, tissue is taken as uniform and the field as that of a point: phi = c / |x - x_c|. Then
    grad phi = -phi (x - x_c) / |x - x_c|^2, so that on a surface of any shape

        sigma dphi/dn = -sigma phi n . (x - x_c) / |x - x_c|^2,

    and the weak form gains + sigma phi v n . (x - x_c) / |x - x_c|^2. On a sphere about x_c it is phi / |x - x_c|.
    With ``test = potential`` the integral is the power [W] deposited between the surface and the ground.

    Valid where current leaves the region to a distant pad. Electrodes whose currents cancel (a bipolar pair
    without a pad) leave a dipole field, which falls as 1 / r^2; then the condition understates the flux by half, on
    a potential that is small there.
    """
    arm = position - centre
    return weight * electrical_conductivity * potential * test * ufl.dot(normal, arm) / ufl.dot(arm, arm)
