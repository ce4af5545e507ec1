# SPDX-License-Identifier: LGPL-3.0-or-later
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.meshing import cache
from imagio_sim.meshing.cache import cache_folder, cached_domain, read_domain, recipe_key, write_domain
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.meshing.recipe import Recipe, ShellRecipe

RECIPE = ShellRecipe(0.0, 10.0, 3.0, 3.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGIO_CACHE", str(tmp_path))
    return tmp_path / "meshes"


def same(one: Domain, other: Domain) -> bool:
    return (
        np.array_equal(one.points_mm, other.points_mm)
        and np.array_equal(one.cells, other.cells)
        and one.surfaces.keys() == other.surfaces.keys()
        and all(np.array_equal(one.surfaces[name], other.surfaces[name]) for name in one.surfaces)
        and one.minimum_quality == other.minimum_quality
        and one.axisymmetric == other.axisymmetric
    )


def test_the_second_time_the_mesh_comes_from_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cached_domain(RECIPE)
    monkeypatch.setattr(cache, "generate", lambda *_, **__: pytest.fail("meshed again"))
    second = cached_domain(RECIPE)
    assert not first.from_cache
    assert second.from_cache
    assert second.warning is None
    assert second.seconds < first.seconds
    assert same(first.domain, second.domain)


def test_of_several_who_want_a_mesh_at_the_same_time_one_makes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, said = [], []

    def slowly(recipe: Recipe, **_: object) -> object:
        time.sleep(0.3)
        made.append(recipe)
        return generate(recipe)

    monkeypatch.setattr(cache, "generate", slowly)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(cached_domain, RECIPE, on_progress=said.append) for _ in range(3)]
        found = [one.result() for one in waiting]

    assert len(made) == 1
    assert sorted(one.from_cache for one in found) == [False, True, True]
    assert same(found[0].domain, found[2].domain)
    assert "waiting for the mesh that process" in said[0]
    assert [file.suffix for file in folder.iterdir()] == [".npz"]


def test_another_recipe_is_another_mesh(folder: Path) -> None:
    assert recipe_key(RECIPE) != recipe_key(ShellRecipe(0.0, 10.0, 3.0, 2.9))


@pytest.mark.parametrize("damage", ["truncated", "bit", "empty", "foreign"])
def test_a_damaged_file_is_built_again_with_a_warning(folder: Path, damage: str) -> None:
    made = cached_domain(RECIPE).domain
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(
        {
            "truncated": whole[:middle],
            "bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "empty": b"",
            "foreign": b"not a mesh at all",
        }[damage]
    )
    again = cached_domain(RECIPE)
    assert not again.from_cache
    assert again.warning is not None
    assert "is built again" in again.warning
    assert same(made, again.domain)
    assert cached_domain(RECIPE).from_cache


def test_nothing_unfinished_stays_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    domain = generate(RECIPE).domain
    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_domain(domain, folder / "mesh.npz")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IMAGIO_CACHE", str(tmp_path / "file"))
    made = cached_domain(RECIPE)
    assert made.warning is not None
    assert "is not kept" in made.warning
    assert len(made.domain.cells) > 100


def test_a_half_plane_survives_the_file(tmp_path: Path) -> None:
    domain = half_plane(3.0, 4.0, 3, 4)
    write_domain(domain, tmp_path / "mesh.npz")
    assert same(read_domain(tmp_path / "mesh.npz"), domain)


def test_without_the_variable_the_users_cache_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IMAGIO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "imagio" / "meshes"
