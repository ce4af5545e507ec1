# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ranges, lists and samples of what is varied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.campaign.what_if.variation import (
    Sample,
    concerned_plans,
    parse_vary,
    short_keys,
    variant_name,
    variants,
)
from imagio_sim.errors import ImagioError
from imagio_sim.plan import load_scenario

SCENARIO = load_scenario(Path(__file__).parents[3] / "scenarios" / "phantom_radiofrequency_axisymmetric.yaml")
POWER = "plans.three_minutes.applicators[0].power"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("p=40W:80W:20W", ("40 W", "60 W", "80 W")),
        ("p=80 W:40 W:-20 W", ("80 W", "60 W", "40 W")),
        ("p=40W:79W:20W", ("40 W", "60 W")),
        ("p=1cm:2cm:5mm", ("1 cm", "1.5 cm", "2 cm")),
        ("p=0.1:0.3:0.1", (0.1, 0.2, 0.3)),  # round-off neither drops nor adds the end
        ("p=5W:5W:1W", ("5 W",)),
        ("p=40 W, 60 W", ("40 W", "60 W")),
        ("p=coarse,fine", ("coarse", "fine")),
        ("p=1e-3,1e-4", (1e-3, 1e-4)),
        ("p=[1, 2, 3],[4, 5, 6]", ([1, 2, 3], [4, 5, 6])),
    ],
)
def test_a_range_or_a_list_is_read(text: str, values: tuple[object, ...]) -> None:
    assert parse_vary(text).values == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p=80W:40W:10W", "the empty range 80W:40W:10W"),
        ("p=40W:80W:0W", "the empty range"),
        ("p=40W:80W:10mm", "units differ"),
        ("p=40:80W:10W", "units differ"),
        ("p=0W:1W:1uW", "1000000 values"),
        ("p=1,,2", "values separated by commas"),
        ("p=1,~", "an empty value"),
        ("p=", "an empty side"),
        ("p", "no path with values"),
        ("p=[1", "values separated by commas"),
    ],
)
def test_what_is_no_range_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ImagioError) as refused:
        parse_vary(text)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_grid_has_every_combination() -> None:
    varied = [parse_vary(f"{POWER}=20W:40W:10W"), parse_vary("plans.three_minutes.program.duration=1 min,2 min")]

    found = variants(SCENARIO, "three_minutes", varied, None)

    assert len(found) == 6
    assert {tuple(one.changes.values()) for one in found} == {
        (power, duration) for power in ("20 W", "30 W", "40 W") for duration in ("1 min", "2 min")
    }
    assert len({one.name for one in found}) == 6


def test_a_latin_hypercube_fills_every_stratum_once_and_again_with_its_seed() -> None:
    varied = [parse_vary(f"{POWER}=20W:40W"), parse_vary("plans.three_minutes.program.duration=1 min,2 min")]

    found = variants(SCENARIO, "three_minutes", varied, Sample(10, seed=4))

    powers = np.array([float(str(one.changes[POWER]).split()[0]) for one in found])
    assert sorted(np.floor((powers - 20.0) / 2.0)) == list(range(10))
    durations = [one.changes["plans.three_minutes.program.duration"] for one in found]
    assert durations.count("1 min") == 5
    again = variants(SCENARIO, "three_minutes", varied, Sample(10, seed=4))
    assert [one.changes for one in again] == [one.changes for one in found]
    other = variants(SCENARIO, "three_minutes", varied, Sample(10, seed=5))
    assert [one.changes for one in other] != [one.changes for one in found]


def test_a_range_without_a_step_needs_a_sample() -> None:
    with pytest.raises(ImagioError, match="without a step"):
        variants(SCENARIO, "three_minutes", [parse_vary(f"{POWER}=20W:40W")], None)


def test_a_wrong_unit_is_one_fault_and_not_one_per_member() -> None:
    with pytest.raises(ImagioError) as refused:
        variants(SCENARIO, "three_minutes", [parse_vary(f"{POWER}=20mm:40mm:1mm")], None)

    assert str(refused.value).count("expected") == 1
    assert "which is no power" in str(refused.value)


def test_only_plans_that_a_path_concerns_are_varied() -> None:
    assert concerned_plans(SCENARIO, [parse_vary(f"{POWER}=20W,30W")]) == ("three_minutes",)
    assert concerned_plans(SCENARIO, [parse_vary("patient.body_temperature=36 degC,38 degC")]) == tuple(SCENARIO.plans)
    assert [one.name for one in variants(SCENARIO, "six_minutes", [parse_vary(f"{POWER}=20W,30W")], None)] == [
        "as_written"
    ]


def test_a_name_can_name_a_folder_and_tells_members_apart() -> None:
    assert variant_name({"plans.A.program.power": "40 W", "plans.A.program.duration": "2 min"}) == (
        "power=40_W,duration=2_min"
    )
    long = {f"plans.A.stages[{number}].program.power": "12.3456 W" for number in range(20)}
    assert len(variant_name(long)) <= 80
    assert variant_name(long) != variant_name({**long, "plans.A.stages[19].program.power": "12.3457 W"})


def test_keys_are_as_short_as_they_can_be() -> None:
    assert short_keys(["plans.A.power", "plans.B.power", "patient.temperature"]) == [
        "A.power",
        "B.power",
        "patient.temperature",
    ]
