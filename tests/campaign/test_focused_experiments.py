# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the experiments with focused ultrasound are computed with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.physics.ultrasound import intensity
from imagio_sim.tissue import load_tissue
from validation.experiments.focused import Bowl, Focused, Sample, damped_pressure
from validation.experiments.HI03_boiling.study import VOXEL_MM, voxel_points
from validation.experiments.HI04_excised_liver.study import POWER, bowl_of

BOWL = Bowl(1.2e6, 60e-3, 1.2)
LIVER = Sample("liver", 10e-3, 37.0, excised=True)
FOCUS = np.array([[0.0, 0.0, 60e-3]])


def focal_intensity(power: float, damping: float) -> float:
    """In a sample of 20 mm before the focus [W/m2]."""
    water = load_tissue("water")
    pressure = damped_pressure(BOWL, FOCUS, damping, face=40e-3) * np.sqrt(power)
    return float(intensity(pressure, density=water.value("density"), sound_speed=water.value("sound_speed"))[0])


def test_the_power_for_an_intensity_brings_it_to_the_focus() -> None:
    assert focal_intensity(BOWL.power_for(1e7), 0.0) == pytest.approx(1e7, rel=0.01)


def test_a_sample_takes_what_its_attenuation_says() -> None:
    left = focal_intensity(1.0, 10.0) / focal_intensity(1.0, 0.0)
    slantwise = 20e-3 / np.sqrt(1.0 - (0.5 / 1.2) ** 2)
    assert np.exp(-2.0 * 10.0 * slantwise) < left < np.exp(-2.0 * 10.0 * 20e-3)


def test_the_frequency_follows_from_power_intensity_and_shape() -> None:
    bowl = bowl_of(1e7, 1.2, 60e-3)
    assert bowl.power_for(1e7) == pytest.approx(POWER)
    assert bowl_of(4e7, 1.2, 60e-3).frequency == pytest.approx(2.0 * bowl.frequency)


def test_a_lesion_lies_around_the_focus_and_grows() -> None:
    focused = Focused(BOWL, LIVER)
    short, long = (focused.sonicated(20.0, seconds, watched=5.0) for seconds in (6.0, 12.0))
    zones = [one.dead() for one in (short, long)]
    assert 0.0 < zones[0].tissue_volume_mm3 < zones[1].tissue_volume_mm3
    assert not zones[1].clipped
    assert len(zones[1].component_volumes_mm3) == 1
    assert zones[1].long_axis_mm > zones[1].short_axis_mm
    assert zones[1].centroid_mm is not None
    assert abs(zones[1].centroid_mm[2]) < 5.0
    ellipse = np.pi / 4.0 * zones[1].long_axis_mm * zones[1].short_axis_mm
    assert long.section_mm2(zones[1]) == pytest.approx(ellipse, rel=0.15)


def test_the_focus_is_as_hot_as_wanted_when_wanted() -> None:
    found = Focused(BOWL, replace(LIVER, start=20.0)).sonicated_to(70.0, 3.0, watched=0.0)
    assert found.hottest == pytest.approx(70.0, abs=0.2)
    assert found.stage.temperature[found.focus_node] == pytest.approx(found.hottest, abs=2.0)


def test_a_voxel_reaches_as_far_as_its_sides() -> None:
    for along, side in enumerate(VOXEL_MM):
        extent = np.ptp(voxel_points(along, 0.0), axis=0)
        assert extent[2] == pytest.approx(side * 8.0 / 9.0)
        assert sorted(extent) == pytest.approx([one * 8.0 / 9.0 for one in VOXEL_MM])
    assert voxel_points(2, 0.5).mean(axis=0) == pytest.approx([0.15, 0.25, 1.0])
