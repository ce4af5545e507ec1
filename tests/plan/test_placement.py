# SPDX-License-Identifier: LGPL-3.0-or-later
"""Applicators in patient space: frames, markups, room beside each other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagio_sim.errors import ImagioError, InputError
from imagio_sim.plan import Scenario, placed_applicators, target_in_lps
from imagio_sim.plan.geometry_checks import clearance, segment_distance
from imagio_sim.plan.markup import read_line

Make = Callable[..., Scenario]


def markup(
    path: Path, *, system: Any = "LPS", points: Any = None, labels: tuple[str, str] = ("", ""), **line: Any
) -> Path:
    """A Slicer line from the skin (-110, -20, 30) to the tip (-5, -20, 30), LPS."""
    sign = -1 if system == "RAS" else 1
    points = points or [[-110 * sign, -20 * sign, 30], [-5 * sign, -20 * sign, 30]]
    control = [
        {"label": label, "position": point} for label, point in zip((*labels, "")[: len(points)], points, strict=True)
    ]
    path.write_text(
        json.dumps({"markups": [{"type": "Line", "coordinateSystem": system, "controlPoints": control, **line}]})
    )
    return path


def test_ras_coordinates_are_flipped_to_lps(scenario: Make) -> None:
    (placed,) = placed_applicators(scenario(), "A")
    assert placed.entry_mm == (-110.0, -20.0, 30.0)
    assert placed.tip_mm == (-5.0, -20.0, 30.0)
    assert placed.rods[0].path_mm[0] == pytest.approx(placed.tip_mm)


def test_lps_coordinates_stay_as_they_are(scenario: Make) -> None:
    (placed,) = placed_applicators(scenario({"frame": "LPS"}), "A")
    assert placed.tip_mm == (5.0, 20.0, 30.0)


def test_the_shaft_runs_from_the_tip_through_the_entry(scenario: Make) -> None:
    (placed,) = placed_applicators(scenario(), "A")
    tip, hub = np.array(placed.rods[0].path_mm)
    along = (np.array(placed.entry_mm) - tip) / 105.0
    assert (hub - tip) / np.linalg.norm(hub - tip) == pytest.approx(along)


def test_a_shaft_is_drawn_out_to_a_distant_entry(scenario: Make) -> None:
    (placed,) = placed_applicators(scenario({"plans.A.applicators[0].entry": [255, 20, 30]}), "A")
    assert placed.rods[0].length_mm == pytest.approx(250.0)


@pytest.mark.parametrize("system", ["LPS", "RAS"])
@pytest.mark.parametrize("frame", ["LPS", "RAS"])
def test_a_markup_places_like_entry_and_tip_whatever_its_frame(
    system: str, frame: str, scenario: Make, tmp_path: Path
) -> None:
    markup(tmp_path / "line.mrk.json", system=system)
    made = scenario({"frame": frame, "plans.A.applicators[0]": {"device": "cooled_17g_3cm", "markup": "line.mrk.json"}})
    (placed,) = placed_applicators(made, "A")
    assert placed.entry_mm == (-110.0, -20.0, 30.0)
    assert placed.tip_mm == (-5.0, -20.0, 30.0)


def test_a_point_labelled_tip_is_the_tip_although_it_comes_first(tmp_path: Path) -> None:
    entry, tip = read_line(markup(tmp_path / "line.mrk.json", labels=("L-tip", "L-entry")))
    assert tip[0] == -110.0
    assert entry[0] == -5.0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"system": 1}, "'LPS' or 'RAS'"),
        ({"points": [[0, 0, 0]]}, "at least 2 items"),
        ({"points": [[0, 0, 0], [1, 2]]}, r"controlPoints\.1\.position"),
        ({"points": [[0, 0, 0], [1, 2, None]]}, "valid number"),
        ({"points": [[0, 0, 0], [1, 2, "x"]]}, "valid number"),
        ({"points": [[0, 0, 0], [1, 2, float("inf")]]}, "finite number"),
        ({"coordinateUnits": "cm"}, "'cm'"),
        ({"type": "Fiducial"}, "0 lines"),
    ],
)
def test_a_markup_that_is_no_line_in_mm_is_refused(line: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        read_line(markup(tmp_path / "line.mrk.json", **line))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"markups": 3}', '{"markups": [3]}', "\x00"])
def test_a_file_that_is_no_markup_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "line.mrk.json").write_text(text)
    with pytest.raises(InputError, match=r"line\.mrk\.json"):
        read_line(tmp_path / "line.mrk.json")


def test_a_markup_without_length_is_refused(scenario: Make, tmp_path: Path) -> None:
    markup(tmp_path / "line.mrk.json", points=[[1, 2, 3], [1, 2, 3]])
    with pytest.raises(ImagioError, match="line without length"):
        scenario({"plans.A.applicators[0]": {"device": "cooled_17g_3cm", "markup": "line.mrk.json"}})


def needles(*offsets: float, device: str = "cooled_17g_3cm") -> list[dict[str, Any]]:
    return [{"device": device, "entry": [110, 20 + offset, 30], "tip": [5, 20 + offset, 30]} for offset in offsets]


def test_parallel_needles_have_the_clearance_of_their_distance(scenario: Make) -> None:
    one, other = placed_applicators(scenario({"plans.A.applicators": needles(0.0, 10.0)}), "A")
    assert clearance(one, other) == pytest.approx(10.0 - 1.473)


def test_needles_that_touch_are_refused_and_needles_that_do_not_are_fine(scenario: Make) -> None:
    scenario({"plans.A.applicators": needles(0.0, 1.5)})
    with pytest.raises(ImagioError, match="runs through applicator_1"):
        scenario({"plans.A.applicators": needles(0.0, 1.4)})


def test_a_tine_that_reaches_another_needle_is_refused(scenario: Make) -> None:
    (expandable,), (deep,) = needles(0.0, device="starburst_xl"), needles(-25.0)
    deep["tip"] = [-25, -5, 30]
    scenario({"plans.A.applicators": [{**expandable, "deployment": "4 cm"}, deep]})
    with pytest.raises(ImagioError, match="runs through"):
        scenario({"plans.A.applicators": [{**expandable, "deployment": "5 cm"}, deep]})


def test_shafts_may_cross_outside_the_body(scenario: Make) -> None:
    crossing = [
        {"device": "cooled_17g_3cm", "entry": [55, 20 + 5 * side, 30], "tip": [5, 20 + 20 * side, 30]}
        for side in (1, -1)
    ]
    scenario({"plans.A.applicators": crossing})


def test_applicators_of_different_stages_may_take_the_same_place(scenario: Make) -> None:
    stage = {"applicators": needles(0.0), "program": {"mode": "constant_power", "power": "60 W", "duration": "5 min"}}
    made = scenario({"plans.A": {"stages": [stage, stage]}})
    assert [one.name for one in placed_applicators(made, "A")] == ["applicator_1", "applicator_2"]
    assert [one.name for one in placed_applicators(made, "A", 1)] == ["applicator_2"]


def test_virtual_targets_are_flipped_to_lps(scenario: Make) -> None:
    assert target_in_lps(scenario()) == ((-10.0, -20.0, 30.0), (15.0, 15.0, 15.0))
    ellipsoid = {"ellipsoid": {"centre": [1, 2, 3], "semi_axes": ["1 cm", "2 cm", "3 cm"], "tissue": "hcc"}}
    assert target_in_lps(scenario({"target": ellipsoid})) == ((-1.0, -2.0, 3.0), (10.0, 20.0, 30.0))
    assert target_in_lps(scenario({"target": {"label": "tumour"}})) is None


COORDINATES = st.tuples(*[st.floats(-100.0, 100.0).map(lambda x: round(x, 3))] * 3).map(np.array)


@given(a=COORDINATES, b=COORDINATES, c=COORDINATES, d=COORDINATES)
def test_the_distance_of_two_segments_is_the_smallest_of_all_their_points(a: Any, b: Any, c: Any, d: Any) -> None:
    shares = np.linspace(0.0, 1.0, 41)
    first = a + shares[:, None] * (b - a)
    second = c + shares[:, None] * (d - c)
    sampled = np.linalg.norm(first[:, None] - second[None], axis=2).min()
    spacing = (np.linalg.norm(b - a) + np.linalg.norm(d - c)) / 80.0
    exact = segment_distance(a, b, c, d)
    assert sampled - spacing - 1e-6 <= exact <= sampled + 1e-6
    assert segment_distance(c, d, b, a) == pytest.approx(exact, abs=1e-6)
