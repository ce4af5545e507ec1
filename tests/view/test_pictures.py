# SPDX-License-Identifier: LGPL-3.0-or-later
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from imagio_sim.anatomy.volume import Image
from imagio_sim.outcome.margins import Margins
from imagio_sim.view.curves import draw_curves, draw_margin_histogram
from imagio_sim.view.planes import PLANES, draw_planes
from imagio_sim.view.scene import MARGIN_BANDS, STRUCTURE_COLOUR, Scene, band_of, in_millimetres
from imagio_sim.view.space import draw_space
from tests.outcome.cases import ROLES, assessment, labels, needle
from tests.outcome.meshes import sphere


def scene(radius_mm: float = 15.0) -> Scene:
    outcome = assessment(radius_mm)
    return Scene(
        title="cube · plan A",
        zone=outcome.zone,
        zone_name="ablation zone (heat)",
        level=outcome.level,
        probe=outcome.probe,
        applicators=[needle()],
        labels=labels(),
        roles=ROLES,
        target=outcome.target,
        margins=outcome.margins,
        vessels={"portal_vein": sphere(3.0, (17.0, 0.0, 0.0))},
    )


def share_of_colour(path: Path, colour: str, tolerance: float = 0.08) -> float:
    wanted = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return float((np.abs(imread(path)[..., :3] - wanted).max(axis=-1) < tolerance).mean())


def test_margins_of_four_sizes_fall_into_four_bands() -> None:
    bands = band_of(np.array([-np.inf, -0.1, 0.0, 4.99, 5.0, 9.9, 10.0, 30.0]))
    assert bands.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_negative_length_is_written_with_a_minus_sign() -> None:
    assert in_millimetres(-3.14) == "−3.1 mm"


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
def test_planes_are_seen_as_radiologists_see_them(plane) -> None:  # type: ignore[no-untyped-def]
    direction = {"R": (-1, 0, 0), "L": (1, 0, 0), "A": (0, -1, 0), "P": (0, 1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
    left, right, top, bottom = (np.array(direction[letter]) for letter in plane.letters)
    assert np.array(plane.right) == pytest.approx(right)
    assert np.array(plane.right) == pytest.approx(-left)
    assert np.array(plane.up) == pytest.approx(top)
    assert np.array(plane.up) == pytest.approx(-bottom)


def test_the_planes_show_the_target_in_the_colour_of_its_margin(tmp_path: Path) -> None:
    draw_planes(tmp_path / "covered.png", scene(15.0))
    draw_planes(tmp_path / "uncovered.png", scene(7.0))
    uncovered, covered = MARGIN_BANDS[0].colour, MARGIN_BANDS[2].colour
    # The legend shows every colour once; the target's outline comes on top of that.
    assert share_of_colour(tmp_path / "covered.png", covered) > 3 * share_of_colour(tmp_path / "uncovered.png", covered)
    assert share_of_colour(tmp_path / "uncovered.png", uncovered) > 3 * share_of_colour(
        tmp_path / "covered.png", uncovered
    )


def test_the_planes_show_the_image_where_there_is_one(tmp_path: Path) -> None:
    grid = labels().grid
    bright = Image(np.full(grid.shape, 1000.0, dtype=np.float32), grid, "test")
    draw_planes(tmp_path / "labels.png", scene())
    draw_planes(tmp_path / "image.png", replace(scene(), image=bright))
    assert share_of_colour(tmp_path / "image.png", "#FFFFFF") > 1.5 * share_of_colour(
        tmp_path / "labels.png", "#FFFFFF"
    )


def test_an_empty_zone_and_a_plan_without_target_can_be_drawn(tmp_path: Path) -> None:
    nothing = replace(scene(-1.0), target=None, margins=None, applicators=[], vessels={})
    draw_planes(tmp_path / "planes.png", nothing)
    draw_space(tmp_path / "space.png", nothing)
    assert imread(tmp_path / "planes.png").shape[1] > imread(tmp_path / "planes.png").shape[0]


def test_the_view_in_space_shows_target_and_vessels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    draw_space(tmp_path / "space.png", scene())
    assert imread(tmp_path / "space.png")[..., :3].std() > 0.02
    assert capfd.readouterr() == ("", "")


def test_a_structure_before_the_plan_is_seen_through(tmp_path: Path) -> None:
    around = {"lung": sphere(40.0, (0.0, 0.0, 0.0))}
    draw_space(tmp_path / "free.png", scene())
    draw_space(tmp_path / "behind.png", replace(scene(), structures=around))
    covered = MARGIN_BANDS[2].colour
    legend = share_of_colour(tmp_path / "free.png", covered)
    assert share_of_colour(tmp_path / "free.png", STRUCTURE_COLOUR) == 0.0
    assert share_of_colour(tmp_path / "behind.png", STRUCTURE_COLOUR) < 0.05
    assert share_of_colour(tmp_path / "behind.png", covered, 0.25) > 0.3 * legend


def test_the_viewer_stands_where_nothing_hides_the_plan(tmp_path: Path) -> None:
    draw_space(tmp_path / "free.png", scene())
    free = share_of_colour(tmp_path / "free.png", MARGIN_BANDS[2].colour, 0.25)
    screens = {f"screen {x:g}": sphere(10.0, (x, -45.0, 22.0)) for x in (-22.0, 0.0, 22.0)}
    draw_space(tmp_path / "screened.png", replace(scene(), structures=screens))
    assert share_of_colour(tmp_path / "screened.png", MARGIN_BANDS[2].colour, 0.25) > 0.6 * free


def test_curves_have_a_panel_per_unit(tmp_path: Path) -> None:
    time = np.linspace(0, 720, 50)
    draw_curves(tmp_path / "one.png", {"time_s": time, "power_W": 0 * time + 60}, "A")
    history = {"time_s": time, "power_W": 0 * time + 60, "tip_degC": 37 + time / 10, "impedance_ohm": 80 + 0 * time}
    draw_curves(tmp_path / "three.png", history, "A")
    assert imread(tmp_path / "three.png").shape[0] > 1.8 * imread(tmp_path / "one.png").shape[0]


def test_every_curve_of_a_panel_is_drawn(tmp_path: Path) -> None:
    names = [f"electrode_{n}.current_A" for n in range(20)]
    figures: list[Any] = []

    def keep(figure: Any, *_: object) -> None:
        figures.append(figure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imagio_sim.view.curves._finish", keep)
        draw_curves(tmp_path / "many.png", {"time_s": [0.0, 60.0], **{n: [1.0, 2.0] for n in names}}, "A")
    (axes,) = figures[0].axes
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(axes.lines) == len(styles) == len(axes.get_legend().get_texts()) == 20
    assert axes.get_legend().get_texts()[7].get_text() == "electrode 7: current"


def test_the_zone_is_called_by_what_made_it(tmp_path: Path) -> None:
    cold = replace(scene(), zone_name="ablation zone (cold, nadir −40 °C)")
    for draw in (draw_planes, draw_space):
        draw(tmp_path / "heat.png", scene())
        draw(tmp_path / "cold.png", cold)
        legends = [imread(tmp_path / f"{agent}.png")[-80:] for agent in ("heat", "cold")]
        assert not np.array_equal(*legends)


def test_the_histogram_has_the_colours_of_its_margins(tmp_path: Path) -> None:
    points = np.zeros((3, 3))
    margins = Margins(points, np.ones(3), np.array([-2.0, 3.0, 7.0]), np.ones(3, dtype=bool))
    draw_margin_histogram(tmp_path / "h.png", margins, "A")
    assert all(share_of_colour(tmp_path / "h.png", band.colour) > 0.005 for band in MARGIN_BANDS[:3])


def test_the_histogram_of_no_zone_is_empty(tmp_path: Path) -> None:
    nothing = Margins(np.zeros((2, 3)), np.ones(2), np.full(2, -np.inf), np.ones(2, dtype=bool))
    draw_margin_histogram(tmp_path / "h.png", nothing, "A")
    assert share_of_colour(tmp_path / "h.png", MARGIN_BANDS[0].colour) == 0.0


def test_a_unit_in_which_nothing_happens_has_no_panel(tmp_path: Path) -> None:
    still = {"time_s": [0.0, 60.0], "power_W": [0.0, 0.0], "tip_degC": [37.0, 37.0 + 1e-8]}
    draw_curves(tmp_path / "one.png", {**still, "plasma_umol_per_l": [0.0, 1.0]}, "A")
    draw_curves(
        tmp_path / "three.png", {**still, "power_W": [60.0, 60.0], "tip_degC": [37.0, 90.0], "x_mm": [1, 2]}, "A"
    )
    assert imread(tmp_path / "one.png").shape[0] < imread(tmp_path / "three.png").shape[0]
