# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave antennas of the library."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from imagio_sim.devices import device_names, load_device
from imagio_sim.devices.library import _folder
from imagio_sim.devices.modalities.microwave import METAL, MicrowaveDevice
from imagio_sim.tissue.dielectric import band_of

ANTENNAS = [name for name in device_names() if load_device(name).modality == "microwave"]


def antenna(name: str) -> MicrowaveDevice:
    device = load_device(name)
    assert isinstance(device, MicrowaveDevice)
    return device


def data(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8")))


def test_the_library_holds_the_kinds_that_are_in_use() -> None:
    assert {"mw_single_slot", "mw_dual_slot", "mw_monopole", "mw_choked"} <= set(ANTENNAS)
    assert {antenna(name).antenna.frequency.value for name in ANTENNAS} == {915e6, 2450e6}


@pytest.mark.parametrize("name", ANTENNAS)
def test_every_antenna_has_a_frequency_with_tissue_data_and_radiates_within_its_active_section(name: str) -> None:
    device = antenna(name)
    assert band_of(device.antenna.frequency.value, where=name)
    (rod,) = device.applicator()
    active = [section for section in rod.sections if section.active]
    behind = device.antenna.arm_length_mm
    assert active
    low, high = device.antenna.radiating_mm
    assert max(section.end_mm for section in active) + behind >= high
    assert low < high


@pytest.mark.parametrize("name", ANTENNAS)
def test_an_equivalent_antenna_says_so_in_its_title(name: str) -> None:
    device = antenna(name)
    assert device.antenna.equivalent == ("equivalent" in device.title.lower())


def test_the_benchmark_has_its_published_geometry() -> None:
    slot = antenna("mw_single_slot")
    layers = {layer.name: layer for layer in slot.antenna.layers}
    assert layers["slot 1"].heights_mm == (6.0, 7.0)
    assert layers["line"].radii_mm == (0.135, 0.47)
    assert layers["outer conductor"].material == METAL
    assert slot.geometry.shaft.diameter.value / 2 == pytest.approx(0.895)


def refused(name: str, change: Any) -> str:
    changed = data(name)
    change(changed)
    with pytest.raises(ValidationError) as error:
        MicrowaveDevice.model_validate(changed)
    return str(error.value)


def test_a_layer_outside_the_shaft_is_refused() -> None:
    def widen(device: dict[str, Any]) -> None:
        device["antenna"]["layers"][1]["extent"]["value"][1] = "1.2 mm"

    assert "wider than the shaft" in refused("mw_single_slot", widen)


def test_a_first_layer_that_does_not_fill_the_shaft_is_refused() -> None:
    def shorten(device: dict[str, Any]) -> None:
        device["antenna"]["layers"][0]["extent"]["value"][1] = "0.7 mm"

    assert "must fill the shaft" in refused("mw_single_slot", shorten)


def test_a_layer_inside_out_is_refused() -> None:
    def turn(device: dict[str, Any]) -> None:
        device["antenna"]["layers"][3]["extent"]["value"][2:] = ["7 mm", "6 mm"]

    assert "inside out" in refused("mw_single_slot", turn)


def test_a_wall_without_a_unit_of_resistance_is_refused() -> None:
    def strip(device: dict[str, Any]) -> None:
        device["antenna"]["wall_resistance"]["value"] = 0.0129

    assert "0.0129 without a unit" in refused("mw_single_slot", strip)
    assert antenna("mw_single_slot").antenna.wall_resistance.value == 0.0129


def test_a_port_below_a_slot_is_refused() -> None:
    def lower(device: dict[str, Any]) -> None:
        device["antenna"]["line"]["port"]["value"] = "5 mm"

    assert "port lies below" in refused("mw_single_slot", lower)


def test_a_material_without_figures_is_refused() -> None:
    def forget(device: dict[str, Any]) -> None:
        del device["antenna"]["materials"]["air"]

    assert "layers use" in refused("mw_single_slot", forget)


def test_a_line_too_wide_for_the_shaft_is_refused() -> None:
    def widen(device: dict[str, Any]) -> None:
        device["antenna"]["line"]["outer_radius"]["value"] = "0.95 mm"

    assert "does not fit into the shaft" in refused("mw_single_slot", widen)
