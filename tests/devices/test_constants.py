# SPDX-License-Identifier: LGPL-3.0-or-later
"""The figures of devices by name, and devices with others in their place."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from imagio_sim.devices.constants import GIVEN, GivenFigure, device_constants, with_figures
from imagio_sim.devices.library import device_names, load_device
from imagio_sim.devices.modalities.cryo import CryoDevice
from imagio_sim.devices.modalities.microwave import MicrowaveDevice

NEEDLE = "icerod_17g"


def given(value: float, spread: float = 0.0) -> GivenFigure:
    return GivenFigure(value, spread, "measured here")


@pytest.mark.parametrize("name", device_names())
def test_every_device_made_with_its_own_figures_is_the_same(name: str) -> None:
    device, constants = load_device(name), device_constants(load_device(name))
    assert constants
    again = with_figures(device, {key: given(one.value, one.spread) for key, one in constants.items()})
    assert {key: one.value for key, one in device_constants(again).items()} == {
        key: one.value for key, one in constants.items()
    }
    assert {one.evidence for one in device_constants(again).values()} == {GIVEN}


def test_a_figure_is_known_by_its_keys_with_unit_spread_and_evidence() -> None:
    one = device_constants(load_device(NEEDLE))["freezing.temperature"]
    assert (one.value, one.spread, one.kind.unit, one.evidence) == (-130.0, 20.0, "degC", "read")
    assert "geometry.shaft.sections.wall.end" in device_constants(load_device(NEEDLE))


def test_a_given_figure_takes_the_place_of_one_and_of_no_other() -> None:
    device = load_device(NEEDLE)
    changed = with_figures(device, {"freezing.temperature": given(-120.0, 5.0)})
    assert isinstance(device, CryoDevice)
    assert isinstance(changed, CryoDevice)
    assert changed.freezing.temperature.value == -120.0
    assert changed.freezing.temperature.source == "measured here"
    assert changed.freezing.time_constant == device.freezing.time_constant
    assert device.freezing.temperature.value == -130.0
    assert changed.digest != device.digest


def test_figures_that_do_not_go_together_make_no_device() -> None:
    antenna = load_device("mw_choked")
    assert isinstance(antenna, MicrowaveDevice)
    with pytest.raises(ValidationError, match="must fill the shaft"):
        with_figures(antenna, {"geometry.shaft.diameter": given(2.5)})


def test_a_plan_is_written_for_one_radius_of_curvature() -> None:
    constants = device_constants(load_device("hifu_array_256"))
    assert not constants["transducer.radius_of_curvature"].acts
    assert constants["transducer.aperture"].acts


def test_limits_and_the_extent_of_the_model_change_no_treatment() -> None:
    constants = device_constants(load_device("cooled_17g_3cm"))
    idle = {name for name, one in constants.items() if not one.acts}
    assert idle == {
        *("largest_zone", "geometry.shaft.length", "geometry.shaft.sections.tip.start"),
        *("generator.frequency", "generator.max_power", "generator.max_voltage", "generator.max_current"),
    }


@pytest.mark.parametrize("name", ["icerod_17g", "mw_choked", "hifu_array_256"])
def test_a_device_with_given_figures_reaches_other_processes_whole(name: str) -> None:
    device = load_device(name)
    assert pickle.loads(pickle.dumps(with_figures(device, {"largest_zone": given(50.0)}))).largest_zone.value == 50.0
    assert pickle.loads(pickle.dumps(device)) == device
