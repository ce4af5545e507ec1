# SPDX-License-Identifier: LGPL-3.0-or-later
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from imagio_sim.view.curves import HistogramCurve, draw_curves, draw_volume_histograms
from imagio_sim.view.maps import FieldMap, draw_classes, draw_map
from tests.view.test_pictures import scene, share_of_colour


def ball_of_dose(points_mm: np.ndarray) -> np.ndarray:
    """100 in the middle, falling by 5 per mm; nothing below z = -15 mm is known."""
    values = 100.0 - 5.0 * np.linalg.norm(points_mm, axis=1)
    return np.where(points_mm[:, 2] < -15.0, np.nan, values)


def dose(**changes: object) -> FieldMap:
    return replace(FieldMap("absorbed dose", "Gy", ball_of_dose, 0.0, 100.0, contours=(25.0, 50.0)), **changes)


def warm_share(path: Path) -> float:
    """Share of the picture in colours that only the field has: much more red than blue."""
    picture = imread(path)[..., :3]
    return float((picture[..., 0] - picture[..., 2] > 0.35).mean())


def test_a_field_is_shown_in_colour_where_it_is_above_its_lower_end(tmp_path: Path) -> None:
    draw_map(tmp_path / "whole.png", scene(), dose())
    draw_map(tmp_path / "hot.png", scene(), dose(low=60.0, contours=()))
    assert warm_share(tmp_path / "whole.png") > 1.5 * warm_share(tmp_path / "hot.png") > 0.0


@pytest.mark.parametrize("changes", [{"logarithmic": True, "low": 1.0}, {"reach_mm": 60.0}])
def test_a_field_may_be_shown_by_its_logarithm_or_from_farther_away(tmp_path: Path, changes: dict[str, object]) -> None:
    draw_map(tmp_path / "map.png", scene(), dose(**changes))
    assert warm_share(tmp_path / "map.png") > 0.005


def test_classes_of_tissue_have_their_colours(tmp_path: Path) -> None:
    def halves(points_mm: np.ndarray) -> np.ndarray:
        inside = np.linalg.norm(points_mm, axis=1) < 12.0
        return np.where(inside, np.where(points_mm[:, 0] < 0.0, 1, 2), 0)

    colours = {"heat": "#D55E00", "drug": "#009E73"}
    draw_classes(tmp_path / "classes.png", scene(), "what killed", halves, colours)
    nothing = {"heat": "#000000", "drug": "#000000"}
    draw_classes(tmp_path / "black.png", scene(), "what killed", halves, nothing)
    for colour in colours.values():
        blended = share_of_colour(tmp_path / "classes.png", colour, tolerance=0.25)
        assert blended > share_of_colour(tmp_path / "black.png", colour, tolerance=0.25) + 0.01


def test_a_histogram_has_a_line_for_every_part(tmp_path: Path) -> None:
    doses = np.linspace(0.0, 100.0, 50)
    curves = [HistogramCurve("target", doses, 1.0 - doses / 100.0), HistogramCurve("liver", doses, np.exp(-doses))]
    draw_volume_histograms(tmp_path / "two.png", curves, "absorbed dose [Gy]", "cube")
    draw_volume_histograms(tmp_path / "one.png", curves[:1], "absorbed dose [Gy]", "cube")
    second = "#D55E00"
    assert share_of_colour(tmp_path / "two.png", second) > 0.0005
    assert share_of_colour(tmp_path / "one.png", second) == 0.0


def test_amounts_of_drug_are_drawn_by_their_logarithm_in_a_panel_of_their_own(tmp_path: Path) -> None:
    history = {"time_s": [0.0, 60.0, 120.0], "a.power_W": [30.0, 30.0, 0.0]}
    draw_curves(tmp_path / "power.png", history, "A")
    drug = {"x.beads_mol": [1e-4, 9e-5, np.nan], "x.plasma_mol_per_m3": [0.0, 1e-6, 2e-6]}
    draw_curves(tmp_path / "drug.png", {**history, **drug}, "A")
    heights = [imread(tmp_path / name).shape[0] for name in ("power.png", "drug.png")]
    assert heights[1] - heights[0] == pytest.approx(2 * 1.9 * 110, abs=2)
