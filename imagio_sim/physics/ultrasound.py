# SPDX-License-Identifier: LGPL-3.0-or-later
"""Linear ultrasound of one frequency: waves, interfaces, heat, and the closed forms of a focused bowl.

Pressures are complex amplitudes of exp(-i omega t), so that a wave running along +z is exp(i k z) and an absorbing
medium has a wave number with a positive imaginary part. All in SI units; attenuation is that of the amplitude [Np/m].
Tissue is a fluid here: it carries no shear waves, which limits what is said about bone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

REFERENCE_FREQUENCY = 0.5e6
"""Frequency [Hz] at which the attenuation of tissue is tabulated (``acoustic_attenuation_500_khz``)."""

# First arguments where 2 J1(x) / x and sin(x) / x have fallen to the square root of a half (half the intensity).
_DISC_HALF_POWER = 1.6163399561
_SINC_HALF_POWER = 1.3915573782


def attenuation(reference_attenuation: ArrayLike, exponent: ArrayLike, *, frequency: float) -> Floats:
    """Attenuation [Np/m] at a frequency [Hz]: alpha_ref (f / 0.5 MHz)^n.

    Parameters
    ----------
    reference_attenuation
        At :data:`REFERENCE_FREQUENCY` [Np/m].
    exponent
        n of the power law, about 1 in tissue and 2 in water.
    """
    ratio = frequency / REFERENCE_FREQUENCY
    return np.asarray(np.asarray(reference_attenuation) * ratio ** np.asarray(exponent), dtype=float)


def wave_number(sound_speed: ArrayLike, attenuation_at: ArrayLike, *, frequency: float) -> Complexes:
    """Complex wave number [1/m]: omega / c + i alpha; dispersion is left out."""
    return 2.0 * np.pi * frequency / np.asarray(sound_speed) + 1j * np.asarray(attenuation_at)


def reflection(admittance_before: ArrayLike, admittance_after: ArrayLike) -> NDArray[np.complex128]:
    """Reflected over incident pressure at a plane interface between fluids; the transmitted one is 1 + this.

    Parameters
    ----------
    admittance_before, admittance_after
        k_z / rho on either side, with k_z the wave number across the interface (cos(theta) omega / c). At normal
        incidence it is omega over the characteristic impedance rho c.

    Notes
    -----
    Source: Snell's law and continuity of pressure and normal velocity (Brekhovskikh, Waves in layered media, 1980).
    """
    before, after = np.asarray(admittance_before, complex), np.asarray(admittance_after, complex)
    return np.asarray((before - after) / (before + after))


def intensity(pressure: ArrayLike, *, density: ArrayLike, sound_speed: ArrayLike) -> Floats:
    """Time-averaged intensity [W/m2] of a plane wave of this pressure amplitude [Pa]: |p|^2 / (2 rho c)."""
    return np.asarray(np.abs(pressure) ** 2 / (2.0 * np.asarray(density) * np.asarray(sound_speed)))


def heat_deposition(
    pressure: ArrayLike, *, attenuation_at: ArrayLike, density: ArrayLike, sound_speed: ArrayLike
) -> Floats:
    """Heat per volume [W/m3]: 2 alpha I, with all attenuation taken for absorption.

    With I from |p|^2 it is the divergence of the energy flux of any field that obeys the Helmholtz equation with the
    wave number of :func:`wave_number` (to first order in alpha / k), not only of a plane wave.
    Source: Nyborg 1981, J Acoust Soc Am 70:310.
    """
    return 2.0 * np.asarray(attenuation_at) * intensity(pressure, density=density, sound_speed=sound_speed)


def bowl_depth(aperture_radius: float, radius_of_curvature: float) -> float:
    """Depth h [m] of a spherical bowl: R - sqrt(R^2 - a^2)."""
    return float(radius_of_curvature - np.sqrt(radius_of_curvature**2 - aperture_radius**2))


def bowl_axis_pressure(
    distance: ArrayLike,
    *,
    aperture_radius: float,
    radius_of_curvature: float,
    wave_number_at: complex,
    source_pressure: float,
) -> Complexes:
    """Pressure [Pa] on the axis of a focused bowl whose surface vibrates uniformly along its normals.

    Parameters
    ----------
    distance
        From the apex of the bowl along its axis [m].
    wave_number_at
        Of the medium [1/m]; complex where it absorbs.
    source_pressure
        rho c u_0 [Pa].

    Notes
    -----
    The Rayleigh integral over the bowl in closed form, with B = sqrt((z - h)^2 + a^2) the distance to the rim:

        p(z) = rho c u_0 R / (R - z) (exp(i k z) - exp(i k B)),

    whose limit at the focus z = R is -i k h rho c u_0 exp(i k R). Source: O'Neil 1949, J Acoust Soc Am 21:516.
    """
    depth = bowl_depth(aperture_radius, radius_of_curvature)
    z = np.asarray(distance, dtype=float)
    rim = np.sqrt((z - depth) ** 2 + aperture_radius**2)
    from_focus = radius_of_curvature - z
    # exp(ikz) - exp(ikB) without cancellation near the focus, where both distances are equal.
    waves = 2j * np.sin(0.5 * wave_number_at * (z - rim)) * np.exp(0.5j * wave_number_at * (z + rim))
    near = np.abs(from_focus) < 1e-9 * radius_of_curvature
    at_focus = -1j * wave_number_at * depth * np.exp(1j * wave_number_at * radius_of_curvature)
    gain = np.where(near, at_focus, radius_of_curvature / np.where(near, 1.0, from_focus) * waves)
    return np.asarray(source_pressure * gain)


def focal_width(*, wavelength: float, aperture_radius: float, radius_of_curvature: float) -> float:
    """Full width at half intensity [m] of a bowl's focus across the axis: 1.03 lambda R / (2 a).

    From the Airy pattern 2 J1(x) / x with x = k a r / R. Source: O'Neil 1949.
    """
    return _DISC_HALF_POWER * wavelength * radius_of_curvature / (np.pi * aperture_radius)


def focal_length(*, wavelength: float, aperture_radius: float, radius_of_curvature: float) -> float:
    """Full length at half intensity [m] of a bowl's focus along the axis: 0.886 lambda R / h.

    From sin(x) / x with x = k h (z - R) / (2 R), the axis pressure near the focus. Source: O'Neil 1949.
    """
    depth = bowl_depth(aperture_radius, radius_of_curvature)
    return 2.0 * _SINC_HALF_POWER * wavelength * radius_of_curvature / (np.pi * depth)


def nonlinearity_coefficient(nonlinearity_parameter: ArrayLike) -> Floats:
    """Coefficient beta = 1 + (B/A) / 2 of a medium whose nonlinearity parameter is B/A."""
    return 1.0 + 0.5 * np.asarray(nonlinearity_parameter, dtype=float)


def pressure_gain(*, wavelength: float, aperture_radius: float, radius_of_curvature: float) -> float:
    """Pressure at the focus of a bowl over that at its surface, in linear acoustics: k h. Source: O'Neil 1949."""
    return 2.0 * np.pi / wavelength * bowl_depth(aperture_radius, radius_of_curvature)


def linear_pressure_limit(
    distortion: float,
    *,
    frequency: float,
    density: ArrayLike,
    sound_speed: ArrayLike,
    nonlinearity_parameter: ArrayLike,
    radius_of_curvature: float,
    gain: float,
) -> Floats:
    """Pressure amplitude at the focus [Pa] up to which a converging wave stays nearly sinusoidal.

    Parameters
    ----------
    distortion
        What counts as nearly, by the parameter below: a plane wave would form a shock at 1.
    radius_of_curvature
        Of the converging wave where it begins [m].
    gain
        Pressure at the focus over that at the beginning.

    Notes
    -----
    A wave steepens by omega beta p / (rho c^3) per length. One that converges as p(s) = p_F (R / G) / s, from s = R to
    the focal size R / G, has steepened by

        sigma = omega beta p_F R ln(G) / (rho c^3 G),

    which is solved for p_F. Attenuation, which counteracts, is left out. Derived from the distortion of plane and
    spherical waves (Naugolnykh and Romanenko 1959).
    """
    c, rho = np.asarray(sound_speed, dtype=float), np.asarray(density, dtype=float)
    steepening = 2.0 * np.pi * frequency * nonlinearity_coefficient(nonlinearity_parameter) / (rho * c**3)
    return np.asarray(distortion * gain / (steepening * radius_of_curvature * np.log(gain)), dtype=float)
