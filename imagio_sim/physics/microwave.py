# SPDX-License-Identifier: LGPL-3.0-or-later
r"""Microwaves of an axisymmetric antenna: the azimuthal magnetic field H_phi in the r-z half plane.

Fields are peak values that go as exp(+j w t), so that a lossy medium has the relative permittivity
eps = eps' - j sigma / (w eps0). With transverse magnetic symmetry H = H_phi e_phi, and

    curl(1/eps curl H) - k0^2 H = 0,      E = curl H / (j w eps0 eps).

The unknown is u = r H_phi [A], the *circulation* of H over 2 pi, so that

    curl H = (-du/dz, du/dr) / r in (r, z).

In a coaxial line, much narrower than the wave is long, H_phi goes as 1/r and u is constant; elements for H_phi itself
would have to follow 1/r to a small part of (k0 h)^2. The weak form, with v = r V and n the outward normal, is

    int 1/eps curl H . curl V - k0^2 H V  +  int_boundary j w eps0 (n x E)_phi V  =  0,

so a perfect conductor needs no term, and every other boundary states an impedance: (n x E)_phi = Z H.
Complex numbers are pairs (real, imaginary); every form is the real part of the product without conjugation, whose
derivatives with respect to both parts of the test function are the two real equations, and which is symmetric.
``weight`` is 2 pi r. Lengths in m. Source: Pozar, Microwave Engineering (2012), chapters 1 and 3; Jin, The Finite
Element Method in Electromagnetics (2014), chapters 5 and 9.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import ufl

VACUUM_PERMITTIVITY = 8.8541878188e-12
"""[F/m]. Source: CODATA 2022."""
VACUUM_PERMEABILITY = 1.25663706127e-6
"""[H/m]. Source: CODATA 2022."""
LIGHT_SPEED = 299792458.0
"""[m/s]. Source: SI, exact."""
VACUUM_IMPEDANCE = VACUUM_PERMEABILITY * LIGHT_SPEED
"""[ohm]."""

Expression: TypeAlias = Any
"""A UFL expression, or a number where a coefficient is constant."""
Pair: TypeAlias = tuple[Expression, Expression]
"""Real and imaginary part."""


def wave_number(frequency: float) -> float:
    """Wave number k0 [1/m] in vacuum at a frequency [Hz]."""
    return 2.0 * math.pi * frequency / LIGHT_SPEED


def surface_resistance(frequency: float, conductivity: float) -> float:
    """Resistance [ohm] of a metal's surface at a frequency [Hz]: sqrt(w mu0 / 2 sigma), conductivity in S/m.

    Source: Pozar, Microwave Engineering, eq. (1.125).
    """
    return math.sqrt(math.pi * frequency * VACUUM_PERMEABILITY / conductivity)


def line_impedance(inner_radius: float, outer_radius: float, permittivity: float) -> float:
    """Characteristic impedance [ohm] of a line without loss. Source: Pozar, Microwave Engineering, table 2.1."""
    return VACUUM_IMPEDANCE * math.log(outer_radius / inner_radius) / (2.0 * math.pi * math.sqrt(permittivity))


def line_field(power: float, inner_radius: float, outer_radius: float, permittivity: float) -> float:
    """Circulation r H_phi [A] of the transverse wave that carries a power [W] down a coaxial line.

    From power = 1/2 Re int E x H* over the cross-section with E_r = Z H_phi.
    """
    impedance = VACUUM_IMPEDANCE / math.sqrt(permittivity)
    return math.sqrt(power / (math.pi * impedance * math.log(outer_radius / inner_radius)))


def line_attenuation(
    inner_radius: float,
    outer_radius: float,
    permittivity: float,
    *,
    loss_tangent: float,
    conductivity: float,
    frequency: float,
) -> float:
    """Attenuation [1/m] (neper per metre of amplitude) of a coaxial line: loss in both walls and in the dielectric.

    Source: Pozar, Microwave Engineering, example 2.7 and eq. (3.30).
    """
    resistance = surface_resistance(frequency, conductivity)
    own = VACUUM_IMPEDANCE / math.sqrt(permittivity)
    walls = resistance / (2.0 * own * math.log(outer_radius / inner_radius)) * (1.0 / inner_radius + 1.0 / outer_radius)
    return walls + 0.5 * wave_number(frequency) * math.sqrt(permittivity) * loss_tangent


def inverse(permittivity: Pair) -> Pair:
    """1 / eps."""
    real, imaginary = permittivity
    size = real * real + imaginary * imaginary
    return real / size, -imaginary / size


def curl(circulation: Expression, *, radius: Expression) -> Expression:
    """Curl of an azimuthal field given by its real circulation u = r H: components along r and z."""
    return ufl.as_vector((-circulation.dx(1), circulation.dx(0))) / radius


def propagation(
    field: Pair, test: Pair, *, inverse_permittivity: Pair, wave_number: float, radius: Expression, weight: Expression
) -> Expression:
    """Wave propagation in weak form: curl H . curl V / eps - k0^2 H V.

    Parameters
    ----------
    field, test
        Circulations u and v [A]; they vanish on the axis.
    wave_number
        k0 in vacuum [1/m].
    radius
        Distance from the axis [m].
    """
    rotations = curl(field[0], radius=radius), curl(field[1], radius=radius)
    tested = curl(test[0], radius=radius), curl(test[1], radius=radius)
    stiffness = _real_product(inverse_permittivity, rotations, tested)
    return weight * (stiffness - wave_number**2 / radius**2 * _real_product((1.0, 0.0), field, test))


def outgoing(
    field: Pair, test: Pair, *, inverse_index: Pair, wave_number: float, radius: Expression, weight: Expression
) -> Expression:
    """First-order absorbing boundary: what arrives at right angles leaves. For a boundary measure.

    Parameters
    ----------
    inverse_index
        1 / sqrt(eps), with positive real part.

    Notes
    -----
    The impedance of the medium, Z = Z0 / sqrt(eps), stands behind the boundary. On a sphere it is also right for the
    far field, which goes as exp(-jkR)/R: curl H then is jkH. Source: Jin, section 9.2 (first-order condition).
    """
    real, imaginary = inverse_index
    return weight / radius**2 * wave_number * _real_product((-imaginary, real), field, test)


def wall(
    field: Pair, test: Pair, *, resistance: float, wave_number: float, radius: Expression, weight: Expression
) -> Expression:
    """Loss in a metal wall of surface impedance (1 + j) R_s. For a boundary measure.

    Source: Pozar, Microwave Engineering, section 1.7.
    """
    factor = wave_number * resistance / VACUUM_IMPEDANCE
    return weight / radius**2 * _real_product((-factor, factor), field, test)


def feed(
    test: Pair, *, incident: float, permittivity: float, wave_number: float, radius: Expression, weight: Expression
) -> Expression:
    """What the feed line sends in (right-hand side): twice the incident wave, against :func:`outgoing`'s term there.

    Parameters
    ----------
    incident
        Circulation u [A] of the incident transverse wave on the port (:func:`line_field`), real there.
    """
    return weight / radius**2 * (-2.0 * wave_number / math.sqrt(permittivity)) * incident * test[1]


def dissipation(field: Pair, *, permittivity: Pair, frequency: float, radius: Expression) -> Expression:
    """Heat per volume [W/m3]: sigma |E|^2 / 2 = -eps'' |curl H|^2 / (2 w eps0 |eps|^2), for peak values."""
    real, imaginary = permittivity
    size = sum(ufl.inner(rotation, rotation) for rotation in (curl(part, radius=radius) for part in field))
    angular = 2.0 * math.pi * frequency
    return -imaginary * size / (2.0 * angular * VACUUM_PERMITTIVITY * (real * real + imaginary * imaginary))


def radiated(field: Pair, *, inverse_index: Pair, radius: Expression) -> Expression:
    """Power per area [W/m2] that leaves through :func:`outgoing`: Re Z |H|^2 / 2."""
    return 0.5 * VACUUM_IMPEDANCE * inverse_index[0] * (field[0] ** 2 + field[1] ** 2) / radius**2


def _real_product(factor: Pair, first: Pair, second: Pair) -> Expression:
    """Re(factor first second), without conjugation; the dot product where the parts are vectors."""
    real = ufl.inner(first[0], second[0]) - ufl.inner(first[1], second[1])
    imaginary = ufl.inner(first[0], second[1]) + ufl.inner(first[1], second[0])
    return factor[0] * real - factor[1] * imaginary
