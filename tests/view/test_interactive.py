# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scene of a report that is turned by hand: its surfaces, their size, and that it needs nothing from outside."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.outcome.surface import Surface
from imagio_sim.view.interactive import interactive_scene, script_files
from imagio_sim.view.report import render_report
from tests.outcome.meshes import sphere
from tests.view import test_pictures
from tests.view.test_report import complete, report

scene = cache(test_pictures.scene)


def surface_of(shown: dict[str, Any], middle_mm: np.ndarray) -> Surface:
    """What the page makes of a surface, back in the patient's place."""
    points = np.frombuffer(base64.b64decode(shown["points"]), "<f4").reshape(-1, 3)
    polygons = np.frombuffer(base64.b64decode(shown["polygons"]), "<u4").reshape(-1, 4)
    assert (polygons[:, 0] == 3).all()
    return Surface(points.astype(float) + middle_mm, polygons[:, 1:].astype(np.int64))


def by_name(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {surface["name"]: surface for surface in made["surfaces"]}


def test_surfaces_keep_their_shape_and_place() -> None:
    drawn = scene()
    shown = surface_of(by_name(interactive_scene(drawn))["portal_vein"], drawn.centre_mm)
    vein = drawn.vessels["portal_vein"]
    assert shown.volume_mm3 == pytest.approx(vein.volume_mm3, rel=1e-5)
    assert shown.centroid_mm == pytest.approx(vein.centroid_mm, abs=1e-4)


def test_the_target_is_shown_in_the_colours_of_its_margins_and_wholly() -> None:
    drawn = scene(7.0)
    assert drawn.target is not None
    parts = [shown for name, shown in by_name(interactive_scene(drawn)).items() if name.startswith("target")]
    assert len(parts) >= 1
    assert len({part["css"] for part in parts}) == len(parts)
    area = sum(surface_of(part, drawn.centre_mm).area_mm2 for part in parts)
    assert area == pytest.approx(drawn.target.area_mm2, rel=1e-5)


def test_a_surface_of_too_many_triangles_is_thinned_out_but_not_moved() -> None:
    fine = sphere(20.0, (0.0, 0.0, 0.0))
    while len(fine.triangles) < 30_000:
        fine = divided(fine)
    shown = by_name(interactive_scene(replace(scene(), vessels={"fine": fine})))["fine"]
    thinned = surface_of(shown, scene().centre_mm)
    assert len(thinned.triangles) <= 20_000
    assert thinned.volume_mm3 == pytest.approx(fine.volume_mm3, rel=0.01)


def divided(surface: Surface) -> Surface:
    """Every triangle as four."""
    a, b, c = np.moveaxis(surface.corners_mm, 1, 0)
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    corners = np.concatenate([np.stack(part, axis=1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return Surface(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3))


def test_a_scene_without_zone_target_and_needles_can_be_shown() -> None:
    made = interactive_scene(replace(scene(-1.0), target=None, margins=None, applicators=[]))
    assert list(by_name(made)) == ["portal_vein"]


def test_the_page_holds_the_scene_and_the_scripts_and_asks_for_nothing(tmp_path: Path) -> None:
    page = render_report(replace(report(tmp_path, complete()), scene=interactive_scene(scene())))
    assert page.count("data-surface=") == len(interactive_scene(scene())["surfaces"]) + 1  # and once in the script
    assert "showScene" in page
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)', page) == []
    assert all("</script" not in text for text in script_files().values())
    assert len(page) < 15_000_000


def test_a_name_cannot_end_the_script_it_stands_in(tmp_path: Path) -> None:
    made = interactive_scene(replace(scene(), vessels={"</script><b>": sphere(3.0, (17.0, 0.0, 0.0))}))
    page = render_report(replace(report(tmp_path, complete()), scene=made))
    assert "</script><b>" not in page
