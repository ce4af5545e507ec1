# SPDX-License-Identifier: LGPL-3.0-or-later
"""The Rayleigh integral against O'Neil's closed form for bowls, and that of a flat disc."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.physics.ultrasound import bowl_axis_pressure, bowl_depth
from imagio_sim.solve.radiators import disc_array, element_fields, focused_bowl, focusing_phases

BOWLS = {
    "2 MHz, 44 mm": (0.022, 0.044, 0.75e-3),
    "1 MHz, 100 mm": (0.05, 0.1, 1.5e-3),
    "1.5 MHz, shallow": (0.02, 0.12, 1.0e-3),
}


def on_axis(distance: np.ndarray) -> np.ndarray:
    return np.column_stack([np.zeros_like(distance), np.zeros_like(distance), distance])


@pytest.mark.parametrize("bowl", BOWLS)
def test_the_axis_pressure_of_a_bowl_is_oneils_within_a_percent(bowl: str) -> None:
    aperture, curvature, wavelength = BOWLS[bowl]
    distance = np.linspace(0.4 * curvature, 1.6 * curvature, 300)
    radiator = focused_bowl(aperture_radius=aperture, radius_of_curvature=curvature, wavelength=wavelength)
    found = element_fields(radiator, on_axis(distance), wavelength=wavelength)[0]
    exact = bowl_axis_pressure(
        distance,
        aperture_radius=aperture,
        radius_of_curvature=curvature,
        wave_number_at=2.0 * np.pi / wavelength,
        source_pressure=1.0,
    )
    assert np.abs(found - exact).max() < 1e-3 * np.abs(exact).max()  # a tenth of what is asked for
    strong = np.abs(exact) > 0.05 * np.abs(exact).max()
    assert np.abs(np.abs(found[strong]) / np.abs(exact[strong]) - 1.0).max() < 0.01


def test_a_bowl_with_a_hole_is_the_bowl_without_its_middle() -> None:
    aperture, curvature, wavelength = BOWLS["2 MHz, 44 mm"]
    distance = np.linspace(0.02, 0.06, 50)

    def field(outer: float, hole: float) -> np.ndarray:
        radiator = focused_bowl(
            aperture_radius=outer, radius_of_curvature=curvature, wavelength=wavelength, hole_radius=hole
        )
        return element_fields(radiator, on_axis(distance), wavelength=wavelength)[0]

    difference = field(aperture, 0.0) - field(0.008, 0.0)
    assert np.abs(field(aperture, 0.008) - difference).max() < 1e-3 * np.abs(difference).max()


def test_the_points_of_a_bowl_cover_its_surface_and_lie_on_it() -> None:
    radiator = focused_bowl(aperture_radius=0.022, radius_of_curvature=0.044, wavelength=1e-3)
    assert radiator.areas.sum() == pytest.approx(2.0 * np.pi * 0.044 * bowl_depth(0.022, 0.044))
    assert np.linalg.norm(radiator.points - [0.0, 0.0, 0.044], axis=1) == pytest.approx(0.044)


def test_a_flat_disc_has_the_axis_pressure_of_its_closed_form() -> None:
    wavelength, radius = 1.25e-3, 3.2e-3
    radiator = disc_array(np.zeros((1, 3)), radius_of_curvature=0.12, element_radius=radius, wavelength=wavelength)
    distance = np.linspace(5e-3, 0.1, 60)
    found = np.abs(element_fields(radiator, on_axis(distance), wavelength=wavelength)[0])
    exact = 2.0 * np.abs(np.sin(np.pi / wavelength * (np.hypot(distance, radius) - distance)))
    assert found == pytest.approx(exact, abs=2e-3 * exact.max())


def test_phased_elements_arrive_in_step_at_the_focus_they_are_steered_to() -> None:
    wavelength, curvature = 1.25e-3, 0.12
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    ring = 0.05 * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(24)])
    ring[:, 2] = curvature - np.sqrt(curvature**2 - 0.05**2)
    radiator = disc_array(ring, radius_of_curvature=curvature, element_radius=2e-3, wavelength=wavelength)
    focus = np.array([8e-3, -3e-3, 0.125])
    fields = element_fields(radiator, focus[None], wavelength=wavelength)[:, 0]
    drive = focusing_phases(radiator, focus, wavelength=wavelength)
    assert abs(drive @ fields) == pytest.approx(np.abs(fields).sum(), rel=1e-3)
    assert abs(fields.sum()) < 0.7 * np.abs(fields).sum()
    assert np.linalg.norm(radiator.element_centres - ring, axis=1).max() < 1e-9
