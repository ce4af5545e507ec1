# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cryoprobes: the library's, and files that cannot be meant."""

import copy
from importlib import resources
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from imagio_sim.devices import device_names, load_device, sources
from imagio_sim.devices.modalities.cryo import CryoDevice

PROBES = [name for name in device_names() if name.startswith(("ice", "endocare"))]


def probe(name: str) -> CryoDevice:
    device = load_device(name)
    assert isinstance(device, CryoDevice)
    return device


def data_of(name: str) -> dict[str, Any]:
    path = resources.files("imagio_sim.devices") / "library" / f"{name}.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_library_holds_the_families_of_two_makers() -> None:
    assert set(PROBES) == {
        "endocare_1.7mm",
        "endocare_2.4mm",
        "iceedge_13g",
        "icerod_17g",
        "iceseed_17g",
        "icesphere_17g",
    }


@pytest.mark.parametrize("name", PROBES)
def test_every_figure_of_a_probe_names_a_known_source(name: str) -> None:
    assert set(probe(name).source_keys) <= set(sources())


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_kills_by_cold_and_freezes_along_its_active_wall(name: str) -> None:
    device = probe(name)
    assert device.AGENTS == ("cold",)
    (rod,) = device.applicator()
    (wall,) = rod.sections
    assert wall.active
    assert 15.0 <= wall.end_mm - wall.start_mm <= 50.0
    assert device.freezing.temperature.value < -100.0


def test_what_was_fitted_says_so_and_what_was_not_is_assumed() -> None:
    assert probe("endocare_2.4mm").freezing.heat_transfer_coefficient.evidence == "derived"
    assert "validation/calibration" in probe("endocare_1.7mm").freezing.heat_transfer_coefficient.note
    assert probe("icerod_17g").freezing.heat_transfer_coefficient.evidence == "assumed"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("freezing", "temperature", "value"), "5 degC", "not colder than 0"),
        (("thawing", "temperature", "value"), "-5 degC", "not warmer than 0"),
        (("geometry", "shaft", "sections", 0, "active"), False, "no section of the shaft is active"),
    ],
)
def test_a_probe_that_cannot_be_meant_is_refused(path: tuple[Any, ...], value: Any, says: str) -> None:
    data = copy.deepcopy(data_of("icerod_17g"))
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValidationError, match=says):
        CryoDevice.model_validate(data)
