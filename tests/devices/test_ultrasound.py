# SPDX-License-Identifier: LGPL-3.0-or-later
"""Transducers of the library: their elements lie on the shell, and files that make no sense are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from imagio_sim.devices import load_device
from imagio_sim.devices.modalities.ultrasound import SpiralArray, UltrasoundDevice

TRANSDUCERS = ("hifu_bowl_2mhz_44mm", "hifu_bowl_1.44mhz", "hifu_array_256")


def record(name: str) -> dict[str, Any]:
    return load_device(name).model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("name", TRANSDUCERS)
def test_a_transducer_stays_outside_the_body(name: str) -> None:
    device = load_device(name)
    assert isinstance(device, UltrasoundDevice)
    assert device.applicator() == ()
    assert device.modes == ("sonications",)
    assert 0.5e6 <= device.frequency.value <= 5e6


def test_only_an_array_is_steered() -> None:
    steered = {name: load_device(name).steering_mm for name in TRANSDUCERS}  # type: ignore[attr-defined]
    assert steered["hifu_array_256"] > 0.0
    assert steered["hifu_bowl_2mhz_44mm"] == steered["hifu_bowl_1.44mhz"] == 0.0


def test_elements_of_an_array_lie_on_its_shell_within_the_rim_and_apart() -> None:
    array = load_device("hifu_array_256").transducer  # type: ignore[attr-defined]
    assert isinstance(array, SpiralArray)
    centres, radius = array.element_centres_mm, array.radius_of_curvature.value
    assert len(centres) == array.element_count.value
    assert np.linalg.norm(centres - [0.0, 0.0, radius], axis=1) == pytest.approx(radius)
    across = np.hypot(centres[:, 0], centres[:, 1])
    assert across.max() + 0.5 * array.element_diameter.value <= 0.5 * array.aperture.value
    # Evenly spread: half of the shell's area holds half of the elements.
    depth = centres[:, 2]
    assert np.median(depth) == pytest.approx(0.5 * (depth.min() + depth.max()), rel=0.02)


def test_elements_that_overlap_are_refused() -> None:
    data = record("hifu_array_256")
    data["transducer"]["element_diameter"]["value"] = "12 mm"
    with pytest.raises(ValidationError, match="overlap"):
        UltrasoundDevice.model_validate(data)


@pytest.mark.parametrize("aperture", ["100 mm", "0 mm"])
def test_an_aperture_that_is_no_bowl_is_refused(aperture: str) -> None:
    data = record("hifu_bowl_2mhz_44mm")
    data["transducer"]["aperture"]["value"] = aperture
    with pytest.raises(ValidationError, match="aperture"):
        UltrasoundDevice.model_validate(data)


def test_a_transducer_with_rods_is_refused() -> None:
    data = record("hifu_bowl_2mhz_44mm") | {"geometry": record("cooled_17g_3cm")["geometry"]}
    with pytest.raises(ValidationError, match="no rods"):
        UltrasoundDevice.model_validate(data)
