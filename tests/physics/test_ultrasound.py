# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closed forms of linear ultrasound: limits, energy and symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.physics.ultrasound import (
    attenuation,
    bowl_axis_pressure,
    bowl_depth,
    focal_length,
    focal_width,
    heat_deposition,
    intensity,
    linear_pressure_limit,
    pressure_gain,
    reflection,
    wave_number,
)

APERTURE, CURVATURE, WAVELENGTH = 0.022, 0.044, 0.75e-3
BOWL = {"aperture_radius": APERTURE, "radius_of_curvature": CURVATURE}


def axis(distance: object, attenuation_at: float = 0.0) -> object:
    number = 2.0 * np.pi / WAVELENGTH + 1j * attenuation_at
    return bowl_axis_pressure(distance, wave_number_at=number, source_pressure=1.0, **BOWL)


def test_attenuation_follows_a_power_of_the_frequency() -> None:
    at_1_mhz = attenuation([3.0, 0.01], [1.1, 2.0], frequency=1.0e6)
    assert at_1_mhz == pytest.approx([3.0 * 2.0**1.1, 0.04])


def test_the_axis_pressure_is_continuous_through_the_focus_and_has_the_gain_k_h_there() -> None:
    near = np.abs(axis(CURVATURE + np.array([-1e-7, 0.0, 1e-7])))
    assert near == pytest.approx(pressure_gain(wavelength=WAVELENGTH, **BOWL), rel=1e-4)
    assert pressure_gain(wavelength=WAVELENGTH, **BOWL) == pytest.approx(
        2.0 * np.pi * bowl_depth(APERTURE, CURVATURE) / WAVELENGTH
    )


def test_the_surface_of_a_wide_flat_bowl_radiates_a_plane_wave_of_rho_c_u() -> None:
    first_wave = bowl_axis_pressure(
        1e-4, wave_number_at=2e3 * np.pi + 2e4j, source_pressure=1.0, aperture_radius=0.05, radius_of_curvature=100.0
    )
    assert np.abs(first_wave) == pytest.approx(np.exp(-2.0), rel=1e-3)  # the rim's wave is absorbed on its way


def test_attenuation_damps_the_focus_by_the_way_to_it() -> None:
    lossless, damped = np.abs(axis(CURVATURE)), np.abs(axis(CURVATURE, attenuation_at=10.0))
    assert damped / lossless == pytest.approx(np.exp(-10.0 * CURVATURE), rel=1e-3)


def test_the_focal_length_is_where_the_axis_pressure_falls_to_half_the_intensity() -> None:
    half = 0.5 * focal_length(wavelength=WAVELENGTH, **BOWL)
    ends = np.abs(axis(CURVATURE + np.array([-half, half]))) / np.abs(axis(CURVATURE))
    assert (ends**2).mean() == pytest.approx(0.5, abs=0.02)


def test_a_wider_bowl_has_a_smaller_focus() -> None:
    small = focal_width(wavelength=WAVELENGTH, aperture_radius=0.03, radius_of_curvature=CURVATURE)
    assert small == pytest.approx(focal_width(wavelength=WAVELENGTH, **BOWL) * APERTURE / 0.03)
    assert focal_width(wavelength=WAVELENGTH, **BOWL) == pytest.approx(
        1.03 * WAVELENGTH * CURVATURE / (2.0 * APERTURE), rel=1e-2
    )


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.6])
def test_what_an_interface_reflects_and_passes_is_what_arrives(angle: float) -> None:
    rho, c = np.array([1000.0, 1900.0]), np.array([1500.0, 2500.0])
    across = np.sin(angle) / c[0]
    along = np.sqrt(1.0 / c**2 - across**2)
    share = reflection(along[0] / rho[0], along[1] / rho[1])
    passed = abs(1.0 + share) ** 2 * along[1] / rho[1]
    assert abs(share) ** 2 * along[0] / rho[0] + passed == pytest.approx(along[0] / rho[0])


def test_beyond_the_critical_angle_all_is_reflected() -> None:
    along_after = np.sqrt(complex(1.0 / 3500.0**2 - (np.sin(0.6) / 1500.0) ** 2))
    assert abs(reflection(np.cos(0.6) / 1500.0 / 1000.0, along_after / 1900.0)) == pytest.approx(1.0)


def test_a_plane_wave_deposits_what_its_intensity_loses() -> None:
    medium = {"density": 1080.0, "sound_speed": 1586.0}
    number = wave_number(1586.0, 8.0, frequency=1.2e6)
    z = np.array([0.010, 0.0101])
    flux = intensity(1e6 * np.exp(1j * number * z), **medium)
    heat = heat_deposition(1e6 * np.exp(1j * number * z.mean()), attenuation_at=8.0, **medium)
    assert heat * 1e-4 == pytest.approx(flux[0] - flux[1], rel=1e-5)


def test_the_linear_limit_falls_with_frequency_and_nonlinearity() -> None:
    def limit(frequency: float, parameter: float) -> float:
        return float(
            linear_pressure_limit(
                0.5, frequency=frequency, density=1080.0, sound_speed=1586.0, nonlinearity_parameter=parameter,
                radius_of_curvature=CURVATURE, gain=50.0,
            )
        )  # fmt: skip

    assert limit(2e6, 7.0) == pytest.approx(0.5 * limit(1e6, 7.0))
    assert limit(1e6, 10.0) == pytest.approx(limit(1e6, 7.0) * 4.5 / 6.0)
    # By hand: a wave of constant amplitude over the same way would steepen G / ln G times as much.
    plane = 0.5 * 1080.0 * 1586.0**3 / (2.0 * np.pi * 1e6 * 4.5 * CURVATURE)
    assert limit(1e6, 7.0) == pytest.approx(plane * 50.0 / np.log(50.0))
