# SPDX-License-Identifier: LGPL-3.0-or-later
"""Half planes of antennas."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.devices.library import load_device
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.meshing import antenna as antenna_module
from imagio_sim.meshing.antenna import (
    TISSUE,
    AntennaMesh,
    AntennaSizes,
    antenna_mesh,
    recipe_from_json,
    recipe_to_json,
)
from imagio_sim.meshing.antenna_layout import antenna_recipe
from imagio_sim.meshing.quality import signed_inverse_condition_number
from tests.solve.antennas import single_slot


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGIO_CACHE", str(tmp_path))
    return tmp_path / "meshes"


def area(mesh: AntennaMesh, material: str) -> float:
    corners = mesh.points_mm[mesh.cells[mesh.material == mesh.materials.index(material)]]
    return float(0.5 * np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum())


def test_every_part_of_the_antenna_has_its_size() -> None:
    mesh = antenna_mesh(single_slot(radius_mm=40.0))
    assert area(mesh, "line") == pytest.approx((0.47 - 0.135) * (17.0 - 0.625))
    assert area(mesh, "air") == pytest.approx((0.595 - 0.47) * 1.0)
    # The half disc without the antenna; a circle of straight edges is a little smaller than a round one.
    assert area(mesh, TISSUE) == pytest.approx(0.5 * np.pi * 40.0**2 - 0.895 * 46.5 + 0.5 * 0.895 * 0.5, rel=3e-3)


def test_boundaries_are_where_they_belong() -> None:
    mesh = antenna_mesh(single_slot(radius_mm=40.0))
    port = mesh.points_mm[mesh.surfaces["port"]]
    assert np.allclose(port[..., 1], 17.0)
    assert port[..., 0].min() == pytest.approx(0.135)
    assert port[..., 0].max() == pytest.approx(0.47)
    outer = mesh.points_mm[mesh.surfaces["outer"]]
    assert np.allclose(np.hypot(outer[..., 0], outer[..., 1] - 6.5), 40.0)
    assert np.allclose(mesh.points_mm[mesh.surfaces["axis"]][..., 0], 0.0)
    # Outer conductor inside and outside, its two rims, and the inner conductor.
    metal = mesh.points_mm[mesh.surfaces["metal"]]
    assert metal[..., 0].max() == pytest.approx(0.595)


def test_cells_are_small_at_the_slot_and_of_good_shape() -> None:
    mesh = antenna_mesh(single_slot(radius_mm=40.0))
    sizes = np.linalg.norm(mesh.points_mm[mesh.cells[:, 0]] - mesh.points_mm[mesh.cells[:, 1]], axis=1)
    centres = mesh.points_mm[mesh.cells].mean(axis=1)
    at_slot = np.hypot(centres[:, 0] - 0.53, centres[:, 1] - 6.0) < 0.15
    assert sizes[at_slot].mean() < 0.2 * sizes.mean()
    assert signed_inverse_condition_number(mesh.points_mm, mesh.cells).min() > 0.1


def test_the_second_time_the_mesh_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = single_slot(radius_mm=30.0)
    first = antenna_mesh(recipe)
    monkeypatch.setattr(antenna_module, "run_worker", lambda *_, **__: pytest.fail("meshed again"))
    second = antenna_mesh(recipe)
    assert np.array_equal(first.cells, second.cells)
    assert first.surfaces.keys() == second.surfaces.keys()


def test_a_damaged_file_is_made_anew(folder: Path) -> None:
    recipe = single_slot(radius_mm=30.0)
    made = antenna_mesh(recipe)
    (file,) = folder.iterdir()
    file.write_bytes(b"not a mesh at all")
    assert np.array_equal(antenna_mesh(recipe).cells, made.cells)


def test_a_recipe_survives_its_text() -> None:
    recipe = replace(single_slot(), sizes=AntennaSizes().scaled(0.5))
    assert recipe_from_json(recipe_to_json(recipe)) == recipe


def test_a_bare_arm_is_surrounded_by_tissue() -> None:
    device = load_device("mw_monopole")
    assert isinstance(device, MicrowaveDevice)
    (rod,) = device.applicator()
    assert rod.path_mm[0][2] == pytest.approx(13.0)
    mesh = antenna_mesh(antenna_recipe(rod, device.antenna, radius_mm=40.0, reach_mm=10.0))
    centres = mesh.points_mm[mesh.cells[mesh.in_tissue]].mean(axis=1)
    beside_arm = centres[(centres[:, 1] > 1.0) & (centres[:, 1] < 12.0)]
    beside_shaft = centres[centres[:, 1] > 14.0]
    assert beside_arm[:, 0].min() < 0.5
    assert beside_shaft[:, 0].min() > 1.1
