# SPDX-License-Identifier: LGPL-3.0-or-later
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from imagio_sim.anatomy.slice_stack import SliceStack, read_slice_stack, signed_distance, write_slice_stack
from imagio_sim.errors import ImagioError

AROUND = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)


def circle(radius: float, middle: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return radius * np.column_stack([np.cos(AROUND), np.sin(AROUND)]) + middle


def cut_ball(radius: float, gap: float, first: float, directions: np.ndarray | None = None) -> SliceStack:
    """A ball about (100, -50, 300) cut every ``gap`` mm, the first slice ``first`` mm above its lower end."""
    heights = np.arange(-radius + first, radius, gap)
    outlines = tuple((circle(float(np.sqrt(radius**2 - h**2))),) for h in heights)
    return SliceStack(
        np.array([100.0, -50.0, 300.0]), np.eye(3) if directions is None else directions, heights, outlines
    )


def test_a_ball_cut_anywhere_has_its_volume_on_average() -> None:
    errors = [
        cut_ball(12.0, 4.0, first).surface(1.0).volume_ml / (4.0 / 3.0 * np.pi * 1.728) - 1.0
        for first in (np.arange(8) + 0.5) / 2.0
    ]
    assert np.mean(errors) == pytest.approx(0.0, abs=0.012)
    assert np.abs(errors).max() < 0.05


def test_an_oblique_stack_lies_where_its_pose_says() -> None:
    directions = np.linalg.qr(np.array([[1.0, 0.4, -0.3], [0.1, 1.0, 0.5], [0.3, -0.2, 1.0]]))[0]
    directions[2] = np.cross(directions[0], directions[1])
    surface = cut_ball(10.0, 2.0, 1.0, directions).surface(0.7)
    radius = np.linalg.norm(surface.points_mm - [100.0, -50.0, 300.0], axis=1)
    assert surface.signed_volume_ml > 0.0
    assert radius.mean() == pytest.approx(10.0, abs=0.15)
    assert np.abs(radius - 10.0).max() < 1.1


def test_a_polygon_within_another_is_a_hole() -> None:
    ring = (circle(10.0), circle(4.0, (1.0, 0.0)))
    stack = SliceStack(np.zeros(3), np.eye(3), np.array([0.0, 5.0, 10.0]), (ring, ring, ring))
    area = np.pi * (100.0 - 16.0)
    assert signed_distance(ring, np.array([[1.0, 0.0], [7.0, 0.0], [12.0, 0.0]])) == pytest.approx(
        [-4, 2, -2], abs=0.03
    )
    assert stack.surface().volume_ml == pytest.approx(area * (10.0 + 2.0 / 3.0 * 5.0) / 1000.0, rel=0.05)


def test_a_slice_without_an_outline_ends_the_zone_before_it() -> None:
    stack = SliceStack(np.zeros(3), np.eye(3), np.array([0.0, 4.0, 8.0]), ((circle(6.0),), (circle(6.0),), ()))
    height = stack.surface().points_mm[:, 2]
    assert height.max() == pytest.approx(6.0, abs=0.6)
    assert height.min() == pytest.approx(-2.0, abs=0.6)


def test_slices_are_read_back_as_written(tmp_path: Path) -> None:
    stack = SliceStack(
        np.array([1.0, 2.0, 3.0]),
        np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        np.array([0.0, 5.0]),
        ((circle(4.0),), (circle(5.0), circle(2.0))),
        0.9,
        "made up",
    )
    write_slice_stack(tmp_path / "zone.yaml", stack, source="a test")
    found = read_slice_stack(tmp_path / "zone.yaml")
    assert (found.length_ratio, found.notice) == (0.9, "made up")
    assert found.heights_mm == pytest.approx([0.0, 5.0])
    assert found.outlines_mm[1][1] == pytest.approx(circle(2.0), abs=1e-3)
    assert found.surface().volume_ml == pytest.approx(stack.surface().volume_ml, rel=1e-3)


def slices(**changes: Any) -> dict[str, Any]:
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    lower = {"origin": [0, 0, 0], "axes": [[1, 0, 0], [0, 1, 0]], "polygons": [square]}
    return {
        "schema": 1,
        "frame": "LPS",
        "source": "a test",
        "slices": [lower, {**lower, "origin": [1, 0, 5], **changes.pop("second", {})}],
        **changes,
    }


def written(folder: Path, data: Any) -> Path:
    file = folder / "slices.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    return file


def test_slices_in_ras_are_those_in_lps_with_x_and_y_turned_round(tmp_path: Path) -> None:
    left = read_slice_stack(written(tmp_path, slices())).surface()
    right = read_slice_stack(written(tmp_path, slices(frame="RAS"))).surface()
    assert right.points_mm.mean(axis=0) == pytest.approx(left.points_mm.mean(axis=0) * [-1, -1, 1], abs=0.3)
    assert left.points_mm[:, 0].max() == pytest.approx(11.0, abs=0.4)  # the second slice begins 1 mm further


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"frame": "LAS"}, "frame"),
        ({"colour": "red"}, "colour"),
        ({"slices": []}, "slices"),
        ({"second": {"axes": [[2, 0, 0], [0, 1, 0]]}}, "slices[1].axes: expected two unit vectors"),
        ({"second": {"axes": [[1, 0, 0], [0, 0.6, 0.8]]}}, "a slice at an angle to the first"),
        ({"second": {"origin": [3, 0, 0]}}, "two slices in one place"),
        ({"second": {"polygons": [[[0, 0], [1, 1]]]}}, "slices[1].polygons[0]"),
        ({"second": {"origin": [0, 0, float("nan")]}}, "slices[1].origin[2]"),
        ({"length_ratio": 8.0}, "length_ratio"),
    ],
)
def test_slices_that_make_no_stack_are_refused_with_their_place(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ImagioError) as refused:
        read_slice_stack(written(tmp_path, slices(**changes)))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["[1, 2", "- a list", ""])
def test_what_is_no_file_of_slices_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "slices.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ImagioError, match="slices: schema, frame, source"):
        read_slice_stack(file)
