# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from imagio_sim.devices.applicator import PlacedApplicator, Rod
from imagio_sim.meshing.domain import Sampled
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.view.half_plane import HalfPlane, draw_half_plane
from imagio_sim.view.scene import ZONE_COLOUR
from tests.outcome.meshes import half_plane
from tests.view.test_pictures import share_of_colour

BORDER = "#009E73"


def plane(radius_mm: float = 12.0, *, cold: bool = False, layered: bool = False) -> HalfPlane:
    domain = half_plane(40.0, 1.0)
    distance = np.linalg.norm(domain.points_mm, axis=1)
    level = radius_mm - distance
    upper = (domain.points_mm[domain.cells][:, :, 1].mean(axis=1) > 5.0) if layered else np.zeros(len(domain.cells))
    nothing = np.zeros(len(domain.cells))
    sampled = Sampled(("fat", "liver"), np.column_stack([1.0 - upper, upper]), nothing, nothing, nothing, nothing)
    rod = Rod("shaft", ((0.0, 0.0, 0.0), (0.0, 0.0, 90.0)), 1.0, "flat", 0.0, ())
    return HalfPlane(
        title="phantom: A",
        domain=domain,
        sampled=sampled,
        zone=ablation_zone(domain, level, np.array([0.0, 0.0, 1.0])),
        zone_name="ablation zone (heat)",
        level=level,
        extreme=37.0 - (97.0 if cold else -60.0) * np.exp(-((distance / 15.0) ** 2)),
        is_cold=cold,
        applicators=[PlacedApplicator("A", "made", (rod,), (0.0, 0.0, 90.0), (0.0, 0.0, 0.0))],
    )


@pytest.mark.parametrize("cold", [False, True])
def test_one_half_is_the_mirror_image_of_the_other(cold: bool, tmp_path: Path) -> None:
    draw_half_plane(tmp_path / "plane.png", replace(plane(cold=cold), applicators=[]))
    picture = imread(tmp_path / "plane.png")[..., :3]
    rows, columns = picture.shape[:2]
    middle = round(columns * (0.09 + 0.35))
    reach = round(0.34 * columns)
    strip = picture[round(0.3 * rows) : round(0.45 * rows), middle - reach : middle + reach]
    assert strip.std() > 0.05
    # Isotherms are labelled on one side only, edges of pixels differ.
    assert (np.abs(strip - strip[:, ::-1]).max(axis=-1) > 0.2).mean() < 0.1


def test_the_outline_grows_with_the_zone_and_is_missing_without_one(tmp_path: Path) -> None:
    shares = []
    for radius in (-1.0, 6.0, 14.0):
        draw_half_plane(tmp_path / "plane.png", plane(radius))
        shares.append(share_of_colour(tmp_path / "plane.png", ZONE_COLOUR))
    assert shares[0] < 0.5 * shares[1] < 0.5 * shares[2]


def test_borders_of_layers_are_drawn_where_there_are_layers(tmp_path: Path) -> None:
    draw_half_plane(tmp_path / "one.png", plane())
    draw_half_plane(tmp_path / "two.png", plane(layered=True))
    assert share_of_colour(tmp_path / "one.png", BORDER) == 0.0
    assert share_of_colour(tmp_path / "two.png", BORDER) > 1e-3


def test_a_hot_spot_at_the_tip_leaves_the_colours_of_the_rest(tmp_path: Path) -> None:
    hot = plane()
    spot = hot.extreme.copy()
    spot[np.argmin(np.linalg.norm(hot.domain.points_mm, axis=1))] = 3600.0
    draw_half_plane(tmp_path / "plane.png", hot)
    draw_half_plane(tmp_path / "spot.png", replace(hot, extreme=spot))
    around = (slice(350, 500), slice(330, 420))  # the left half beside the axis
    warm = [
        (np.subtract(*imread(tmp_path / f"{name}.png")[around][..., [0, 2]].transpose(2, 0, 1)) > 0.3).mean()
        for name in ("plane", "spot")
    ]
    assert warm[0] > 0.05
    assert warm[1] > 0.3 * warm[0]
