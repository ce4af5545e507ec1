# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laser devices: the library's, and files that cannot be meant."""

import copy
from importlib import resources
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from imagio_sim.devices import device_names, load_device, sources
from imagio_sim.devices.modalities.laser import BareTip, DiffuserTip, LaserDevice

LASERS = [name for name in device_names() if name.startswith("laser_")]


def data_of(name: str) -> dict[str, Any]:
    path = resources.files("imagio_sim.devices") / "library" / f"{name}.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_library_holds_bare_diffusing_and_cooled_fibres() -> None:
    kinds = {(type(device.emission), device.cooling is not None) for device in map(laser, LASERS)}
    assert kinds == {(BareTip, False), (DiffuserTip, False), (DiffuserTip, True)}


def laser(name: str) -> LaserDevice:
    device = load_device(name)
    assert isinstance(device, LaserDevice)
    return device


@pytest.mark.parametrize("name", LASERS)
def test_every_figure_of_a_laser_names_a_known_source(name: str) -> None:
    assert set(laser(name).source_keys) <= set(sources())


@pytest.mark.parametrize("name", LASERS)
def test_a_diffuser_is_a_centimetre_to_three_long_and_shines_through_an_active_section(name: str) -> None:
    device = laser(name)
    (active,) = [section for section in device.applicator()[0].sections if section.active]
    if isinstance(device.emission, DiffuserTip):
        assert active.name == device.emission.section
        assert 10.0 <= active.end_mm - active.start_mm <= 30.0


def bent(name: str, change: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(data_of(name))
    data["emission"] |= change.pop("emission", {})
    data["geometry"]["shaft"] |= change
    return data


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("laser_cooled_9f_3cm", {"emission": {"section": "difuser"}}, "no active section"),
        ("laser_cooled_9f_3cm", {"emission": {"section": "cooled_tip"}}, "no active section"),
        ("laser_bare_600um", {"tip": "cone"}, "flat tip"),
        (
            "laser_bare_600um",
            {"diameter": {"value": "0.5 mm", "spread": "0.1 mm", "source": "makers", "evidence": "memory"}},
            "thicker than the shaft",
        ),
    ],
)
def test_a_fibre_whose_light_could_not_leave_is_refused(name: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        LaserDevice.model_validate(bent(name, dict(change)))
