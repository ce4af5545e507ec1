# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every device file: complete, sourced, and of the geometry it claims."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from imagio_sim.devices import Rod, device_names, load_device, sources
from imagio_sim.devices.modalities.radiofrequency import RadiofrequencyDevice
from imagio_sim.devices.sourced import Sourced
from imagio_sim.errors import InputError
from imagio_sim.units import registry


def figures(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict) and "evidence" in data:
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from figures(value)


@pytest.mark.parametrize("name", device_names())
def test_every_figure_has_a_known_source_and_a_spread_of_its_own_dimension(name: str) -> None:
    found = list(figures(load_device(name).model_dump(mode="json")))
    assert len(found) >= 5
    for figure in found:
        assert figure["source"] in sources()
        value, spread = (
            registry()(text) if isinstance(text, str) and "deg" not in text else None
            for text in (figure["value"], figure["spread"])
        )
        if value is not None and spread is not None:
            assert value.dimensionality == spread.dimensionality


@pytest.mark.parametrize("name", device_names())
def test_what_is_from_memory_is_marked_so(name: str) -> None:
    for figure in figures(load_device(name).model_dump(mode="json")):
        assert (figure["source"] == "makers") == (figure["evidence"] == "memory")
        assert (figure["source"] == "imagio") == (figure["evidence"] == "assumed")


@pytest.mark.parametrize("name", device_names())
def test_a_device_has_the_name_of_its_file(name: str) -> None:
    assert load_device(name).name == name


def test_every_source_is_used() -> None:
    used = {key for name in device_names() for key in load_device(name).source_keys}
    assert used == set(sources())


@pytest.mark.parametrize(("gauge", "diameter"), [(17, 1.47), (15, 1.83)])
@pytest.mark.parametrize("centimetres", [2, 3, 4])
def test_a_straight_electrode_has_its_gauge_and_exposed_length(gauge: int, diameter: float, centimetres: int) -> None:
    (shaft,) = load_device(f"cooled_{gauge}g_{centimetres}cm").applicator()
    (tip,) = shaft.sections
    assert 2.0 * shaft.radius_mm == pytest.approx(diameter, abs=0.01)
    assert (tip.start_mm, tip.end_mm) == (0.0, 10.0 * centimetres)
    assert tip.conductor == "active"
    assert tip.heat_transfer_coefficient == 3366.0


def test_the_needles_of_the_cluster_are_five_millimetres_apart() -> None:
    rods = load_device("cooled_cluster_17g_2.5cm").applicator()
    tips = np.array([rod.path_mm[0] for rod in rods])
    gaps = [np.linalg.norm(tips[i] - tips[j]) for i, j in ((0, 1), (1, 2), (2, 0))]
    assert gaps == pytest.approx([5.0, 5.0, 5.0])
    assert tips.mean(axis=0) == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert {section.conductor for rod in rods for section in rod.sections} == {"active"}


def reach(rods: tuple[Rod, ...]) -> float:
    return max(float(np.hypot(*rod.path_mm[0][:2])) for rod in rods)


@pytest.mark.parametrize("name", ["starburst_xl", "leveen_3.5cm"])
def test_the_tips_of_deployed_tines_lie_on_the_circle_of_the_deployment(name: str) -> None:
    device = load_device(name)
    assert device.deployment_range_mm is not None
    for deployment in device.deployment_range_mm:
        assert 2.0 * reach(device.applicator(deployment)) == pytest.approx(deployment)


def test_a_starburst_has_nine_tines_that_start_inside_the_trocar_and_are_bare_outside() -> None:
    trocar, *tines = load_device("starburst_xl").applicator(50.0)
    assert len(tines) == 9
    for tine in tines:
        base = tine.path_mm[-1]
        assert base[2] > 0.0
        assert np.hypot(base[0], base[1]) + tine.radius_mm < trocar.radius_mm
        assert tine.sections[0].end_mm == pytest.approx(tine.length_mm - base[2])


def test_tines_of_one_device_do_not_touch_each_other() -> None:
    _, first, second, *_ = load_device("starburst_xl").applicator(20.0)
    gaps = np.linalg.norm(np.array(first.path_mm) - np.array(second.path_mm), axis=1)
    assert gaps.min() > first.radius_mm + second.radius_mm


def test_a_quarter_circle_of_tines_ends_sideways() -> None:
    tine = load_device("starburst_xl").applicator(50.0)[1]
    end = np.array(tine.path_mm[0]) - np.array(tine.path_mm[1])
    assert abs(end[2]) < 0.15 * np.linalg.norm(end)


def test_sensors_of_the_starburst_move_with_its_tines() -> None:
    device = load_device("starburst_xl")
    positions = np.array(device.sensor_positions_mm(40.0))
    assert len(positions) == 5
    assert np.hypot(positions[:, 0], positions[:, 1]) == pytest.approx(20.0)


def test_the_bipolar_needle_brings_its_own_return_electrode() -> None:
    device = load_device("bipolar_15g_2x2cm")
    (shaft,) = device.applicator()
    assert device.is_bipolar
    assert not load_device("cooled_17g_3cm").is_bipolar
    assert [section.conductor for section in shaft.sections] == ["distal", "proximal"]
    assert shaft.sections[0].end_mm < shaft.sections[1].start_mm


def test_an_unknown_device_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'cooled_17g_3cm'"):
        load_device("cooled_17g_3cn")


@pytest.mark.parametrize(
    ("name", "deployment"), [("starburst_xl", 60.0), ("starburst_xl", 10.0), ("cooled_17g_3cm", 30.0)]
)
def test_a_deployment_the_device_does_not_have_is_refused(name: str, deployment: float) -> None:
    with pytest.raises(InputError, match=f"{deployment:g} mm"):
        load_device(name).applicator(deployment)


def dumped(name: str) -> dict[str, Any]:
    return load_device(name).model_dump(mode="json")


def test_a_device_round_trips_through_its_data() -> None:
    for name in device_names():
        device = load_device(name)
        assert type(device).model_validate(dumped(name)) == device


def test_a_device_whose_electrodes_are_on_no_conductor_is_refused() -> None:
    data = dumped("bipolar_15g_2x2cm") | {"conductors": {"distal": "active"}}
    with pytest.raises(ValidationError, match="conductors are"):
        RadiofrequencyDevice.model_validate(data)


def test_a_device_without_an_active_conductor_is_refused() -> None:
    data = dumped("bipolar_15g_2x2cm") | {"conductors": {"distal": "return", "proximal": "return"}}
    with pytest.raises(ValidationError, match="must be active"):
        RadiofrequencyDevice.model_validate(data)


@pytest.mark.parametrize("name", ["shaft", "distal"])
def test_a_section_whose_surface_would_be_taken_for_another_is_refused(name: str) -> None:
    data = dumped("bipolar_15g_2x2cm")
    data["geometry"]["shaft"]["sections"][1]["name"] = name
    with pytest.raises(ValidationError, match="sections need different names"):
        RadiofrequencyDevice.model_validate(data)


@pytest.mark.parametrize(("radius", "complaint"), [("1.0 mm", "side of the shaft"), ("0.4 mm", "overlap")])
def test_tines_that_do_not_fit_the_trocar_are_refused(radius: str, complaint: str) -> None:
    data = dumped("starburst_xl")
    data["geometry"]["tines"]["exit_radius"]["value"] = radius
    with pytest.raises(ValidationError, match=complaint):
        RadiofrequencyDevice.model_validate(data)


def test_a_generator_mode_without_its_defaults_is_refused() -> None:
    data = dumped("cooled_17g_3cm")
    data["generator"]["impedance_control"] = None
    with pytest.raises(ValidationError, match="impedance_control must be given"):
        RadiofrequencyDevice.model_validate(data)


@pytest.mark.parametrize("sensor", [{"name": "a"}, {"name": "a", "position": [0.0, 0.0, 0.0], "tip_of": "shaft"}])
def test_a_sensor_has_exactly_one_place(sensor: dict[str, Any]) -> None:
    data = dumped("cooled_17g_3cm") | {"sensors": [sensor]}
    with pytest.raises(ValidationError, match="either a position or the rod"):
        RadiofrequencyDevice.model_validate(data)


def test_device_data_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_device("cooled_17g_3cm").name = "other"


def test_the_digest_of_a_device_changes_with_a_figure() -> None:
    device = load_device("cooled_17g_3cm")
    zone: Sourced[float] = device.largest_zone.model_copy(update={"value": 51.0})
    assert device.model_copy(update={"largest_zone": zone}).digest != device.digest


@pytest.mark.parametrize("gauge", [18, 19])
def test_an_electroporation_needle_is_bare_over_its_deployment(gauge: int) -> None:
    device = load_device(f"electroporation_{gauge}g")
    (shaft,) = device.applicator(25.0)
    (bare,) = shaft.sections
    assert (bare.start_mm, bare.end_mm, bare.conductor) == (0.0, 25.0, "needle")
    low, high = device.deployment_range_mm or (0.0, 0.0)
    with pytest.raises(InputError, match=f"{low:g} mm to {high:g} mm"):
        device.applicator(high + 1.0)
