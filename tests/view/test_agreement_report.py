# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.outcome.agreement import MarginAgreement, limits_of_agreement
from imagio_sim.outcome.surface import Surface
from imagio_sim.view.agreement_report import draw_bland_altman, draw_overlay, margin_row
from tests.outcome.meshes import sphere

NOTHING = Surface(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64))
BLUE, ORANGE = (0.0, 0.447, 0.698), (0.835, 0.369, 0.0)


def pixels(path: Path, colour: tuple[float, float, float]) -> np.ndarray:
    """Row and column (n, 2) of the pixels of a colour, the legend left out."""
    picture = matplotlib.image.imread(path)[:360, :, :3]
    return np.argwhere(np.abs(picture - colour).max(axis=2) < 0.02)


def test_what_lies_further_to_the_patients_left_is_drawn_further_right_over_the_image(tmp_path: Path) -> None:
    grid = Grid.around(np.full(3, -40.0), np.full(3, 40.0), 2.0)
    image = Image(np.full(grid.shape, 40.0, dtype=np.float32), grid, "made up")
    simulated, measured = sphere(8.0, (6.0, 0.0, 0.0)), sphere(8.0)
    draw_overlay(tmp_path / "a.png", "P", simulated, measured, target=sphere(3.0), image=image, notice="SYNTHETIC")
    axial = [places[places[:, 1] < 350] for places in (pixels(tmp_path / "a.png", c) for c in (BLUE, ORANGE))]
    assert axial[0][:, 1].mean() > axial[1][:, 1].mean() + 20
    grey = matplotlib.image.imread(tmp_path / "a.png")[200, 60, :3]
    assert np.ptp(grey) == 0.0
    assert 0.2 < grey[0] < 0.8


def test_what_lies_further_back_is_drawn_further_down_in_the_axial_plane(tmp_path: Path) -> None:
    draw_overlay(tmp_path / "a.png", "P", sphere(8.0, (0.0, 6.0, 0.0)), sphere(8.0), target=None, image=None, notice="")
    axial = [places[places[:, 1] < 350] for places in (pixels(tmp_path / "a.png", c) for c in (BLUE, ORANGE))]
    assert axial[0][:, 0].mean() > axial[1][:, 0].mean() + 20


def test_a_run_that_killed_nothing_is_drawn_too(tmp_path: Path) -> None:
    draw_overlay(tmp_path / "a.png", "P", NOTHING, sphere(8.0), target=None, image=None, notice="")
    assert len(pixels(tmp_path / "a.png", ORANGE)) > 100


def test_a_plot_shows_every_case(tmp_path: Path) -> None:
    pairs = [(12.0, 10.0), (11.0, 12.0), (20.0, 18.0)]
    limits = limits_of_agreement(*map(list, zip(*pairs, strict=True)))
    assert limits is not None
    draw_bland_altman(tmp_path / "b.png", "zone volume", "ml", pairs, limits, "SYNTHETIC")
    assert len(pixels(tmp_path / "b.png", ORANGE)) > 30


@pytest.mark.parametrize(("curve", "text"), [(0.875, "0.88"), (None, "–")])
def test_a_row_of_margins_has_dashes_for_what_is_not_defined(curve: float | None, text: str) -> None:
    row = margin_row("cases", MarginAgreement(5.0, 12, 0.25, None, 0.9, curve))
    assert row == ["cases", "12", "25 %", "–", "90 %", text]
